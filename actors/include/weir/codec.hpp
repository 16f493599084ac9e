// Plain C++ values to JSON, from JSON and to JSON Schema, by walking their members.
// Coercions, messages and schema keys follow the protocol (contract, appendix B).
#pragma once

#include <weir/codec_parts.hpp>
#include <weir/fields.hpp>
#include <weir/json_form.hpp>
#include <weir/json_writer.hpp>
#include <weir/time.hpp>
#include <weir/value.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace weir {

namespace codec {

template <class T>
const Fields<T>& fields();
template <class T>
void encode(JsonWriter& out, const T& value);
template <class T>
bool decode(const Value& in, T& out, Issues& issues);
/// Nested types are put into `definitions` and referred to.
template <class T>
Value schema(Object& definitions);
template <class T>
Value body_schema(Object& definitions);

/// In the form that decode() reads back, whatever the numbers are; NonFinite::null for what the protocol shows.
template <class T>
std::string encoded(const T& value, JsonWriter::NonFinite non_finite = JsonWriter::NonFinite::text) {
  std::string out;
  JsonWriter writer(out, JsonWriter::Escape::minimal, non_finite);
  encode(writer, value);
  return out;
}

template <class T>
const Fields<T>& fields() {
  static const Fields<T> result = [] {
    Fields<T> described;
    if constexpr (requires { T::describe(described); }) T::describe(described);
    const T sample{};
    reflect::for_each_member(sample, [&]<class V>(auto index, std::string_view, const V& value) {
      auto& info = described.at(index);
      constexpr auto seen = reflect::initialiser<T, decltype(index)::value>();
      if (is_optional<V> || seen == reflect::Initialiser::present || encoded(value) != encoded(V{})) info.has_default = true;
      info.default_hidden = !info.has_default && seen == reflect::Initialiser::unknown;
    });
    return described;
  }();
  return result;
}

template <class T>
void encode_members(JsonWriter& out, const T& value) {
  reflect::for_each_member(value, [&](auto, std::string_view name, const auto& member) {
    out.key(name);
    encode(out, member);
  });
}

template <class E>
void encode_enumerator(JsonWriter& out, E value) {
  for (const auto& known : reflect::enumerators<E>())
    if (known.value == value) return out.string(known.name);
  encode(out, static_cast<std::underlying_type_t<E>>(value));
}

template <class D>
inline constexpr TimeUnit unit_of{D::period::num, D::period::den};

template <class T>
void encode_duration(JsonWriter& out, T value) {
  if constexpr (std::integral<typename T::rep>) out.string(duration_text(value.count(), unit_of<T>));
  else if (std::isfinite(value.count())) out.string(duration_text(static_cast<double>(value.count())));
  else out.number(static_cast<double>(value.count()));
}

template <class T>
void encode_items(JsonWriter& out, const T& value) {
  out.begin_array();
  if constexpr (is_tuple<T>) std::apply([&](const auto&... item) { (encode(out, item), ...); }, value);
  else
    for (const auto& item : value) encode(out, item);
  out.end_array();
}

template <class T>
void encode_map(JsonWriter& out, const T& value) {
  out.begin_object();
  for (const auto& [name, item] : value) {
    out.key(name);
    encode(out, item);
  }
  out.end_object();
}

template <class T>
void encode(JsonWriter& out, const T& value) {
  if constexpr (!has_json_form<T>) (void)sizeof(detail::SentenceAboutValue<T>);
  else if constexpr (std::same_as<T, bool>) out.boolean(value);
  else if constexpr (std::integral<T>) {
    if constexpr (std::unsigned_integral<T> && sizeof(T) == sizeof(std::int64_t)) out.big_integer(value);
    else out.integer(static_cast<std::int64_t>(value));
  } else if constexpr (std::floating_point<T>) out.number(static_cast<double>(value));
  else if constexpr (std::same_as<T, std::string>) out.string(value);
  else if constexpr (std::same_as<T, std::filesystem::path>) out.string(value.string());
  else if constexpr (std::same_as<T, Value>) out.value(value);
  else if constexpr (std::same_as<T, Time>) out.string(time_text(value));
  else if constexpr (is_time<T>) out.string(time_text(value.time_since_epoch().count(), unit_of<typename T::duration>));
  else if constexpr (is_duration<T>) encode_duration(out, value);
  else if constexpr (std::is_enum_v<T>) encode_enumerator(out, value);
  else if constexpr (is_optional<T>) value ? encode(out, *value) : out.null();
  else if constexpr (is_variant<T>) std::visit([&](const auto& item) { encode(out, item); }, value);
  else if constexpr (is_list<T> || is_tuple<T>) encode_items(out, value);
  else if constexpr (is_map<T>) encode_map(out, value);
  else {
    out.begin_object();
    encode_members(out, value);
    out.end_object();
  }
}

/// Decodes the members of a plain struct. Keys that are no member are left to the caller.
template <class T>
bool decode_members(const Value& in, T& out, Issues& issues) {
  const auto& infos = fields<T>();
  const auto before = issues.size();
  reflect::for_each_member(out, [&](auto index, std::string_view name, auto& member) {
    const Issues::Scope scope(issues, name);
    const Value* found = in.find(name);
    if (!found) {
      const auto& info = infos.at(index);
      if (!info.has_default) missing(name, in, info.default_hidden ? reflect::type_name<T>() : std::string_view(), issues);
    } else if (decode(*found, member, issues)) {
      check_bounds(*found, infos.at(index), issues);
    }
  });
  return issues.size() == before;
}

/// Whether a value of type T is written like this, so that a variant's alternatives are told apart: "5" is a text before it is a number.
template <class T>
bool looks_like(const Value& in) {
  if constexpr (std::same_as<T, bool>) return in.is_bool();
  else if constexpr (std::integral<T>) return in.is_integer() || in.is_big_integer();
  else if constexpr (std::floating_point<T>) return in.is_double();
  else if constexpr (std::same_as<T, Value>) return true;
  else if constexpr (is_optional<T>) return in.is_null() || looks_like<typename T::value_type>(in);
  else if constexpr (is_list<T> || is_tuple<T>) return in.is_array();
  else if constexpr (is_map<T>) return in.is_object();
  else if constexpr (is_simple<T>) return in.is_string();
  else if constexpr (is_variant<T>) return true;
  else if (!in.is_object()) return false;
  else {
    std::size_t known = 0;
    const T sample{};
    reflect::for_each_member(sample, [&](auto, std::string_view name, const auto&) { known += in.find(name) ? 1 : 0; });
    return known == in.as_object().size();
  }
}

template <std::size_t I, class T>
bool decode_alternative(const Value& in, T& out, bool alike, Issues& issues) {
  using A = std::variant_alternative_t<I, T>;
  if (alike && !looks_like<A>(in)) return false;
  const auto before = issues.size();
  A candidate{};
  if (!decode(in, candidate, issues)) return false;
  issues.truncate(before);
  out.template emplace<I>(std::move(candidate));
  return true;
}

/// The first alternative that is written like this, else the first that can be read from it.
template <class T>
bool decode_variant(const Value& in, T& out, Issues& issues) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    Issues unlike;
    return (decode_alternative<I>(in, out, true, unlike) || ...) || (decode_alternative<I>(in, out, false, issues) || ...);
  }
  (std::make_index_sequence<std::variant_size_v<T>>{});
}

