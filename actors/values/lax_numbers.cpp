#include "lax_numbers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

namespace weir::codec {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// What Unicode calls white space, in UTF-8.
constexpr std::string_view blanks[] = {" ",
                                       "\t",
                                       "\n",
                                       "\r",
                                       "\v",
                                       "\f",
                                       "\xC2\x85",
                                       "\xC2\xA0",
                                       "\xE1\x9A\x80",
                                       "\xE2\x80\x80",
                                       "\xE2\x80\x81",
                                       "\xE2\x80\x82",
                                       "\xE2\x80\x83",
                                       "\xE2\x80\x84",
                                       "\xE2\x80\x85",
                                       "\xE2\x80\x86",
                                       "\xE2\x80\x87",
                                       "\xE2\x80\x88",
                                       "\xE2\x80\x89",
                                       "\xE2\x80\x8A",
                                       "\xE2\x80\xA8",
                                       "\xE2\x80\xA9",
                                       "\xE2\x80\xAF",
                                       "\xE2\x81\x9F",
                                       "\xE3\x80\x80"};

std::string_view trimmed(std::string_view text) {
  for (bool again = true; again;) {
    again = false;
    for (const auto blank : blanks) {
      if (text.starts_with(blank)) text.remove_prefix(blank.size()), again = true;
      if (text.ends_with(blank)) text.remove_suffix(blank.size()), again = true;
    }
  }
  return text;
}

/// Without underscores, which stand between two digits.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') out += text[i];
    else if (i == 0 || i + 1 == text.size() || !is_digit(text[i - 1]) || !is_digit(text[i + 1])) return std::nullopt;
  }
  return out;
}

/// Takes what it reads off the text.
class Reader {
public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool take(std::string_view one_of) {
    if (rest_.empty() || one_of.find(rest_[0]) == one_of.npos) return false;
    taken_ = rest_[0];
    rest_.remove_prefix(1);
    return true;
  }
  char taken() const { return taken_; }
  std::optional<int> number(std::size_t digits) {
    int out = 0;
    if (rest_.size() < digits || !std::all_of(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(digits), is_digit)) return {};
    std::from_chars(rest_.data(), rest_.data() + digits, out);
    rest_.remove_prefix(digits);
    return out;
  }
  std::string_view digits() {
    const auto end = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    const auto out = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return out;
  }

private:
  std::string_view rest_;
  char taken_ = 0;
};

std::optional<std::chrono::sys_days> read_date(Reader& text) {
  const bool is_signed = text.take("+-");
  const bool negative = is_signed && text.taken() == '-';
  const auto year = text.number(is_signed ? 6 : 4);
  const bool dashed = year && text.take("-");
  const auto month = dashed ? text.number(2) : std::nullopt;
  const auto day = month && text.take("-") ? text.number(2) : std::nullopt;
  if (!day || (!is_signed && *year == 0)) return std::nullopt;
  // chrono's own years are too few.
  constexpr int cycle = 400;
  const auto full = negative ? -*year : *year;
  const auto cycles = static_cast<int>(std::floor(static_cast<double>(full - 2000) / cycle));
  const std::chrono::year_month_day date{std::chrono::year(full - cycles * cycle), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::days(cycles * 146097LL);
}

std::optional<Duration> read_clock(Reader& text) {
  const auto hour = text.number(2);
  const auto minute = hour && text.take(":") ? text.number(2) : std::nullopt;
  if (!minute || *hour > 23 || *minute > 59) return std::nullopt;
  Duration out = std::chrono::hours(*hour) + std::chrono::minutes(*minute);
  if (!text.take(":")) return out;
  const auto second = text.number(2);
  if (!second || *second > 59) return std::nullopt;
  out += std::chrono::seconds(*second);
  if (!text.take(".,")) return out;
  auto fraction = text.digits();
  if (fraction.empty() || fraction.size() > 9) return std::nullopt;
  std::string six(fraction.substr(0, 6));
  six.resize(6, '0');
  return out + Duration(std::stoi(six));
}

std::optional<Duration> read_zone(Reader& text) {
  if (text.take("Zz")) return Duration::zero();
  if (!text.take("+-")) return text.at_end() ? std::optional(Duration::zero()) : std::nullopt;
  const int sign = text.taken() == '-' ? -1 : 1;
  const auto hour = text.number(2);
  text.take(":");
  const auto minute = text.number(2);
  if (!hour || !minute || *hour > 23 || *minute > 59) return std::nullopt;
  return sign * (std::chrono::hours(*hour) + std::chrono::minutes(*minute));
}

/// In microseconds; nothing beyond what a Time holds.
std::optional<Time> sum(std::chrono::sys_days day, Duration clock) {
  constexpr auto most = std::chrono::floor<std::chrono::days>(Duration::max());
  const auto days = day.time_since_epoch();
  if (days > most || days < -most) return std::nullopt;
  const auto out = later(Time(std::chrono::duration_cast<Duration>(days)), clock);
  const bool beyond = out == Time::max() && clock != Time::max().time_since_epoch() - std::chrono::duration_cast<Duration>(days);
  return beyond ? std::nullopt : std::optional(out);
}

}  // namespace

