// What is said about an event's members beside their types, and what is wrong with an input.
#pragma once

#include <weir/error.hpp>
#include <weir/reflect.hpp>
#include <weir/value.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

/// One thing wrong with an input, in the protocol's words.
struct Issue {
  std::string location;  ///< dotted path, e.g. "lines.0.price"; empty for the whole value
  std::string tag;       ///< e.g. "missing"
  std::string message;   ///< e.g. "Field required"
  std::string input;     ///< the offending value as Python prints it
  std::string input_type;
  std::string hint = {};  ///< for who wrote the type; may be empty
};

/// Collects issues while a value is decoded; knows where in the value it is.
class Issues {
public:
  void add(std::string_view tag, std::string message, const Value& input, std::string hint = {});
  bool empty() const noexcept { return issues_.empty(); }
  std::size_t size() const noexcept { return issues_.size(); }
  void truncate(std::size_t count) { issues_.resize(count); }
  const std::vector<Issue>& all() const noexcept { return issues_; }
  /// "2 validation errors for Order\nleaf\n  Field required [type=missing, ...]..."
  std::string text(std::string_view type_name) const;

  /// Names the member or index being decoded for the life of the scope.
  class Scope {
  public:
    Scope(Issues& issues, std::string_view part);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

  private:
    Issues& issues_;
    std::size_t length_;
  };

private:
  std::string path_;
  std::vector<Issue> issues_;
};

/// What is said about a member beside its C++ type. Bounds are inclusive.
struct FieldInfo {
  std::string description;
  std::optional<double> minimum, maximum;
  std::optional<std::int64_t> min_length, max_length;
  bool has_default = false;
  bool default_hidden = false;  ///< it may have one: the compiler does not tell

  FieldInfo& describe(std::string text) {
    description = std::move(text);
    return *this;
  }
  FieldInfo& at_least(double bound) {
    minimum = bound;
    return *this;
  }
  FieldInfo& at_most(double bound) {
    maximum = bound;
    return *this;
  }
  FieldInfo& length(std::int64_t least, std::int64_t most) {
    min_length = least;
    max_length = most;
    return *this;
  }
  /// The member has a default: for initialisers that are empty and that the compiler does not tell (docs/events.md).
  FieldInfo& defaulted() {
    has_default = true;
    return *this;
  }
};

/// Passed to `static void describe(weir::Fields<T>& fields)` of an event: `fields[&T::times].at_least(1)`.
template <class T>
class Fields {
public:
  Fields() : infos_(reflect::member_count<T>) {}

  template <class M>
  FieldInfo& operator[](M T::*member) {
    FieldInfo* found = nullptr;
    reflect::for_each_member(sample_, [&](auto index, std::string_view, auto& value) {
      if (static_cast<const void*>(&value) == static_cast<const void*>(&(sample_.*member))) found = &infos_[index];
    });
    if (!found) throw WorkflowError("describe() of " + std::string(reflect::type_name<T>()) + " names a member that is not reflected");
    return *found;
  }
  const FieldInfo& at(std::size_t index) const { return infos_[index]; }
  FieldInfo& at(std::size_t index) { return infos_[index]; }

private:
  T sample_{};
  std::vector<FieldInfo> infos_;
};

}  // namespace weir