template <class T>
bool decode_items(const Value& in, T& out, Issues& issues) {
  if (!expect_array(in, issues)) return false;
  const auto before = issues.size();
  out.clear();
  std::size_t index = 0;
  for (const auto& item : in.as_array()) {
    const Issues::Scope scope(issues, std::to_string(index++));
    typename T::value_type decoded{};
    decode(item, decoded, issues);
    if constexpr (is_vector<T>) out.push_back(std::move(decoded));
    else out.insert(std::move(decoded));
  }
  return issues.size() == before;
}

/// std::array, std::tuple, std::pair.
template <class T>
bool decode_fixed_items(const Value& in, T& out, Issues& issues) {
  constexpr auto count = std::tuple_size_v<T>;
  if (!expect_items(in, count, issues)) return false;
  const auto before = issues.size();
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto one = [&](std::size_t index, auto& item) {
      const Issues::Scope scope(issues, std::to_string(index));
      decode(in.as_array()[index], item, issues);
    };
    (one(I, std::get<I>(out)), ...);
  }
  (std::make_index_sequence<count>{});
  return issues.size() == before;
}

template <class T>
bool decode_map(const Value& in, T& out, Issues& issues) {
  if (!expect_object(in, "", true, issues)) return false;
  const auto before = issues.size();
  out.clear();
  for (const auto& [name, item] : in.as_object()) {
    const Issues::Scope scope(issues, name);
    decode(item, out[name], issues);
  }
  return issues.size() == before;
}

