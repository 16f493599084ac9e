#include "utf8.hpp"

#include <weir/printable.hpp>

namespace weir {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

bool acts_on_a_terminal(char32_t character) {
  if (character < 0x20 || (character >= 0x7F && character <= 0x9F)) return true;
  if (character == 0x2028 || character == 0x2029 || character == 0x200E || character == 0x200F || character == 0x061C) return true;
  return (character >= 0x202A && character <= 0x202E) || (character >= 0x2066 && character <= 0x2069);
}

void append_escaped(std::string& out, char32_t character) {
  if (character == '\n') out += "\\n";
  else if (character == '\r') out += "\\r";
  else if (character == '\t') out += "\\t";
  else
    out.append({'\\', 'u', digits[character >> 12 & 15], digits[character >> 8 & 15], digits[character >> 4 & 15], digits[character & 15]});
}

std::string escaped(std::string_view text, bool keep_lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto length = utf8::length_of_first(text);
    const auto character = length == 0 ? U'\0' : utf8::first(text, length);
    if (length == 0)
      out.append({'\\', 'x', digits[static_cast<unsigned char>(text[0]) >> 4], digits[static_cast<unsigned char>(text[0]) & 15]});
    else if (acts_on_a_terminal(character) && !(keep_lines && character == '\n')) append_escaped(out, character);
    else out += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text) { return escaped(text, false); }
std::string printable_lines(std::string_view text) { return escaped(text, true); }

}  // namespace weir
