// What the compiler knows about an event: its name, its namespace, its members. No macro for plain aggregates;
// WEIR_DESCRIBE(Type, a, b) names the members of everything else.
#pragma once

#include <weir/reflect_tie.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace weir::reflect {

/// Specialised by WEIR_DESCRIBE.
template <class T>
struct Described : std::false_type {};

template <class T>
concept Reflectable = std::is_class_v<T> &&(Described<T>::value || std::is_aggregate_v<T>);

template <class T>
consteval std::string_view pretty_type() {
  std::string_view text = __PRETTY_FUNCTION__;
  const auto begin = text.find("T = ") + 4;
  const auto end = text.find_first_of(";]", begin);
  return text.substr(begin, end - begin);
}

/// True for `static constexpr std::string_view name = "...";`, which freezes the wire name before a rename.
template <class T>
concept HasWireName = requires {
  { T::name } -> std::convertible_to<std::string_view>;
  requires !std::is_member_object_pointer_v<decltype(&T::name)>;
};

/// The type's wire name: its own identifier without namespaces, unless it says another.
template <class T>
consteval std::string_view type_name() {
  if constexpr (HasWireName<T>) {
    return T::name;
  } else {
    auto text = pretty_type<T>();
    const auto colon = text.rfind(':');
    return colon == text.npos ? text : text.substr(colon + 1);
  }
}

/// Namespaces and enclosing classes with dots ("shop.orders"); "app" when there are none.
template <class T>
std::string module_name() {
  const auto text = pretty_type<T>();
  std::string out;
  std::size_t begin = 0;
  for (auto colon = text.find("::"); colon != text.npos; colon = text.find("::", begin)) {
    const auto part = text.substr(begin, colon - begin);
    begin = colon + 2;
    if (part.find_first_of("{(<") != part.npos) continue;  // unnamed namespaces and functions have no stable name
    if (!out.empty()) out += '.';
    out += part;
  }
  return out.empty() ? "app" : out;
}

/// The last identifier of a member function or function, as written.
template <auto F>
consteval std::string_view function_name() {
  std::string_view text = __PRETTY_FUNCTION__;
  const auto begin = text.find("F = ") + 4;
  text = text.substr(begin, text.find_first_of(";]", begin) - begin);
  while (text.back() == ')') text.remove_suffix(1);
  return text.substr(text.find_last_of(":&") + 1);
}

template <class T>
constexpr auto tie(T& x) {
  if constexpr (Described<std::remove_const_t<T>>::value) return Described<std::remove_const_t<T>>::tie(x);
  else return tie_members(x);
}

template <class T>
inline constexpr std::size_t member_count = std::tuple_size_v<decltype(tie(std::declval<T&>()))>;

template <class T, std::size_t I>
constexpr std::string_view member_name() {
  if constexpr (Described<T>::value) {
    return Described<T>::names[I];
  } else {
    std::string_view text = member_address_text<T, I>();
    text = text.substr(0, text.find_last_not_of("]})>; ") + 1);
    return text.substr(text.find_last_of(".:>&(") + 1);
  }
}

/// Calls `visit(index_constant, name, member)` for each member in declaration order.
template <class T, class F>
constexpr void for_each_member(T& x, F&& visit) {
  using U = std::remove_const_t<T>;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    [[maybe_unused]] auto members = tie(x);
    (visit(std::integral_constant<std::size_t, I>{}, member_name<U, I>(), std::get<I>(members)), ...);
  }
  (std::make_index_sequence<member_count<U>>{});
}

/// What is known of a member's default initialiser (`bool loud = false`), whatever its value.
enum class Initialiser {
  absent,
  present,
  unknown,  ///< the compiler does not tell
};

/// A constant only if the member has a value when nobody gives it one.
template <class T, std::size_t I>
constexpr bool reads_member() {
  T x;
  [[maybe_unused]] auto copy = std::get<I>(tie(x));
  return true;
}
template <class T>
constexpr bool can_be_constant() {
  [[maybe_unused]] T x;
  return true;
}
template <class T, std::size_t I>
concept HasValueByDefault = requires {
  typename std::bool_constant<reads_member<T, I>()>;
};
template <class T>
concept Constant = requires {
  typename std::bool_constant<can_be_constant<T>()>;
};