template <class T>
bool decode_whole_number(const Value& in, T& out, Issues& issues) {
  using Limits = std::numeric_limits<T>;
  using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
  Wide wide = 0;
  if constexpr (std::is_signed_v<T>) {
    if (!decode_integer(in, wide, Limits::min(), static_cast<std::uint64_t>(Limits::max()), issues)) return false;
  } else {
    if (!decode_unsigned(in, wide, Limits::max(), issues)) return false;
  }
  out = static_cast<T>(wide);
  return true;
}

template <class T>
bool decode_real(const Value& in, T& out, Issues& issues) {
  double wide = 0;
  constexpr auto max = static_cast<double>(std::min<long double>(std::numeric_limits<T>::max(), std::numeric_limits<double>::max()));
  if (!decode_number(in, wide, max, issues)) return false;
  out = static_cast<T>(wide);
  return true;
}

template <class E>
bool decode_enum(const Value& in, E& out, Issues& issues) {
  if (in.is_integer() || in.is_big_integer()) {  // a value without a name, or one that had none
    std::underlying_type_t<E> number{};
    if (!decode(in, number, issues)) return false;
    out = static_cast<E>(number);
    return true;
  }
  static constexpr auto& names = reflect::enumerator_names<E>;
  std::size_t index = 0;
  if (!decode_enumerator(in, names.data(), names.size(), index, issues)) return false;
  out = reflect::enumerators<E>()[index].value;
  return true;
}

/// Of a duration, or of the one that a time point counts in.
template <class D>
inline constexpr TickRange ticks_of{unit_of<D>, static_cast<std::int64_t>(std::numeric_limits<typename D::rep>::min()),
                                    static_cast<std::int64_t>(std::numeric_limits<typename D::rep>::max())};

template <class D>
bool decode_span(const Value& in, D& out, Issues& issues) {
  using Rep = typename D::rep;
  std::conditional_t<std::integral<Rep>, std::int64_t, double> count = 0;
  if constexpr (std::integral<Rep>) {
    if (!decode_duration(in, count, ticks_of<D>, issues)) return false;
  } else {
    if (!decode_duration(in, count, issues)) return false;
  }
  out = D(static_cast<Rep>(count));
  return true;
}

template <class T>
bool decode_instant(const Value& in, T& out, Issues& issues) {
  using D = typename T::duration;
  std::int64_t ticks = 0;
  if (!decode_time(in, ticks, ticks_of<D>, issues)) return false;
  out = T(D(static_cast<typename D::rep>(ticks)));
  return true;
}

template <class T>
bool decode(const Value& in, T& out, Issues& issues) {
  if constexpr (!has_json_form<T>) return sizeof(detail::SentenceAboutValue<T>) == 0;
  else if constexpr (std::same_as<T, bool>) return decode_bool(in, out, issues);
  else if constexpr (std::integral<T>) return decode_whole_number(in, out, issues);
  else if constexpr (std::floating_point<T>) return decode_real(in, out, issues);
  else if constexpr (std::same_as<T, std::string>) return decode_string(in, out, issues);
  else if constexpr (std::same_as<T, std::filesystem::path>) return decode_path(in, out, issues);
  else if constexpr (std::same_as<T, Value>) return out = in, true;
  else if constexpr (std::same_as<T, Time>) return decode_time(in, out, issues);
  else if constexpr (is_time<T>) return decode_instant(in, out, issues);
  else if constexpr (is_duration<T>) return decode_span(in, out, issues);
  else if constexpr (std::is_enum_v<T>) return decode_enum(in, out, issues);
  else if constexpr (is_optional<T>) {
    out.reset();
    return in.is_null() || decode(in, out.emplace(), issues);
  } else if constexpr (is_variant<T>) return decode_variant(in, out, issues);
  else if constexpr (is_array<T> || is_tuple<T>) return decode_fixed_items(in, out, issues);
  else if constexpr (is_vector<T> || is_set<T>) return decode_items(in, out, issues);
  else if constexpr (is_map<T>) return decode_map(in, out, issues);
  else return expect_object(in, reflect::type_name<T>(), false, issues) && decode_members(in, out, issues);
}

template <class T>
std::string_view type_description() {
  if constexpr (requires {
                  { T::description } -> std::convertible_to<std::string_view>;
                  requires !std::is_member_object_pointer_v<decltype(&T::description)>;
                })
    return T::description;
  else return {};
}

