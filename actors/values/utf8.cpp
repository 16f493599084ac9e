#include "utf8.hpp"

namespace weir {
namespace {
unsigned char byte(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

bool continues(std::string_view text, std::size_t length) {
  if (text.size() < length) return false;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(text, i) & 0xC0) != 0x80) return false;
  return true;
}
}  // namespace

std::size_t utf8::length_of_first(std::string_view text) {
  const auto lead = byte(text, 0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(text, 2) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!continues(text, 3) || (lead == 0xE0 && byte(text, 1) < 0xA0) || (lead == 0xED && byte(text, 1) > 0x9F)) return 0;
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!continues(text, 4) || (lead == 0xF0 && byte(text, 1) < 0x90) || (lead == 0xF4 && byte(text, 1) > 0x8F)) return 0;
    return 4;
  }
  return 0;
}

std::string utf8::repaired(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto length = length_of_first(text.substr(at));
    if (length == 0) out += "\xEF\xBF\xBD";
    else out += text.substr(at, length);
    at += length == 0 ? 1 : length;
  }
  return out;
}

char32_t utf8::first(std::string_view text, std::size_t length) {
  if (length == 1) return byte(text, 0);
  char32_t out = byte(text, 0) & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) out = out << 6 | (byte(text, i) & 0x3Fu);
  return out;
}

}  // namespace weir
