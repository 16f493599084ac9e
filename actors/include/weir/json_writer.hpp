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

  /// How numbers are written that JSON does not have: NaN and the infinities.
  enum class NonFinite {
    null,  ///< as the protocol has it
    text,  ///< "NaN", "Infinity", "-Infinity": what a member of a floating-point type can be read back from
  };

  explicit JsonWriter(std::string& out, Escape escape = Escape::minimal, NonFinite non_finite = NonFinite::null)
      : out_(out), escape_(escape), non_finite_(non_finite) {}

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  void key(std::string_view name);

  void null();
  void boolean(bool value);
  void integer(std::int64_t value);
  void big_integer(std::uint64_t value);
  /// Shortest text that reads back the same; always with a point or exponent.
  void number(double value);
  /// Bytes that are not UTF-8 become U+FFFD: see replaced_bytes().
  void string(std::string_view text);
  void value(const Value& value);
  /// Already valid JSON text.
  void raw(std::string_view json);

  /// How many bytes writers have replaced on this thread so far, because they were not UTF-8. For telling the log.
  static std::uint64_t replaced_bytes() noexcept;

private:
  void open(char bracket);
  void close(char bracket);
  void separate();
  void quote(std::string_view text);

  std::string& out_;
  Escape escape_;
  NonFinite non_finite_;
  bool comma_ = false;
};

}  // namespace weir