template <class T>
Value body_schema(Object& definitions) {
  Object properties;
  std::vector<Value> required;
  const T sample{};
  const auto& infos = fields<T>();
  reflect::for_each_member(sample, [&]<class V>(auto index, std::string_view name, const V& member) {
    const auto& info = infos.at(index);
    std::optional<Value> default_value;
    if (info.has_default) default_value = *parse_json(encoded(member, JsonWriter::NonFinite::null));
    else required.emplace_back(name);
    properties.set(name, property_schema(schema<V>(definitions), name, info, default_value ? &*default_value : nullptr));
  });
  return object_schema(reflect::type_name<T>(), type_description<T>(), std::move(properties), std::move(required));
}

template <class T, std::size_t... I>
Value variant_schema(Object& definitions, std::index_sequence<I...>) {
  Value::Array options{schema<std::variant_alternative_t<I, T>>(definitions)...};
  return Object{{"anyOf", std::move(options)}};
}

template <class T>
Value tuple_schema(Object& definitions) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    Value::Array items{schema<std::tuple_element_t<I, T>>(definitions)...};
    return fixed_list_schema("prefixItems", std::move(items), sizeof...(I));
  }
  (std::make_index_sequence<std::tuple_size_v<T>>{});
}

template <class T>
Value schema(Object& definitions) {
  if constexpr (!has_json_form<T>) return (void)sizeof(detail::SentenceAboutValue<T>), Value();
  else if constexpr (std::same_as<T, bool>) return scalar_schema("boolean");
  else if constexpr (std::integral<T>) return scalar_schema("integer");
  else if constexpr (std::floating_point<T>) return scalar_schema("number");
  else if constexpr (std::same_as<T, std::string>) return scalar_schema("string");
  else if constexpr (std::same_as<T, Value>) return Object{};
  else if constexpr (std::same_as<T, std::filesystem::path>) return text_schema("path");
  else if constexpr (is_time<T>) return text_schema("date-time");
  else if constexpr (is_duration<T>) return text_schema("duration");
  else if constexpr (is_optional<T>) return nullable_schema(schema<typename T::value_type>(definitions));
  else if constexpr (is_tuple<T>) return tuple_schema<T>(definitions);
  else if constexpr (is_array<T>) return fixed_list_schema("items", schema<typename T::value_type>(definitions), std::tuple_size_v<T>);
  else if constexpr (is_vector<T>) return Object{{"items", schema<typename T::value_type>(definitions)}, {"type", "array"}};
  else if constexpr (is_set<T>)
    return Object{{"items", schema<typename T::value_type>(definitions)}, {"type", "array"}, {"uniqueItems", true}};
  else if constexpr (is_map<T>) {
    if constexpr (std::same_as<typename T::mapped_type, Value>) return scalar_schema("object");
    else return Object{{"additionalProperties", schema<typename T::mapped_type>(definitions)}, {"type", "object"}};
  } else if constexpr (is_variant<T>) {
    return variant_schema<T>(definitions, std::make_index_sequence<std::variant_size_v<T>>{});
  } else if constexpr (requires { T::json_schema(); }) {
    return T::json_schema();
  } else {
    constexpr auto name = reflect::type_name<T>();
    if (!definitions.find(name)) {
      definitions.set(name, Value());  // a type that refers to itself finds its name taken
      if constexpr (std::is_enum_v<T>) {
        static constexpr auto& names = reflect::enumerator_names<T>;
        definitions.set(name, enum_schema(name, names.data(), names.size()));
      } else {
        definitions.set(name, body_schema<T>(definitions));
      }
    }
    return reference(name);
  }
}

/// The schema of an event class, its nested types under "$defs".
template <class T>
Value root_schema() {
  Object definitions;
  auto root = body_schema<T>(definitions);
  if (definitions.empty()) return root;
  Object out{{"$defs", std::move(definitions)}};
  for (auto& [key, value] : root.as_object()) out.set(key, std::move(value));
  return out;
}

}  // namespace codec

/// The value as a JSON tree, from which from_value() gives it back.
template <class T>
Value to_value(const T& value) {
  return *parse_json(codec::encoded(value));
}

/// A T from a JSON tree, or what is wrong with it.
template <class T>
Expected<T> from_value(const Value& value) {
  T out{};
  Issues issues;
  if (codec::decode(value, out, issues)) return out;
  return Error{Code::invalid_argument, issues.text("value")};
}

}  // namespace weir
