#include "target.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace weir::http {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

template <class F>
void split(std::string_view text, char separator, F&& each) {
  while (true) {
    const auto end = text.find(separator);
    each(text.substr(0, end));
    if (end == text.npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::string percent_decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
    if (escape) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

Query::Query(std::string_view text) {
  if (text.empty()) return;
  split(text, '&', [this](std::string_view part) {
    const auto equals = part.find('=');
    const auto value = equals == part.npos ? std::string_view{} : part.substr(equals + 1);
    if (!part.empty()) parameters_.emplace_back(percent_decoded(part.substr(0, equals), true), percent_decoded(value, true));
  });
}

std::optional<std::string> Query::last(std::string_view name) const {
  const auto found = std::find_if(parameters_.rbegin(), parameters_.rend(), [&](const auto& p) { return p.first == name; });
  if (found == parameters_.rend()) return std::nullopt;
  return found->second;
}

std::vector<std::string> Query::all(std::string_view name) const {
  std::vector<std::string> out;
  for (const auto& [key, value] : parameters_)
    if (key == name) out.push_back(value);
  return out;
}

bool Query::flag(std::string_view name, bool absent) const {
  auto value = last(name);
  if (!value) return absent;
  for (char& c : *value) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return *value == "true";
}

namespace {
std::string_view before_query(std::string_view target) { return target.substr(0, target.find('?')); }
std::string_view after_query(std::string_view target) {
  const auto mark = target.find('?');
  return mark == target.npos ? std::string_view{} : target.substr(mark + 1);
}
}  // namespace

Target::Target(std::string_view target) : query(after_query(target)) {
  const auto path = before_query(target);
  if (path.starts_with('/')) split(path.substr(1), '/', [this](std::string_view part) { segments.push_back(percent_decoded(part)); });
}

std::optional<long long> python_integer(std::string_view text) {
  const auto is_blank = [](char c) { return std::isspace(static_cast<unsigned char>(c)); };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  std::string digits;
  if (text.starts_with('-')) digits = "-";
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_' && i > 0 && text[i - 1] != '_' && i + 1 < text.size()) continue;
    if (!std::isdigit(static_cast<unsigned char>(text[i]))) return std::nullopt;
    digits += text[i];
  }
  long long out = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (result.ec != std::errc() || result.ptr != digits.data() + digits.size()) return std::nullopt;
  return out;
}

}  // namespace weir::http
