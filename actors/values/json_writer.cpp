// JsonWriter: commas, numbers and string escaping.
#include "utf8.hpp"

#include <weir/json_writer.hpp>

#include <array>
#include <charconv>
#include <cmath>

namespace weir {

void JsonWriter::separate() {
  if (comma_) out_ += ',';
  comma_ = true;
}

void JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  comma_ = false;
}

void JsonWriter::close(char bracket) {
  out_ += bracket;
  comma_ = true;
}

void JsonWriter::key(std::string_view name) {
  separate();
  quote(name);
  out_ += ':';
  comma_ = false;
}

void JsonWriter::null() { raw("null"); }
void JsonWriter::boolean(bool value) { raw(value ? "true" : "false"); }

namespace {

thread_local std::uint64_t replaced_on_this_thread = 0;

struct Digits {
  template <class T>
  explicit Digits(T value) {
    end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  }
  std::string_view view() const { return {text.data(), static_cast<std::size_t>(end - text.data())}; }

  std::array<char, 24> text;
  const char* end = nullptr;
};

}  // namespace

std::uint64_t JsonWriter::replaced_bytes() noexcept { return replaced_on_this_thread; }

void JsonWriter::integer(std::int64_t value) { raw(Digits(value).view()); }
void JsonWriter::big_integer(std::uint64_t value) { raw(Digits(value).view()); }

void JsonWriter::number(double value) {
  if (!std::isfinite(value) && non_finite_ == NonFinite::null) return null();
  if (!std::isfinite(value)) return string(std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
  std::array<char, 40> buffer;
  // Python prints plain decimals up to 1e16 and exponents beyond; to_chars would switch earlier.
  const bool plain = value == 0 || (std::fabs(value) >= 1e-4 && std::fabs(value) < 1e16);
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format).ptr;
  std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  raw(text);
  if (plain && text.find('.') == text.npos) out_ += ".0";
}

void JsonWriter::string(std::string_view text) {
  separate();
  quote(text);
}

void JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
}

void JsonWriter::value(const Value& value) {
  if (value.is_null()) return null();
  if (value.is_bool()) return boolean(value.as_bool());
  if (value.is_integer()) return integer(value.as_integer());
  if (value.is_big_integer()) return big_integer(value.as_big_integer());
  if (value.is_double()) return number(value.as_double());
  if (value.is_string()) return string(value.as_string());
  if (value.is_array()) {
    begin_array();
    for (const auto& item : value.as_array()) this->value(item);
    return end_array();
  }
  begin_object();
  for (const auto& [name, item] : value.as_object()) {
    key(name);
    this->value(item);
  }
  end_object();
}

namespace {

std::string_view line_break_escape(std::string_view sequence) {
  if (sequence == "\xC2\x85") return "\\u0085";
  if (sequence == "\xE2\x80\xA8") return "\\u2028";
  if (sequence == "\xE2\x80\xA9") return "\\u2029";
  return {};
}

void append_control(std::string& out, char c) {
  constexpr std::string_view hex = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    default:
      out += "\\u00";
      out += hex[static_cast<unsigned char>(c) >> 4];
      out += hex[static_cast<unsigned char>(c) & 15];
  }
}

/// By byte: needs no escape and is a character by itself.
constexpr auto plain_bytes = [] {
  std::array<bool, 256> table{};
  for (std::size_t byte = 0x20; byte < 0x80; ++byte) table[byte] = byte != '"' && byte != '\\';
  return table;
}();
bool is_plain(char c) { return plain_bytes[static_cast<unsigned char>(c)]; }

}  // namespace

void JsonWriter::quote(std::string_view text) {
  out_ += '"';
  std::size_t i = 0;
  while (i < text.size()) {
    std::size_t end = i;
    while (end < text.size() && is_plain(text[end])) ++end;
    out_.append(text, i, end - i);
    i = end;
    if (i == text.size()) break;
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      append_control(out_, text[i++]);
      continue;
    }
    const auto length = utf8::length_of_first(text.substr(i));
    const auto sequence = text.substr(i, length);
    const auto escaped = escape_ == Escape::line_breaks ? line_break_escape(sequence) : std::string_view{};
    if (length == 0) {
      out_ += "\xEF\xBF\xBD";
      ++replaced_on_this_thread;
    } else {
      out_ += escaped.empty() ? sequence : escaped;
    }
    i += length == 0 ? 1 : length;
  }
  out_ += '"';
}

}  // namespace weir
