// Durations as ISO 8601 text, and instants in units other than a microsecond: exact, or refused.
#include "lax_numbers.hpp"

#include <weir/codec.hpp>

#include <charconv>
#include <cmath>
#include <optional>

namespace weir::codec {
namespace {

/// Nanoseconds: 2^63 ticks of a thousand years fit.
__extension__ using Wide = __int128;
constexpr Wide second = 1'000'000'000;

bool fail(Issues& issues, std::string_view tag, std::string message, const Value& in) {
  issues.add(tag, std::move(message), in);
  return false;
}

Wide nanoseconds(std::int64_t ticks, TimeUnit unit) { return Wide{ticks} * unit.num * (second / unit.den); }

std::string unit_text(TimeUnit unit) { return std::to_string(unit.num) + (unit.den == 1 ? "" : '/' + std::to_string(unit.den)) + " s"; }

bool to_ticks(Wide span, const TickRange& range, std::int64_t& ticks, const Value& in, Issues& issues) {
  const auto tick = range.unit.num * (second / range.unit.den);
  if (span % tick != 0)
    return fail(issues, "multiple_of", "Input should be a multiple of " + unit_text(range.unit) + ", which this field counts in", in);
  const auto count = span / tick;
  if (count < range.min || count > range.max) return fail(issues, "out_of_range", "Input is out of this field's range", in);
  ticks = static_cast<std::int64_t>(count);
  return true;
}

std::string digits_of(Wide number) {
  std::string out;
  do out.insert(out.begin(), static_cast<char>('0' + static_cast<int>(number % 10)));
  while (number /= 10);
  return out;
}

/// "1", "1.5", "1,5". Digits are looked at, not rounded.
struct Decimal {
  std::string_view whole, fraction;
};

class SpanReader {
public:
  explicit SpanReader(std::string_view text) : text_(text) {}

  bool take(char wanted) {
    const bool found = !text_.empty() && text_.front() == wanted;
    if (found) text_.remove_prefix(1);
    return found;
  }
  bool at_end() const { return text_.empty(); }

  std::optional<Decimal> decimal() {
    Decimal out{.whole = digits(), .fraction = {}};
    if (out.whole.empty()) return std::nullopt;
    if (!take('.') && !take(',')) return out;
    out.fraction = digits();
    return out.fraction.empty() ? std::nullopt : std::optional(out);
  }

private:
  std::string_view digits() {
    const auto end = std::min(text_.find_first_not_of("0123456789"), text_.size());
    const auto out = text_.substr(0, end);
    text_.remove_prefix(end);
    return out;
  }

