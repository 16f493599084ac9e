// Looking into JSON that may not be what is expected: absent and wrong things read as nothing.
#pragma once

#include <weir/value.hpp>

#include <string>
#include <string_view>

namespace weir::engine {

inline const Value& member(const Value& object, std::string_view key) {
  static const Value null;
  const auto* found = object.find(key);
  return found ? *found : null;
}
inline const Value::Array& items(const Value& value) {
  static const Value::Array none;
  return value.is_array() ? value.as_array() : none;
}
inline const Object& members(const Value& value) {
  static const Object none;
  return value.is_object() ? value.as_object() : none;
}
inline std::string text_of(const Value& value) { return value.is_string() ? value.as_string() : std::string(); }
/// Of 64 bits: one of an unsigned type is given back by a cast to it. Earlier versions wrote the large ones as negative numbers.
inline std::int64_t integer_of(const Value& value) {
  if (value.is_big_integer()) return static_cast<std::int64_t>(value.as_big_integer());
  return value.is_integer() ? value.as_integer() : 0;
}

}  // namespace weir::engine