bool Whole::less_than(std::int64_t bound) const noexcept {
  if (!negative) return bound > 0 && !too_large && magnitude < static_cast<std::uint64_t>(bound);
  if (bound >= 0) return too_large || magnitude > 0 || bound > 0;
  return too_large || magnitude > 0 - static_cast<std::uint64_t>(bound);
}

std::optional<Whole> whole_of(std::string_view given) {
  const auto plain = without_underscores(trimmed(given));
  if (!plain) return std::nullopt;
  std::string_view text = *plain;
  Whole out{.negative = text.starts_with('-')};
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (const auto point = text.find('.'); point != text.npos) {
    const auto zeros = text.substr(point + 1);
    if (zeros.empty() || zeros.find_first_not_of('0') != zeros.npos) return std::nullopt;
    text = text.substr(0, point);
  }
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out.magnitude);
  if (text.empty() || read.ec == std::errc::invalid_argument || read.ptr != text.data() + text.size()) return std::nullopt;
  out.too_large = read.ec == std::errc::result_out_of_range;
  return out;
}

Whole whole_of(double number) {
  const auto size = std::fabs(number);
  const bool too_large = size >= 0x1p64;
  return {.negative = number < 0, .magnitude = too_large ? 0 : static_cast<std::uint64_t>(size), .too_large = too_large};
}

std::optional<Real> real_of(std::string_view given) {
  const auto plain = without_underscores(trimmed(given));
  if (!plain || plain->empty()) return std::nullopt;
  std::string_view text = *plain;
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  Real out;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out.value);
  if (read.ec == std::errc::invalid_argument || read.ptr != text.data() + text.size()) return std::nullopt;
  if (text.find('(') != text.npos) return std::nullopt;                                                        // a NaN that says more
  if (read.ec == std::errc::result_out_of_range) out.value = std::strtod(std::string(text).c_str(), nullptr);  // or next to zero
  else out.named = !std::isfinite(out.value);
  return out;
}

std::optional<Time> time_of(std::string_view given) {
  Reader text(given);
  const auto date = read_date(text);
  if (!date) return std::nullopt;
  if (text.at_end()) return sum(*date, Duration::zero());
  if (!text.take("Tt _")) return std::nullopt;
  const auto clock = read_clock(text);
  const auto zone = clock ? read_zone(text) : std::nullopt;
  if (!zone || !text.at_end()) return std::nullopt;
  return sum(*date, *clock - *zone);
}

std::optional<Time> time_of(double number) {
  constexpr double milliseconds_from = 2e10;  // the protocol reads large numbers so
  constexpr double first = -62135596800, last = 253402300800;
  const auto seconds = std::fabs(number) > milliseconds_from ? number / 1000 : number;
  if (!(seconds >= first && seconds < last)) return std::nullopt;
  return Time(Duration(std::llround(seconds * 1e6)));
}

}  // namespace weir::codec
