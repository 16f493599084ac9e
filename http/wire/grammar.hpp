// The character classes of RFC 9110 and 9112, as tables.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace weir::http::grammar {

using Class = std::array<bool, 256>;

constexpr Class class_of(std::string_view more, bool letters_and_digits) {
  Class out{};
  for (const char c : more) out[static_cast<unsigned char>(c)] = true;
  if (letters_and_digits)
    for (unsigned c = 0; c < 128; ++c) out[c] = out[c] || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return out;
}

/// Names of methods and fields.
inline constexpr Class token_characters = class_of("!#$%&'*+-.^_`|~", true);
/// A host with its port: registered names, addresses, "[::1]:80".
inline constexpr Class authority_characters = class_of("-._~!$&'()*+,;=:[]%", true);

/// What may stand in a line: everything but control characters, the tab excepted.
constexpr Class make_text() {
  Class out{};
  for (unsigned c = 0x20; c < 256; ++c) out[c] = c != 0x7f;
  out['\t'] = true;
  return out;
}
inline constexpr Class text_characters = make_text();

/// What may stand in a target: visible ASCII. A fragment is the client's own business, so no "#".
constexpr Class make_target() {
  Class out{};
  for (unsigned c = 0x21; c < 0x7f; ++c) out[c] = c != '#';
  return out;
}
inline constexpr Class target_characters = make_target();

inline bool has(const Class& characters, char c) { return characters[static_cast<unsigned char>(c)]; }
inline bool all(const Class& characters, std::string_view text) {
  for (const char c : text)
    if (!has(characters, c)) return false;
  return true;
}

inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
inline bool same(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Calls `each` with the members of a comma-separated list; stops when it says false.
template <class F>
bool members(std::string_view list, F&& each) {
  while (true) {
    const auto comma = list.find(',');
    if (!each(trimmed(list.substr(0, comma)))) return false;
    if (comma == list.npos) return true;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace weir::http::grammar
