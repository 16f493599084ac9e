// The non-template half of codec.hpp: coercions and messages (contract B.1, B.2) and schema keys (B.3).
#include "lax_numbers.hpp"

#include <weir/codec.hpp>

#include <algorithm>
#include <cctype>
#include <cmath>

namespace weir {

void Issues::add(std::string_view tag, std::string message, const Value& input, std::string hint) {
  issues_.push_back(
      {path_, std::string(tag), std::move(message), python_repr(input), std::string(python_type_name(input)), std::move(hint)});
}

Issues::Scope::Scope(Issues& issues, std::string_view part) : issues_(issues), length_(issues.path_.size()) {
  if (!issues_.path_.empty()) issues_.path_ += '.';
  issues_.path_ += part;
}

Issues::Scope::~Scope() { issues_.path_.resize(length_); }

std::string Issues::text(std::string_view type_name) const {
  std::string out = std::to_string(issues_.size()) + (issues_.size() == 1 ? " validation error for " : " validation errors for ");
  out += type_name;
  for (const auto& issue : issues_) {
    if (!issue.location.empty()) out += '\n' + issue.location;
    out += "\n  " + issue.message + " [type=" + issue.tag + ", input_value=" + issue.input + ", input_type=" + issue.input_type + "]";
    if (!issue.hint.empty()) out += "\n  " + issue.hint;
  }
  return out;
}

namespace codec {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool fail(Issues& issues, std::string_view tag, std::string message, const Value& in) {
  issues.add(tag, std::move(message), in);
  return false;
}

std::string bound_text(double bound) {
  auto text = to_json(bound);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

std::string characters(std::int64_t count) { return std::to_string(count) + (count == 1 ? " character" : " characters"); }

std::int64_t code_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

}  // namespace

bool decode_bool(const Value& in, bool& out, Issues& issues) {
  if (in.is_bool()) return out = in.as_bool(), true;
  if (in.is_number() && (in.as_double() == 0 || in.as_double() == 1)) return out = in.as_double() == 1, true;
  if (in.is_string()) {
    const auto word = lower(in.as_string());
    for (const char* yes : {"true", "t", "yes", "y", "on", "1"})
      if (word == yes) return out = true, true;
    for (const char* no : {"false", "f", "no", "n", "off", "0"})
      if (word == no) return out = false, true;
  }
  if (in.is_string() || in.is_number())
    return fail(issues, "bool_parsing", "Input should be a valid boolean, unable to interpret input", in);
  return fail(issues, "bool_type", "Input should be a valid boolean", in);
}

namespace {

bool decode_whole(const Value& in, Whole& out, Issues& issues) {
  if (in.is_bool()) return out = {.magnitude = in.as_bool() ? 1u : 0u}, true;
  if (in.is_big_integer()) return out = {.magnitude = in.as_big_integer()}, true;
  if (in.is_integer()) {
    const auto value = in.as_integer();
    out = {.negative = value < 0, .magnitude = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value)};
    return true;
  }
  if (in.is_double()) {
    if (!std::isfinite(in.as_double())) return fail(issues, "finite_number", "Input should be a finite number", in);
    if (in.as_double() != std::floor(in.as_double()))
      return fail(issues, "int_from_float", "Input should be a valid integer, got a number with a fractional part", in);
    return out = whole_of(in.as_double()), true;
  }
  if (!in.is_string()) return fail(issues, "int_type", "Input should be a valid integer", in);
  const auto whole = whole_of(in.as_string());
  if (!whole) return fail(issues, "int_parsing", "Input should be a valid integer, unable to parse string as an integer", in);
  return out = *whole, true;
}

bool check_range(const Whole& whole, std::int64_t min, std::uint64_t max, const Value& in, Issues& issues) {
  if (whole.less_than(min))
    return fail(issues, "greater_than_equal", "Input should be greater than or equal to " + std::to_string(min), in);
  if (whole.greater_than(max)) return fail(issues, "less_than_equal", "Input should be less than or equal to " + std::to_string(max), in);
  return true;
}

}  // namespace

bool decode_integer(const Value& in, std::int64_t& out, std::int64_t min, std::uint64_t max, Issues& issues) {
  Whole whole;
  if (!decode_whole(in, whole, issues) || !check_range(whole, min, max, in, issues)) return false;
  out = static_cast<std::int64_t>(whole.negative ? 0 - whole.magnitude : whole.magnitude);
  return true;
}

bool decode_unsigned(const Value& in, std::uint64_t& out, std::uint64_t max, Issues& issues) {
  Whole whole;
  if (!decode_whole(in, whole, issues) || !check_range(whole, 0, max, in, issues)) return false;
  out = whole.magnitude;
  return true;
}

bool decode_number(const Value& in, double& out, double max, Issues& issues) {
  bool named = in.is_double() && !std::isfinite(in.as_double());
  if (in.is_number()) out = in.as_double();
  else if (in.is_bool()) out = in.as_bool() ? 1 : 0;
  else if (!in.is_string()) return fail(issues, "float_type", "Input should be a valid number", in);
  else if (const auto real = real_of(in.as_string())) out = real->value, named = real->named;
  else return fail(issues, "float_parsing", "Input should be a valid number, unable to parse string as a number", in);
  if (named || std::fabs(out) <= max) return true;
  const auto bound = to_json(max);
  return fail(issues, "float_out_of_range", "Input is out of range: it should be a number between -" + bound + " and " + bound, in);
}

bool decode_string(const Value& in, std::string& out, Issues& issues) {
  if (!in.is_string()) return fail(issues, "string_type", "Input should be a valid string", in);
  out = in.as_string();
  return true;
}

bool decode_time(const Value& in, Time& out, Issues& issues) {
  if (!in.is_number() && !in.is_string()) return fail(issues, "datetime_type", "Input should be a valid datetime", in);
  const auto time = in.is_number() ? time_of(in.as_double()) : time_of(in.as_string());
  if (time) return out = *time, true;
  if (in.is_string()) return fail(issues, "datetime_from_date_parsing", "Input should be a valid datetime or date", in);
  return fail(issues, "datetime_parsing", "Input should be a valid datetime or date, in the years 1 to 9999", in);
}

bool decode_enumerator(const Value& in, const std::string_view* names, std::size_t count, std::size_t& out, Issues& issues) {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < count; ++i) {
    if (names[i].empty()) continue;
    if (in.is_string() && in.as_string() == names[i]) return out = i, true;
    known.push_back("'" + std::string(names[i]) + "'");
  }
  std::string message = "Input should be ";
  for (std::size_t i = 0; i < known.size(); ++i) message += (i == 0 ? "" : i + 1 == known.size() ? " or " : ", ") + known[i];
  return fail(issues, "enum", std::move(message), in);
}

