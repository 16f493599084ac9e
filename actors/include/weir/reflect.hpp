// What the compiler knows about an event: its name, its namespace, its members. No macro for plain aggregates;
// WEIR_DESCRIBE(Type, a, b) names the members of everything else.
#pragma once

#include <weir/reflect_tie.hpp>

#include <array>
#include <concepts>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

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

/// The identifiers of an enumeration's values 0..63 that exist, by asking the compiler for each.
template <class E, E V>
consteval std::string_view enumerator_text() {
  std::string_view text = __PRETTY_FUNCTION__;
  const auto begin = text.rfind("V = ") + 4;
  text = text.substr(begin, text.find_first_of(";]", begin) - begin);
  if (text.front() == '(' || (text.front() >= '0' && text.front() <= '9') || text.front() == '-') return {};
  const auto colon = text.rfind(':');
  return colon == text.npos ? text : text.substr(colon + 1);
}

template <class E>
constexpr auto enumerators() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<std::string_view, sizeof...(I)>{enumerator_text<E, static_cast<E>(I)>()...};
  }
  (std::make_index_sequence<64>{});
}

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

/// Names the members of a type that is no aggregate, or has more than 32. Write it in the global namespace,
/// after the type: WEIR_DESCRIBE(shop::Order, number, lines). The type needs a default constructor.
#define WEIR_DESCRIBE(Type, ...)                                                                               \
  template <>                                                                                                  \
  struct weir::reflect::Described<Type> : std::true_type {                                                     \
    static constexpr auto tie(auto& x) { return std::tie(WEIR_DETAIL_EACH(WEIR_DETAIL_MEMBER, __VA_ARGS__)); } \
    static constexpr std::string_view names[] = {WEIR_DETAIL_EACH(WEIR_DETAIL_NAME, __VA_ARGS__)};             \
  }