  std::string_view text_;
};

constexpr std::size_t digits_max = 18;  // so that no product is beyond Wide

std::optional<Wide> number_of(std::string_view digits) {
  while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  if (digits.size() > digits_max + 1) return std::nullopt;
  Wide out = 0;
  for (const char digit : digits) out = out * 10 + (digit - '0');
  return out;
}

/// So many units of that many seconds, when they are whole nanoseconds.
std::optional<Wide> nanoseconds(Decimal number, Wide unit) {
  const auto whole = number_of(number.whole);
  while (number.fraction.ends_with('0')) number.fraction.remove_suffix(1);
  if (!whole || number.fraction.size() > digits_max) return std::nullopt;
  Wide scale = 1;
  for (std::size_t i = 0; i < number.fraction.size(); ++i) scale *= 10;
  const auto rest = number.fraction.empty() ? Wide{0} : *number_of(number.fraction) * unit * second;
  if (rest % scale != 0) return std::nullopt;
  return *whole * unit * second + rest / scale;
}

struct Part {
  char letter;
  bool in_day;  ///< behind the T
  int seconds;
};
constexpr Part parts[] = {{'W', false, 604800}, {'D', false, 86400}, {'H', true, 3600}, {'M', true, 60}, {'S', true, 1}};

/// Calls `add(number, seconds)` for each part. False when the text is none.
template <class F>
bool each_part(std::string_view text, F&& add) {
  SpanReader reader(text);
  if (!reader.take('P')) return false;
  bool in_day = reader.take('T'), any = false, last = false;
  for (std::size_t next = 0; !reader.at_end(); any = true) {
    if (any && !in_day && reader.take('T')) in_day = true;
    const auto number = reader.decimal();
    if (!number || last) return false;
    while (next < std::size(parts) && (parts[next].in_day != in_day || !reader.take(parts[next].letter))) ++next;
    if (next == std::size(parts) || !add(*number, parts[next++].seconds)) return false;
    last = !number->fraction.empty();
  }
  return any && !text.ends_with('T');
}

bool take_sign(std::string_view& text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  return negative;
}

std::optional<Wide> span_of(std::string_view text) {
  Wide out = 0;
  const bool negative = take_sign(text);
  const bool read = each_part(text, [&](Decimal number, int unit) {
    const auto part = nanoseconds(number, unit);
    out += part.value_or(0);
    return part.has_value();
  });
  return read ? std::optional(negative ? -out : out) : std::nullopt;
}

/// Seconds as JSON has them: "1.5", "1e-05".
std::optional<Wide> span_of_seconds(double number) {
  char text[400];
  const auto end = std::to_chars(text, text + sizeof text, std::fabs(number), std::chars_format::fixed).ptr;
  SpanReader reader({text, static_cast<std::size_t>(end - text)});
  const auto decimal = reader.decimal();
  const auto out = decimal ? nanoseconds(*decimal, 1) : std::nullopt;
  return out && number < 0 ? std::optional(-*out) : out;
}

constexpr const char* no_duration = "Input should be a valid duration: ISO 8601 text without years and months, as PT1.5S, or seconds";

std::optional<double> number_of_seconds(std::string_view text) {
  double out = 0;
  const bool negative = take_sign(text);
  const bool read = each_part(text, [&](Decimal number, int unit) {
    double part = 0;
    const auto digits = std::string(number.whole) + '.' + std::string(number.fraction) + '0';
    std::from_chars(digits.data(), digits.data() + digits.size(), part);
    out += part * unit;
    return true;
  });
  return read && std::isfinite(out) ? std::optional(negative ? -out : out) : std::nullopt;
}

std::string with_sign(bool negative, std::string text) { return (negative ? "-" : "") + std::move(text); }

/// Digits behind the sixth of a second's fraction, of a text that is a time.
int nanoseconds_in(std::string_view text) {
  const auto point = text.find_first_of(".,");
  if (point == text.npos) return 0;
  text.remove_prefix(point + 1);
  std::string nine(text.substr(0, text.find_first_not_of("0123456789")));
  nine.resize(9, '0');
  return std::stoi(nine.substr(6));
}

}  // namespace

bool decode_duration(const Value& in, std::int64_t& ticks, const TickRange& range, Issues& issues) {
  if (in.is_integer()) return to_ticks(in.as_integer() * second, range, ticks, in, issues);
  if (!in.is_string() && !in.is_double()) return fail(issues, "time_delta_type", no_duration, in);
  const auto span = in.is_string() ? span_of(in.as_string()) : span_of_seconds(in.as_double());
  if (!span) return fail(issues, "time_delta_parsing", no_duration, in);
  return to_ticks(*span, range, ticks, in, issues);
}

bool decode_duration(const Value& in, double& seconds, Issues& issues) {
  const auto read = in.is_string() ? number_of_seconds(in.as_string()) : std::nullopt;
  if (read) return seconds = *read, true;
  if (in.is_string() && !real_of(in.as_string())) return fail(issues, "time_delta_parsing", no_duration, in);
  return decode_number(in, seconds, std::numeric_limits<double>::max(), issues);
}

std::string duration_text(std::int64_t ticks, TimeUnit unit) {
  const auto span = nanoseconds(ticks, unit);
  const auto size = span < 0 ? -span : span;
  const auto hours = size / (3600 * second), minutes = size / (60 * second) % 60, seconds = size / second % 60, rest = size % second;
  std::string out = "PT";
  if (hours > 0) out += digits_of(hours) + 'H';
  if (minutes > 0) out += digits_of(minutes) + 'M';
  if (seconds == 0 && rest == 0 && size > 0) return with_sign(span < 0, std::move(out));
  out += digits_of(seconds);
  if (rest > 0) {
    out += '.' + digits_of(second + rest).substr(1);
    out.erase(out.find_last_not_of('0') + 1);
  }
  return with_sign(span < 0, out + 'S');
}

std::string duration_text(double seconds) {
  char text[400];
  const auto end = std::to_chars(text, text + sizeof text, std::fabs(seconds), std::chars_format::fixed).ptr;
  return with_sign(std::signbit(seconds), "PT" + std::string(text, end) + 'S');
}

std::string time_text(std::int64_t ticks, TimeUnit unit) {
  const auto span = nanoseconds(ticks, unit);
  constexpr Wide micro = 1000;
  const auto rest = static_cast<int>((span % micro + micro) % micro);
  const auto whole = std::clamp<Wide>((span - rest) / micro, Duration::min().count(), Duration::max().count());
  auto out = time_text(Time(Duration(static_cast<std::int64_t>(whole))));
  if (rest == 0) return out;
  out.pop_back();
  if (whole % 1'000'000 == 0) out += ".000000";
  return out + digits_of(micro + rest).substr(1) + 'Z';
}

bool decode_time(const Value& in, std::int64_t& ticks, const TickRange& range, Issues& issues) {
  Time time;
  if (!decode_time(in, time, issues)) return false;
  const auto rest = in.is_string() ? nanoseconds_in(in.as_string()) : 0;
  return to_ticks(Wide{time.time_since_epoch().count()} * 1000 + rest, range, ticks, in, issues);
}

}  // namespace weir::codec
