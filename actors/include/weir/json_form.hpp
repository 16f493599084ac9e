// Which types have a JSON form, and the one sentence about a member that has none. Asked before anything is instantiated for an event, so
// that the compiler says nothing else.
#pragma once

#include <weir/reflect.hpp>
#include <weir/reflect_shape.hpp>
#include <weir/refused.hpp>
#include <weir/time.hpp>
#include <weir/value.hpp>

#include <array>
#include <chrono>
#include <concepts>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace weir {

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
inline constexpr bool is_array = false;
template <class T, std::size_t N>
inline constexpr bool is_array<std::array<T, N>> = true;
/// Lists of a fixed length, whose items may differ in type.
template <class T>
inline constexpr bool is_tuple = false;
template <class... T>
inline constexpr bool is_tuple<std::tuple<T...>> = true;
template <class A, class B>
inline constexpr bool is_tuple<std::pair<A, B>> = true;

/// Ticks that are whole nanoseconds, and not longer than some thousand years.
template <class Rep, class Period>
inline constexpr bool is_exact =
    std::integral<Rep> && !std::same_as<Rep, bool> && (std::signed_integral<Rep> || sizeof(Rep) < sizeof(std::int64_t)) &&
    sizeof(Rep) <= sizeof(std::int64_t) && std::nano::den % Period::den == 0 && Period::num <= 100'000'000'000;
/// Spans whose text is exact: of such ticks, or a floating-point number of seconds.
template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = is_exact<Rep, Period> ||
                                                                        ((std::same_as<Rep, double> ||
                                                                          std::same_as<Rep, float>)&&std::same_as<Period, std::ratio<1>>);
/// Instants of the calendar. Other clocks have no date.
template <class T>
inline constexpr bool is_time = false;
template <class Rep, class Period>
inline constexpr bool is_time<std::chrono::sys_time<std::chrono::duration<Rep, Period>>> = is_exact<Rep, Period>;

template <class T>
inline constexpr bool is_list = is_vector<T> || is_set<T> || is_array<T>;

/// Read and written by functions of its own (specialisations of encode and decode), and says its schema itself.
template <class T>
concept WrittenItself = requires {
  { T::json_schema() } -> std::convertible_to<Value>;
};

/// Has a JSON form whatever else there is: no items, no members to look at.
template <class T>
inline constexpr bool is_simple = (std::integral<T> && sizeof(T) <= sizeof(std::int64_t)) || std::floating_point<T> || std::is_enum_v<T> ||
                                  std::same_as<T, std::string> || std::same_as<T, std::filesystem::path> || std::same_as<T, Value> ||
                                  is_duration<T> || is_time<T> || WrittenItself<T>;

template <class... T>
struct Types {};
template <class T>
struct ItemsOf;
template <class T>
requires(is_list<T> || is_optional<T>) struct ItemsOf<T> {
  using type = Types<typename T::value_type>;
};
template <class T>
struct ItemsOf<std::map<std::string, T>> {
  using type = Types<T>;
};
template <template <class...> class C, class... T>
requires(is_variant<C<T...>> || is_tuple<C<T...>>) struct ItemsOf<C<T...>> {
  using type = Types<T...>;
};
template <class T>
concept HasItems = requires {
  typename ItemsOf<T>::type;
};

}  // namespace codec

