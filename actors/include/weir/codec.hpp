// Plain C++ values to JSON, from JSON and to JSON Schema, by walking their members.
// Coercions, messages and schema keys follow the protocol (contract, appendix B).
#pragma once

#include <weir/json_writer.hpp>
#include <weir/reflect.hpp>
#include <weir/time.hpp>
#include <weir/value.hpp>

#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace weir {

/// One thing wrong with an input, in the protocol's words.
struct Issue {
  std::string location;  ///< dotted path, e.g. "lines.0.price"; empty for the whole value
  std::string tag;       ///< e.g. "missing"
  std::string message;   ///< e.g. "Field required"
  std::string input;     ///< the offending value as Python prints it
  std::string input_type;
  std::string hint = {};  ///< for who wrote the type; may be empty
};

/// Collects issues while a value is decoded; knows where in the value it is.
class Issues {
public:
  void add(std::string_view tag, std::string message, const Value& input, std::string hint = {});
  bool empty() const noexcept { return issues_.empty(); }
  std::size_t size() const noexcept { return issues_.size(); }
  void truncate(std::size_t count) { issues_.resize(count); }
  const std::vector<Issue>& all() const noexcept { return issues_; }
  /// "2 validation errors for Order\nleaf\n  Field required [type=missing, ...]..."
  std::string text(std::string_view type_name) const;

  /// Names the member or index being decoded for the life of the scope.
  class Scope {
  public:
    Scope(Issues& issues, std::string_view part);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

  private:
    Issues& issues_;
    std::size_t length_;
  };

private:
  std::string path_;
  std::vector<Issue> issues_;
};

/// What is said about a member beside its C++ type. Bounds are inclusive.
struct FieldInfo {
  std::string description;
  std::optional<double> minimum, maximum;
  std::optional<std::int64_t> min_length, max_length;
  bool has_default = false;
  bool default_hidden = false;  ///< it may have one: the compiler does not tell

  FieldInfo& describe(std::string text) {
    description = std::move(text);
    return *this;
  }
  FieldInfo& at_least(double bound) {
    minimum = bound;
    return *this;
  }
  FieldInfo& at_most(double bound) {
    maximum = bound;
    return *this;
  }
  FieldInfo& length(std::int64_t least, std::int64_t most) {
    min_length = least;
    max_length = most;
    return *this;
  }
  /// The member has a default: for initialisers that are empty and that the compiler does not tell (docs/events.md).
  FieldInfo& defaulted() {
    has_default = true;
    return *this;
  }
};

/// Passed to `static void describe(weir::Fields<T>& fields)` of an event: `fields[&T::times].at_least(1)`.
template <class T>
class Fields {
public:
  Fields() : infos_(reflect::member_count<T>) {}

  template <class M>
  FieldInfo& operator[](M T::*member) {
    FieldInfo* found = nullptr;
    reflect::for_each_member(sample_, [&](auto index, std::string_view, auto& value) {
      if (static_cast<const void*>(&value) == static_cast<const void*>(&(sample_.*member))) found = &infos_[index];
    });
    if (!found) throw WorkflowError("describe() of " + std::string(reflect::type_name<T>()) + " names a member that is not reflected");
    return *found;
  }
  const FieldInfo& at(std::size_t index) const { return infos_[index]; }
  FieldInfo& at(std::size_t index) { return infos_[index]; }

private:
  T sample_{};
  std::vector<FieldInfo> infos_;
};

