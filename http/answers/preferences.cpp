#include "preferences.hpp"

#include "http/wire/grammar.hpp"

#include <algorithm>

namespace weir::http {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  return begin == text.npos ? std::string_view() : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// The text up to the next `end` outside of quotes; takes both off `rest`.
std::string_view next_part(std::string_view& rest, char end) {
  bool quoted = false;
  std::size_t at = 0;
  for (; at < rest.size() && (quoted || rest[at] != end); ++at) {
    if (quoted && rest[at] == '\\') ++at;
    else if (rest[at] == '"') quoted = !quoted;
  }
  const auto out = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return out;
}

std::string unquoted(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  text = text.substr(1, text.size() - 2);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

}  // namespace

std::optional<std::string> find_preference(std::string_view field, std::string_view name) {
  while (!field.empty()) {
    auto preference = next_part(field, ',');
    auto value = next_part(preference, ';');  // its parameters are left
    if (!grammar::same(trimmed(next_part(value, '=')), name)) continue;
    return unquoted(trimmed(value));
  }
  return std::nullopt;
}

bool prefers_strict_handling(std::string_view field) {
  const auto handling = find_preference(field, "handling");
  return handling && grammar::same(*handling, "strict");
}

}  // namespace weir::http
