// Writes compact JSON straight into a string, so that events reach the wire without an intermediate tree.
#pragma once

#include <weir/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

/// Commas are the writer's business; nesting is the caller's. Not thread-safe; `out` must outlive it.
class JsonWriter {
public:
  enum class Escape {
    minimal,      ///< what JSON demands
    line_breaks,  ///< also U+0085, U+2028, U+2029: they break the Python client's line splitter
  };

  explicit JsonWriter(std::string& out, Escape escape = Escape::minimal) : out_(out), escape_(escape) {}

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  void key(std::string_view name);

  void null();
  void boolean(bool value);
  void integer(std::int64_t value);
  /// Shortest text that reads back the same; always with a point or exponent; not finite becomes null.
  void number(double value);
  /// Bytes that are not UTF-8 become U+FFFD.
  void string(std::string_view text);
  void value(const Value& value);
  /// Already valid JSON text.
  void raw(std::string_view json);

private:
  void open(char bracket);
  void close(char bracket);
  void separate();
  void quote(std::string_view text);

  std::string& out_;
  Escape escape_;
  bool comma_ = false;
};

}  // namespace weir