namespace detail {

struct Right {
  using Sentence = Right;
};
struct NoForm {};
template <class S>
struct Wrong {
  using Sentence = S;
};

/// `text` is a function, whose result is a constant.
template <class F>
constexpr auto name_of(F text) {
  Name<text().size()> out;
  for (std::size_t i = 0; i < text().size(); ++i) out.text[i] = text()[i];
  return out;
}
template <class T, std::size_t I>
inline constexpr auto name_of_member = name_of([] { return reflect::member_name<T, I>(); });

template <class V, class... Seen>
constexpr auto mistake_in();

constexpr Right first_mistake() { return {}; }
template <class First, class... Rest>
constexpr auto first_mistake(First first, Rest... rest) {
  if constexpr (std::same_as<First, Right>) return detail::first_mistake(rest...);
  else return first;
}

template <class T, std::size_t I, class... Seen>
constexpr auto mistake_in_member() {
  using M = std::remove_reference_t<std::tuple_element_t<I, decltype(reflect::tie(std::declval<T&>()))>>;
  if constexpr (std::is_const_v<M>) return Wrong<refused::ConstMember<T, name_of_member<T, I>, false>>{};
  else {
    using Found = decltype(mistake_in<M, Seen...>());
    if constexpr (std::same_as<Found, NoForm>) return Wrong<refused::Member<T, name_of_member<T, I>, M, false>>{};
    else return Found{};
  }
}

template <class T, class... Seen>
constexpr auto mistake_in_members() {
  return []<std::size_t... I>(std::index_sequence<I...>) { return detail::first_mistake(mistake_in_member<T, I, Seen...>()...); }
  (std::make_index_sequence<reflect::member_count<T>>{});
}

template <class T>
consteval reflect::Shape shape() {
  using reflect::Fault;
  if constexpr (!reflect::Described<T>::value) return reflect::shape_of<T>();
  else return {std::is_default_constructible_v<T> ? Fault::none : Fault::no_default};
}

template <class T, class... Seen>
constexpr auto mistake_in_struct() {
  using reflect::Fault;
  constexpr auto found = shape<T>();
  if constexpr (found.fault == Fault::base) return Wrong<refused::Base<T, false>>{};
  else if constexpr (found.fault == Fault::reference) return Wrong<refused::Reference<T, found.position, false>>{};
  else if constexpr (found.fault == Fault::built_in_array) return Wrong<refused::BuiltInArray<T, found.position, false>>{};
  else if constexpr (found.fault == Fault::many) return Wrong<refused::ManyMembers<T, false>>{};
  else if constexpr (found.fault == Fault::no_default) return Wrong<refused::NoDefault<T, false>>{};
  else if constexpr (found.fault == Fault::unknown_member) return Wrong<refused::Member<T, found.position, void, false>>{};
  else return mistake_in_members<T, Seen...>();
}

template <class... Seen, class... V>
constexpr auto mistake_in_items(codec::Types<V...>) {
  return detail::first_mistake(mistake_in<V, Seen...>()...);
}

/// What is wrong with V as a member's type: Right, NoForm, or Wrong<the sentence> about something inside it. `Seen` are the structs that it
/// is inside of: one may contain itself.
template <class V, class... Seen>
constexpr auto mistake_in() {
  if constexpr (codec::is_simple<V>) return Right{};
  else if constexpr (codec::HasItems<V>) return mistake_in_items<Seen...>(typename codec::ItemsOf<V>::type{});
  else if constexpr (!reflect::Reflectable<V>) return NoForm{};
  else if constexpr ((false || ... || std::same_as<V, Seen>)) return Right{};
  else return mistake_in_struct<V, Seen..., V>();
}

/// Of an event, as mistake_in() of a member.
template <class T>
constexpr auto mistake_in_event() {
  if constexpr (!reflect::Reflectable<T>) return Wrong<refused::EventType<T, false>>{};
  else if constexpr (codec::WrittenItself<T>) return Right{};
  else return mistake_in_struct<T, T>();
}
/// Of a value that is no member.
template <class T>
constexpr auto mistake_in_value() {
  using Found = decltype(mistake_in<T>());
  if constexpr (std::same_as<Found, NoForm>) return Wrong<refused::Form<T, false>>{};
  else return Found{};
}

/// Where they are used, and not valid, `sizeof(Sentence)` makes the compiler say why.
template <class T>
using SentenceAboutEvent = typename decltype(mistake_in_event<T>())::Sentence;
template <class T>
using SentenceAboutValue = typename decltype(mistake_in_value<T>())::Sentence;

}  // namespace detail

/// Whether T can be an event.
template <class T>
inline constexpr bool valid_event = std::same_as<decltype(detail::mistake_in_event<T>()), detail::Right>;

/// Whether T has a JSON form.
template <class T>
inline constexpr bool has_json_form = std::same_as<decltype(detail::mistake_in_value<T>()), detail::Right>;

}  // namespace weir