bool expect_array(const Value& in, Issues& issues) {
  return in.is_array() || fail(issues, "list_type", "Input should be a valid list", in);
}

bool expect_items(const Value& in, std::size_t count, Issues& issues) {
  if (!expect_array(in, issues)) return false;
  const auto size = in.as_array().size();
  const auto after = std::to_string(count) + (count == 1 ? " item" : " items") + " after validation, not " + std::to_string(size);
  if (size < count) return fail(issues, "too_short", "List should have at least " + after, in);
  return size == count || fail(issues, "too_long", "List should have at most " + after, in);
}

bool decode_path(const Value& in, std::filesystem::path& out, Issues& issues) {
  if (!in.is_string()) return fail(issues, "path_type", "Input is not a valid path", in);
  out = in.as_string();
  return true;
}

bool expect_object(const Value& in, std::string_view type_name, bool is_map, Issues& issues) {
  if (in.is_object()) return true;
  if (is_map) return fail(issues, "dict_type", "Input should be a valid dictionary", in);
  return fail(issues, "model_type", "Input should be a valid dictionary or instance of " + std::string(type_name), in);
}

bool check_bounds(const Value& in, const FieldInfo& info, Issues& issues) {
  if (in.is_null()) return true;
  double number = 0;
  Issues ignored;
  const bool numeric = (info.minimum || info.maximum) && decode_number(in, number, std::numeric_limits<double>::max(), ignored);
  if (numeric && info.minimum && number < *info.minimum)
    return fail(issues, "greater_than_equal", "Input should be greater than or equal to " + bound_text(*info.minimum), in);
  if (numeric && info.maximum && number > *info.maximum)
    return fail(issues, "less_than_equal", "Input should be less than or equal to " + bound_text(*info.maximum), in);
  if (!in.is_string()) return true;
  const auto length = code_points(in.as_string());
  if (info.min_length && length < *info.min_length)
    return fail(issues, "string_too_short", "String should have at least " + characters(*info.min_length), in);
  if (info.max_length && length > *info.max_length)
    return fail(issues, "string_too_long", "String should have at most " + characters(*info.max_length), in);
  return true;
}

void missing(std::string_view field, const Value& object, std::string_view type_name, Issues& issues) {
  std::string hint;
  if (!type_name.empty())
    hint = "Should it have a default? An empty one is not seen here: make the member a std::optional, or say fields[&" +
           std::string(type_name) + "::" + std::string(field) + "].defaulted() in its describe()";
  issues.add("missing", "Field required", object, std::move(hint));
}

