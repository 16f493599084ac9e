// Finds the members of a large object by name, so that reading one stays linear.
#pragma once

#include <weir/value.hpp>

#include <cstdint>
#include <vector>

namespace weir::detail {

/// Positions in a vector of members that only grows, in a table with open places. Nobody who chooses the names can choose ones that
/// meet in it: the hash is keyed by the process. No result depends on that key.
class KeyIndex {
public:
  static constexpr std::size_t none = ~std::size_t{0};

  explicit KeyIndex(const std::vector<Object::Member>& members);

  std::size_t find(std::string_view key, const std::vector<Object::Member>& members) const noexcept;
  /// Of the member that was appended last; no other has its name.
  void add(std::string_view key, std::size_t position);

private:
  struct Place {
    std::uint32_t hash = 0;
    std::uint32_t number = 0;  ///< position + 1; 0: free
  };
  void put(Place place);
  void grow(std::size_t places);

  std::vector<Place> places_;  ///< a power of two, at most half of them taken
  std::size_t taken_ = 0;
};

}  // namespace weir::detail