/// Numbers and enumerators are seen in a struct whose members may all be constants; of the other types, the last one whose initialiser
/// might throw.
template <class T, std::size_t I>
consteval Initialiser initialiser() {
  using Member = std::remove_cvref_t<decltype(std::get<I>(tie(std::declval<T&>())))>;
  if constexpr (std::is_arithmetic_v<Member> || std::is_enum_v<Member>) {
    if constexpr (HasValueByDefault<T, I>) return Initialiser::present;
    else return Constant<T> ? Initialiser::absent : Initialiser::unknown;
  } else if constexpr (std::is_aggregate_v<T> && !Described<T>::value && std::is_nothrow_default_constructible_v<Member>) {
    if constexpr (begins_quietly<T>(std::make_index_sequence<I>{})) return Initialiser::absent;
    else return begins_quietly<T>(std::make_index_sequence<I + 1>{}) ? Initialiser::present : Initialiser::unknown;
  } else {
    return std::is_nothrow_default_constructible_v<Member> ? Initialiser::absent : Initialiser::unknown;
  }
}

/// A value of an enumeration that has a name.
template <class E>
struct Enumerator {
  E value;
  std::string_view name;
};

/// Specialised by WEIR_DESCRIBE_ENUM.
template <class E>
struct DescribedEnum : std::false_type {};

/// No string_view: g++ would say in the text what that is.
template <class E, E... V>
consteval const char* enumerators_text() {
  return __PRETTY_FUNCTION__;
}

/// "shop::Color::red" to "red"; a value without a name is shown as a number behind its type: "(shop::Color)7".
constexpr std::string_view enumerator_name(std::string_view shown) {
  if (const auto colon = shown.rfind(':'); colon != shown.npos) shown.remove_prefix(colon + 1);
  const bool number = shown.empty() || shown.find(')') != shown.npos || shown[0] == '-' || (shown[0] >= '0' && shown[0] <= '9');
  return number ? std::string_view() : shown;
}

/// The names of the values, as far as they have one, by asking the compiler for all at once.
template <class E, E... V>
consteval auto names_of_values() {
  std::array<std::string_view, sizeof...(V)> out{};
  std::string_view text = enumerators_text<E, V...>();
  text.remove_prefix(text.rfind("V = ") + 5);
  text = text.substr(0, text.find_last_of(">}"));
  std::size_t begin = 0, found = 0;
  int depth = 0;
  for (std::size_t i = 0; i <= text.size() && found < out.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    if (c == '(' || c == '{' || c == '<') ++depth;
    if (c == ')' || c == '}' || c == '>') --depth;
    if (c != ',' || (depth > 0 && i < text.size())) continue;
    while (begin < i && text[begin] == ' ') ++begin;
    out[found++] = enumerator_name(text.substr(begin, i - begin));
    begin = i + 1;
  }
  return out;
}

inline constexpr std::int64_t enumerators_min = -256, enumerators_max = 1023;  ///< looked for by themselves; and the powers of two
inline constexpr std::size_t enumerators_at_once = 128;

template <class E>
constexpr bool can_be(std::int64_t value) {
  using Number = std::underlying_type_t<E>;
  if constexpr (std::is_same_v<Number, bool>) return value == 0 || value == 1;
  else return static_cast<std::int64_t>(static_cast<Number>(value)) == value && ((static_cast<Number>(value) < Number{}) == (value < 0));
}

/// The n-th value that is looked for: first the range, then the powers of two beyond it.
constexpr std::int64_t value_looked_for(std::size_t n) {
  constexpr auto in_range = static_cast<std::size_t>(enumerators_max - enumerators_min + 1);
  if (n < in_range) return enumerators_min + static_cast<std::int64_t>(n);
  return std::int64_t{1} << std::min<std::size_t>(n - in_range + 10, 62);
}
inline constexpr std::size_t values_looked_for = enumerators_max - enumerators_min + 1 + enumerators_at_once;

template <class E, std::size_t Part>
inline constexpr auto names_of_part = []<std::size_t... I>(std::index_sequence<I...>) {
  constexpr auto value = [](std::size_t i) {
    const auto wanted = value_looked_for(Part * enumerators_at_once + i);
    return static_cast<E>(can_be<E>(wanted) ? wanted : 0);
  };
  return names_of_values<E, value(I)...>();
}
(std::make_index_sequence<enumerators_at_once>{});

