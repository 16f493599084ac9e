// A value as JSON and back, as every test of values wants it.
#pragma once

#include <doctest/doctest.h>

#include <weir/codec.hpp>
#include <weir/event.hpp>

#include <string>
#include <string_view>

namespace conversions {

using namespace weir;

template <class T>
Expected<T> read(std::string_view json) {
  auto tree = parse_json(json);
  if (!tree) return tree.error();
  auto event = decode_event(event_type<T>(), *tree);
  if (!event) return event.error();
  return *event->template as<T>();
}
template <class T>
std::string refusal(std::string_view json) {
  const auto out = read<T>(json);
  REQUIRE(!out.ok());
  return out.error().message;
}
template <class T>
T there_and_back(const T& value) {
  const auto out = from_value<T>(to_value(value));
  INFO(codec::encoded(value));
  REQUIRE(out.ok());
  const auto event = decode_event(event_type<T>(), EventBox(value).value());
  REQUIRE(event.ok());
  CHECK(codec::encoded(*event->template as<T>()) == codec::encoded(value));
  return *out;
}

}  // namespace conversions
