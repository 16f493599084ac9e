// What codec.hpp needs that does not depend on a type: how scalars are read and written, pieces of schemas.
#pragma once

#include <weir/fields.hpp>
#include <weir/time.hpp>
#include <weir/value.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace weir::codec {

// Scalars: one function each, outside the templates.
bool decode_bool(const Value& in, bool& out, Issues& issues);
bool decode_integer(const Value& in, std::int64_t& out, std::int64_t min, std::uint64_t max, Issues& issues);
bool decode_unsigned(const Value& in, std::uint64_t& out, std::uint64_t max, Issues& issues);
/// NaN and infinities are read from their names in a text. Finite numbers beyond `max` are refused.
bool decode_number(const Value& in, double& out, double max, Issues& issues);
bool decode_string(const Value& in, std::string& out, Issues& issues);
bool decode_time(const Value& in, Time& out, Issues& issues);
/// How long a tick is: num / den seconds, a whole number of nanoseconds.
struct TimeUnit {
  std::int64_t num, den;
};
/// Ticks between the bounds. What is no whole number of them is refused, not rounded.
struct TickRange {
  TimeUnit unit;
  std::int64_t min, max;
};
bool decode_time(const Value& in, std::int64_t& ticks, const TickRange& range, Issues& issues);
/// ISO 8601 without years and months, whose length differs ("PT1.5S", "-P1DT2H"); or a number of seconds.
bool decode_duration(const Value& in, std::int64_t& ticks, const TickRange& range, Issues& issues);
bool decode_duration(const Value& in, double& seconds, Issues& issues);
bool decode_path(const Value& in, std::filesystem::path& out, Issues& issues);
bool decode_enumerator(const Value& in, const std::string_view* names, std::size_t count, std::size_t& out, Issues& issues);
bool expect_array(const Value& in, Issues& issues);
/// An array of exactly so many items.
bool expect_items(const Value& in, std::size_t count, Issues& issues);
bool expect_object(const Value& in, std::string_view type_name, bool is_map, Issues& issues);
bool check_bounds(const Value& in, const FieldInfo& info, Issues& issues);
/// `type_name` when the member may have a default that the compiler hides, else empty.
void missing(std::string_view field, const Value& object, std::string_view type_name, Issues& issues);
/// "2026-03-01T08:00:00.120045Z"; years that have not four digits are written with a sign and six.
std::string time_text(Time time);
/// With nine digits behind the point where six are too few.
std::string time_text(std::int64_t ticks, TimeUnit unit);
/// "PT1H30M1.5S"
std::string duration_text(std::int64_t ticks, TimeUnit unit);
std::string duration_text(double seconds);

// Schema pieces.
std::string field_title(std::string_view field);
Value scalar_schema(std::string_view type);
Value enum_schema(std::string_view title, const std::string_view* names, std::size_t count);
Value nullable_schema(Value inner);
Value text_schema(std::string_view format);
Value fixed_list_schema(std::string_view items_key, Value items, std::size_t count);
Value property_schema(Value type_schema, std::string_view field, const FieldInfo& info, const Value* default_value);
Value object_schema(std::string_view title, std::string_view description, Object properties, std::vector<Value> required);
Value reference(std::string_view name);

}  // namespace weir::codec
