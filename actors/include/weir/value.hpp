// A JSON value without a JSON library: what dynamic events, state and schemas are made of.
// Objects keep insertion order, because the wire does.
#pragma once

#include <weir/error.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace weir {

class Value;

namespace detail {
class KeyIndex;
}

/// An ordered JSON object. A look-up is a walk through few members, or one step in an index of many. Reading is thread-safe where
/// nobody writes. Names are changed through set() alone: an iterator gives the members' values to change, not their names.
class Object {
public:
  using Member = std::pair<std::string, Value>;

  Object();
  Object(std::initializer_list<Member> members);
  Object(const Object&);
  Object(Object&&) noexcept;
  Object& operator=(const Object&);
  Object& operator=(Object&&) noexcept;
  ~Object();

  const Value* find(std::string_view key) const noexcept;
  Value* find(std::string_view key) noexcept;
  /// Replaces the member of that name in place, or appends it.
  Value& set(std::string_view key, Value value);
  /// The member of that name, appended as null when absent.
  Value& operator[](std::string_view key);

  using Members = std::vector<Member>;

  bool empty() const noexcept;
  std::size_t size() const noexcept;
  Members::const_iterator begin() const noexcept;
  Members::const_iterator end() const noexcept;
  Members::iterator begin() noexcept;
  Members::iterator end() noexcept;

  friend bool operator==(const Object& a, const Object& b);

private:
  Members members_;
  std::unique_ptr<detail::KeyIndex> index_;  ///< of many members
};

class Value {
public:
  using Array = std::vector<Value>;

  Value() = default;
  Value(std::nullptr_t) {}
  Value(bool boolean) : data_(boolean) {}
  template <std::integral T>
  requires(!std::same_as<T, bool> && !std::same_as<T, char>) Value(T integer) {
    static_assert(sizeof(T) <= sizeof(std::int64_t), "integers have 64 bits at most: write larger ones as text");
    if (std::cmp_greater(+integer, std::numeric_limits<std::int64_t>::max())) data_ = static_cast<std::uint64_t>(integer);
    else data_ = static_cast<std::int64_t>(integer);
  }
  template <std::floating_point T>
  Value(T number) : data_(static_cast<double>(number)) {}
  Value(const char* text) : data_(std::string(text)) {}
  Value(std::string_view text) : data_(std::string(text)) {}
  Value(std::string text) : data_(std::move(text)) {}
  Value(Array array) : data_(std::move(array)) {}
  Value(Object object) : data_(std::move(object)) {}

  bool is_null() const noexcept { return data_.index() == 0; }
  bool is_bool() const noexcept { return data_.index() == 1; }
  /// An integer that std::int64_t holds.
  bool is_integer() const noexcept { return data_.index() == 2; }
  /// An integer above those: from 2^63 to 2^64 - 1.
  bool is_big_integer() const noexcept { return data_.index() == 7; }
  bool is_double() const noexcept { return data_.index() == 3; }
  bool is_number() const noexcept { return is_integer() || is_double() || is_big_integer(); }
  bool is_string() const noexcept { return data_.index() == 4; }
  bool is_array() const noexcept { return data_.index() == 5; }
  bool is_object() const noexcept { return data_.index() == 6; }

  bool as_bool() const { return std::get<bool>(data_); }
  std::int64_t as_integer() const { return std::get<std::int64_t>(data_); }
  std::uint64_t as_big_integer() const { return std::get<std::uint64_t>(data_); }
  /// Any number. Integers beyond 2^53 may be rounded.
  double as_double() const {
    if (is_integer()) return static_cast<double>(as_integer());
    return is_big_integer() ? static_cast<double>(as_big_integer()) : std::get<double>(data_);
  }
  const std::string& as_string() const { return std::get<std::string>(data_); }
  const Array& as_array() const { return std::get<Array>(data_); }
  Array& as_array() { return std::get<Array>(data_); }
  const Object& as_object() const { return std::get<Object>(data_); }
  Object& as_object() { return std::get<Object>(data_); }

  /// The member of that name when this is an object that has it, else nullptr.
  const Value* find(std::string_view key) const noexcept { return is_object() ? as_object().find(key) : nullptr; }
  /// Python's idea of truth: null, false, 0, "", [] and {} are false.
  bool truthy() const noexcept;

  friend bool operator==(const Value& a, const Value& b);

private:
  std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object, std::uint64_t> data_;
};

// Behind Value: a vector of what is not complete can be a member, and no more.
inline bool Object::empty() const noexcept { return members_.empty(); }
inline std::size_t Object::size() const noexcept { return members_.size(); }
inline Object::Members::const_iterator Object::begin() const noexcept { return members_.begin(); }
inline Object::Members::const_iterator Object::end() const noexcept { return members_.end(); }
inline Object::Members::iterator Object::begin() noexcept { return members_.begin(); }
inline Object::Members::iterator Object::end() noexcept { return members_.end(); }

/// Numbers compare by value (1 == 1.0); everything else by kind and content.
bool operator==(const Value& a, const Value& b);

/// What a JSON text may hold. Beyond: an error that names the limit.
struct JsonLimits {
  std::size_t depth_max = 256;                                       ///< arrays and objects within each other
  std::size_t values_max = std::numeric_limits<std::size_t>::max();  ///< values in all: members, items, and what contains them
};
/// For texts that anybody may send: a value takes 40 bytes and more, and its text may be two.
inline constexpr JsonLimits limits_for_strangers{.values_max = 2'000'000};

/// Parses JSON text, in time and memory that grow with its length. Errors carry the position in the words clients of the Python
/// server know ("Expecting value: line 1 column 1 (char 0)"), in characters. The last of several members of one name counts, in the first
/// one's place. Numbers are kept as they are or refused, never changed: integers beyond 64 bits and what no double holds are errors that
/// name the member and the value.
Expected<Value> parse_json(std::string_view text, const JsonLimits& limits = {});

/// Compact JSON: no spaces, UTF-8 kept, floats keep a decimal point, NaN and infinities become null.
std::string to_json(const Value& value);

/// The name of the value's kind as Python prints it ("int", "str", "NoneType"): used in validation texts.
std::string_view python_type_name(const Value& value) noexcept;
/// The value as Python's repr() prints it: used in validation texts.
std::string python_repr(const Value& value);

}  // namespace weir
