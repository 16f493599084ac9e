// The request target taken apart: decoded path segments and query parameters (contract 1.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::http {

/// Percent-decoding; malformed escapes stay as they are. `plus_is_space`: query rules.
std::string percent_decoded(std::string_view text, bool plus_is_space = false);

class Query {
public:
  explicit Query(std::string_view text);
  /// The last value of a repeated parameter.
  std::optional<std::string> last(std::string_view name) const;
  std::vector<std::string> all(std::string_view name) const;
  /// "true" in any case is true, every other value false.
  bool flag(std::string_view name, bool absent) const;

private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

struct Target {
  explicit Target(std::string_view target);

  /// Decoded one by one, so that "a%2Fb" is one name; "/a/" has two, the last one empty.
  std::vector<std::string> segments;
  Query query;
};

/// An integer as Python's int() reads it: blanks around, a sign, underscores between digits.
std::optional<long long> python_integer(std::string_view text);

}  // namespace weir::http