/// Calls `visit(value, name)` for each named value that is found, in ascending order.
template <class E, class F>
constexpr void for_each_enumerator(F&& visit) {
  [&]<std::size_t... Part>(std::index_sequence<Part...>) {
    const std::array<const std::array<std::string_view, enumerators_at_once>*, sizeof...(Part)> parts{&names_of_part<E, Part>...};
    std::int64_t before = enumerators_min - 1;
    for (std::size_t n = 0; n < values_looked_for; ++n) {
      const auto value = value_looked_for(n);
      const auto name = (*parts[n / enumerators_at_once])[n % enumerators_at_once];
      if (value > before && can_be<E>(value) && !name.empty()) visit(static_cast<E>(value), name);
      before = value;
    }
  }
  (std::make_index_sequence<values_looked_for / enumerators_at_once>{});
}

template <class E>
inline constexpr auto found_enumerators = [] {
  constexpr auto count = [] {
    std::size_t out = 0;
    for_each_enumerator<E>([&](E, std::string_view) { ++out; });
    return out;
  }();
  std::array<Enumerator<E>, count> out{};
  std::size_t next = 0;
  for_each_enumerator<E>([&](E value, std::string_view name) { out[next++] = {value, name}; });
  return out;
}();

/// The enumeration's values that have a name: those that WEIR_DESCRIBE_ENUM gives, else those that are found.
template <class E>
constexpr const auto& enumerators() {
  if constexpr (DescribedEnum<E>::value) return DescribedEnum<E>::values;
  else return found_enumerators<E>;
}

template <class E>
inline constexpr auto enumerator_names = [] {
  std::array<std::string_view, std::size(enumerators<E>())> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = enumerators<E>()[i].name;
  return out;
}();

}  // namespace weir::reflect

#define WEIR_DETAIL_PARENS ()
#define WEIR_DETAIL_EXPAND(...) WEIR_DETAIL_EXPAND3(WEIR_DETAIL_EXPAND3(WEIR_DETAIL_EXPAND3(__VA_ARGS__)))
#define WEIR_DETAIL_EXPAND3(...) WEIR_DETAIL_EXPAND2(WEIR_DETAIL_EXPAND2(WEIR_DETAIL_EXPAND2(__VA_ARGS__)))
#define WEIR_DETAIL_EXPAND2(...) WEIR_DETAIL_EXPAND1(WEIR_DETAIL_EXPAND1(WEIR_DETAIL_EXPAND1(__VA_ARGS__)))
#define WEIR_DETAIL_EXPAND1(...) __VA_ARGS__
#define WEIR_DETAIL_EACH(macro, ...) __VA_OPT__(WEIR_DETAIL_EXPAND(WEIR_DETAIL_EACH_NEXT(macro, __VA_ARGS__)))
#define WEIR_DETAIL_EACH_NEXT(macro, a, ...) macro(a) __VA_OPT__(, WEIR_DETAIL_EACH_AGAIN WEIR_DETAIL_PARENS(macro, __VA_ARGS__))
#define WEIR_DETAIL_EACH_AGAIN() WEIR_DETAIL_EACH_NEXT
#define WEIR_DETAIL_MEMBER(m) x.m
#define WEIR_DETAIL_NAME(m) #m
#define WEIR_DETAIL_ENUMERATOR(m) \
  { Enum::m, #m }

/// Names the members of a type that is no aggregate, or has more than 32. Write it in the global namespace,
/// after the type: WEIR_DESCRIBE(shop::Order, number, lines). The type needs a default constructor.
#define WEIR_DESCRIBE(Type, ...)                                                                               \
  template <>                                                                                                  \
  struct weir::reflect::Described<Type> : std::true_type {                                                     \
    static constexpr auto tie(auto& x) { return std::tie(WEIR_DETAIL_EACH(WEIR_DETAIL_MEMBER, __VA_ARGS__)); } \
    static constexpr std::string_view names[] = {WEIR_DETAIL_EACH(WEIR_DETAIL_NAME, __VA_ARGS__)};             \
  }

/// Names the values of an enumeration that are not found by themselves: below -256 or above 1023, and no power of two. A value without
/// a name travels as its number. Write it in the global namespace, after the type: WEIR_DESCRIBE_ENUM(shop::Code, low, high).
#define WEIR_DESCRIBE_ENUM(Type, ...)                                                                                    \
  template <>                                                                                                            \
  struct weir::reflect::DescribedEnum<Type> : std::true_type {                                                           \
    using Enum = Type;                                                                                                   \
    static constexpr weir::reflect::Enumerator<Type> values[] = {WEIR_DETAIL_EACH(WEIR_DETAIL_ENUMERATOR, __VA_ARGS__)}; \
  }