namespace {

/// `value` as exactly `width` digits, ending before `end`.
void put_digits(char* end, std::uint64_t value, int width) {
  for (; width > 0; --width, value /= 10) *--end = static_cast<char>('0' + value % 10);
}

}  // namespace

std::string time_text(Time time) {
  time = std::max(time, Time::min() + std::chrono::days(1));  // whose own day would begin before it
  const auto days = std::chrono::floor<std::chrono::days>(time);
  // chrono's own years are too few: the calendar repeats itself after 400 of them.
  constexpr std::int64_t days_of_cycle = 146097;
  const auto cycles = static_cast<std::int64_t>(std::floor(static_cast<double>(days.time_since_epoch().count()) / days_of_cycle));
  const std::chrono::year_month_day date(days - std::chrono::days(cycles * days_of_cycle));
  const auto year = static_cast<int>(date.year()) + cycles * 400;
  const auto since_midnight = time.time_since_epoch() - std::chrono::duration_cast<Duration>(days.time_since_epoch());
  const std::chrono::hh_mm_ss clock(since_midnight);
  std::string out = "-00-00T00:00:00.000000Z";
  const auto put = [&](std::size_t end, auto value, int width) { put_digits(out.data() + end, static_cast<std::uint64_t>(value), width); };
  put(3, static_cast<unsigned>(date.month()), 2);
  put(6, static_cast<unsigned>(date.day()), 2);
  put(9, clock.hours().count(), 2);
  put(12, clock.minutes().count(), 2);
  put(15, clock.seconds().count(), 2);
  put(22, clock.subseconds().count(), 6);
  if (clock.subseconds().count() == 0) out.erase(15, 7);
  const bool plain = year >= 1 && year <= 9999;
  std::string digits(plain ? 4 : 6, '0');
  put_digits(digits.data() + digits.size(), static_cast<std::uint64_t>(year < 0 ? -year : year), static_cast<int>(digits.size()));
  return (plain ? "" : year < 0 ? "-" : "+") + digits + out;
}

std::string field_title(std::string_view field) {
  std::string out(field);
  bool start = true;
  for (char& c : out) {
    if (c == '_') c = ' ';
    c = static_cast<char>(start ? std::toupper(static_cast<unsigned char>(c)) : std::tolower(static_cast<unsigned char>(c)));
    start = c == ' ';
  }
  return out;
}

Value text_schema(std::string_view format) { return Object{{"format", format}, {"type", "string"}}; }
Value fixed_list_schema(std::string_view items_key, Value items, std::size_t count) {
  return Object{{std::string(items_key), std::move(items)}, {"maxItems", count}, {"minItems", count}, {"type", "array"}};
}
Value scalar_schema(std::string_view type) { return Object{{"type", type}}; }
Value reference(std::string_view name) { return Object{{"$ref", "#/$defs/" + std::string(name)}}; }

Value enum_schema(std::string_view title, const std::string_view* names, std::size_t count) {
  Value::Array known;
  for (std::size_t i = 0; i < count; ++i)
    if (!names[i].empty()) known.emplace_back(names[i]);
  return Object{{"enum", std::move(known)}, {"title", title}, {"type", "string"}};
}

Value nullable_schema(Value inner) { return Object{{"anyOf", Value::Array{std::move(inner), Object{{"type", "null"}}}}}; }

Value property_schema(Value type_schema, std::string_view field, const FieldInfo& info, const Value* default_value) {
  auto& object = type_schema.as_object();
  const bool bare_reference = object.find("$ref") != nullptr;
  const auto bound = [](double value) { return value == std::floor(value) ? Value(static_cast<std::int64_t>(value)) : Value(value); };
  if (default_value) object.set("default", *default_value);
  if (!info.description.empty()) object.set("description", info.description);
  if (info.minimum) object.set("minimum", bound(*info.minimum));
  if (info.maximum) object.set("maximum", bound(*info.maximum));
  if (info.min_length) object.set("minLength", *info.min_length);
  if (info.max_length) object.set("maxLength", *info.max_length);
  if (!bare_reference) object.set("title", field_title(field));
  const std::map<std::string, Value> sorted(object.begin(), object.end());
  Object out;
  for (const auto& [key, value] : sorted) out.set(key, value);
  return out;
}

Value object_schema(std::string_view title, std::string_view description, Object properties, std::vector<Value> required) {
  Object out;
  if (!description.empty()) out.set("description", description);
  out.set("properties", std::move(properties));
  if (!required.empty()) out.set("required", std::move(required));
  out.set("title", title);
  out.set("type", "object");
  return out;
}

}  // namespace codec
}  // namespace weir
