#include "parameters.hpp"

#include "budget.hpp"
#include "http/options/durations.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace weir::http {

std::optional<std::int64_t> whole_number(std::string_view text) {
  if (const auto number = python_integer(text)) return *number;
  const auto sign = text.find_first_of("+-");
  const auto digits = text.find_first_of("0123456789");
  // Too long for a number of 64 bits, and a number if its first digit alone is one.
  if (digits == text.npos) return std::nullopt;
  auto last = text.find_last_of("0123456789");
  std::string one(text.substr(0, digits + 1));
  one += text.substr(last + 1);
  const auto between = text.substr(digits, last - digits + 1);
  const bool plain = std::all_of(between.begin(), between.end(), [](char c) { return c == '_' || (c >= '0' && c <= '9'); });
  if (!plain || between.find("__") != between.npos || !python_integer(one)) return std::nullopt;
  using limits = std::numeric_limits<std::int64_t>;
  return sign != text.npos && text[sign] == '-' ? limits::min() : limits::max();
}

std::optional<std::int64_t> number(const Query& query, const char* name) {
  const auto text = query.last(name);
  if (!text) return std::nullopt;
  const auto out = whole_number(*text);
  if (!out) throw std::invalid_argument(std::string(name) + " must be a whole number, got '" + shortened(*text) + "'");
  return *out;
}

std::size_t page_limit(const Query& query) {
  const auto given = number(query, "limit").value_or(100);
  if (given < 1 || given > static_cast<std::int64_t>(budget::page_rows_max))
    throw std::invalid_argument("limit must be from 1 to " + std::to_string(budget::page_rows_max) + ", got " + std::to_string(given));
  return static_cast<std::size_t>(given);
}

std::optional<Time> moment(const Query& query, const char* name, Time now) {
  const auto text = query.last(name);
  if (!text || text->empty()) return std::nullopt;
  if (const auto ago = parse_duration(*text)) {
    const auto before = now.time_since_epoch();
    return *ago > before ? Time() : now - *ago;  // nothing is older than that
  }
  Time out;
  Issues issues;
  if (codec::decode_time(Value(*text), out, issues)) return out;
  throw std::invalid_argument(std::string(name) + " must be a time like 2026-03-01T08:00:00Z, or how long ago like 1h, got '" +
                              shortened(*text) + "'");
}

std::string shortened(std::string_view text) {
  constexpr std::size_t shown_max = 200;
  if (text.size() <= shown_max) return std::string(text);
  return std::string(text.substr(0, shown_max)) + "... (" + std::to_string(text.size()) + " bytes)";
}

}  // namespace weir::http