namespace codec {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_set = false;
template <class T>
inline constexpr bool is_set<std::set<T>> = true;
template <class T>
inline constexpr bool is_map = false;
template <class T>
inline constexpr bool is_map<std::map<std::string, T>> = true;
template <class T>
inline constexpr bool is_variant = false;
template <class... T>
inline constexpr bool is_variant<std::variant<T...>> = true;
template <class T>
inline constexpr bool unsupported = false;

// Scalars: one function each, outside the templates.
bool decode_bool(const Value& in, bool& out, Issues& issues);
bool decode_integer(const Value& in, std::int64_t& out, std::int64_t min, std::uint64_t max, Issues& issues);
bool decode_unsigned(const Value& in, std::uint64_t& out, std::uint64_t max, Issues& issues);
/// NaN and infinities are read from their names in a text. Finite numbers beyond `max` are refused.
bool decode_number(const Value& in, double& out, double max, Issues& issues);
bool decode_string(const Value& in, std::string& out, Issues& issues);
bool decode_time(const Value& in, Time& out, Issues& issues);
bool decode_enumerator(const Value& in, const std::string_view* names, std::size_t count, std::size_t& out, Issues& issues);
bool expect_array(const Value& in, Issues& issues);
bool expect_object(const Value& in, std::string_view type_name, bool is_map, Issues& issues);
bool check_bounds(const Value& in, const FieldInfo& info, Issues& issues);
/// `type_name` when the member may have a default that the compiler hides, else empty.
void missing(std::string_view field, const Value& object, std::string_view type_name, Issues& issues);
/// "2026-03-01T08:00:00.120045Z"; years that have not four digits are written with a sign and six.
std::string time_text(Time time);

// Schema pieces.
std::string field_title(std::string_view field);
Value scalar_schema(std::string_view type);
Value enum_schema(std::string_view title, const std::string_view* names, std::size_t count);
Value nullable_schema(Value inner);
Value property_schema(Value type_schema, std::string_view field, const FieldInfo& info, const Value* default_value);
Value object_schema(std::string_view title, std::string_view description, Object properties, std::vector<Value> required);
Value reference(std::string_view name);

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

template <class T>
void encode(JsonWriter& out, const T& value) {
  if constexpr (std::same_as<T, bool>) out.boolean(value);
  else if constexpr (std::integral<T>) {
    static_assert(sizeof(T) <= sizeof(std::int64_t), "integers have 64 bits at most: write larger ones as text");
    if constexpr (std::unsigned_integral<T> && sizeof(T) == sizeof(std::int64_t)) out.big_integer(value);
    else out.integer(static_cast<std::int64_t>(value));
  } else if constexpr (std::floating_point<T>) out.number(static_cast<double>(value));
  else if constexpr (std::same_as<T, std::string>) out.string(value);
  else if constexpr (std::same_as<T, Value>) out.value(value);
  else if constexpr (std::same_as<T, Time>) out.string(time_text(value));
  else if constexpr (std::is_enum_v<T>) encode_enumerator(out, value);
  else if constexpr (is_optional<T>) value ? encode(out, *value) : out.null();
  else if constexpr (is_variant<T>) std::visit([&](const auto& item) { encode(out, item); }, value);
  else if constexpr (is_vector<T> || is_set<T>) {
    out.begin_array();
    for (const auto& item : value) encode(out, item);
    out.end_array();
  } else if constexpr (is_map<T>) {
    out.begin_object();
    for (const auto& [name, item] : value) {
      out.key(name);
      encode(out, item);
    }
    out.end_object();
  } else if constexpr (reflect::Reflectable<T>) {
    out.begin_object();
    encode_members(out, value);
    out.end_object();
  } else {
    static_assert(unsupported<T>, "this member's type has no JSON form: use a plain struct, or name its members with WEIR_DESCRIBE");
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

template <class T, std::size_t I = 0>
bool decode_variant(const Value& in, T& out, Issues& issues) {
  if constexpr (I == std::variant_size_v<T>) {
    return false;
  } else {
    const auto before = issues.size();
    std::variant_alternative_t<I, T> candidate{};
    if (decode(in, candidate, issues)) {
      issues.truncate(before);
      out = std::move(candidate);
      return true;
    }
    if (!decode_variant<T, I + 1>(in, out, issues)) return false;
    issues.truncate(before);
    return true;
  }
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

template <class T>
bool decode(const Value& in, T& out, Issues& issues) {
  if constexpr (std::same_as<T, bool>) return decode_bool(in, out, issues);
  else if constexpr (std::integral<T>) {
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
  } else if constexpr (std::floating_point<T>) {
    double wide = 0;
    constexpr auto max = static_cast<double>(std::min<long double>(std::numeric_limits<T>::max(), std::numeric_limits<double>::max()));
    if (!decode_number(in, wide, max, issues)) return false;
    out = static_cast<T>(wide);
    return true;
  } else if constexpr (std::same_as<T, std::string>) return decode_string(in, out, issues);
  else if constexpr (std::same_as<T, Value>) {
    out = in;
    return true;
  } else if constexpr (std::same_as<T, Time>) return decode_time(in, out, issues);
  else if constexpr (std::is_enum_v<T>) {
    if (in.is_integer() || in.is_big_integer()) {  // a value without a name, or one that had none
      std::underlying_type_t<T> number{};
      if (!decode(in, number, issues)) return false;
      out = static_cast<T>(number);
      return true;
    }
    static constexpr auto& names = reflect::enumerator_names<T>;
    std::size_t index = 0;
    if (!decode_enumerator(in, names.data(), names.size(), index, issues)) return false;
    out = reflect::enumerators<T>()[index].value;
    return true;
  } else if constexpr (is_optional<T>) {
    out.reset();
    return in.is_null() || decode(in, out.emplace(), issues);
  } else if constexpr (is_variant<T>) return decode_variant(in, out, issues);
  else if constexpr (is_vector<T> || is_set<T>) return decode_items(in, out, issues);
  else if constexpr (is_map<T>) {
    if (!expect_object(in, "", true, issues)) return false;
    const auto before = issues.size();
    out.clear();
    for (const auto& [name, item] : in.as_object()) {
      const Issues::Scope scope(issues, name);
      decode(item, out[name], issues);
    }
    return issues.size() == before;
  } else {
    return expect_object(in, reflect::type_name<T>(), false, issues) && decode_members(in, out, issues);
  }
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
Value schema(Object& definitions) {
  if constexpr (std::same_as<T, bool>) return scalar_schema("boolean");
  else if constexpr (std::integral<T>) return scalar_schema("integer");
  else if constexpr (std::floating_point<T>) return scalar_schema("number");
  else if constexpr (std::same_as<T, std::string>) return scalar_schema("string");
  else if constexpr (std::same_as<T, Value>) return Object{};
  else if constexpr (std::same_as<T, Time>) return Object{{"format", "date-time"}, {"type", "string"}};
  else if constexpr (is_optional<T>) return nullable_schema(schema<typename T::value_type>(definitions));
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
