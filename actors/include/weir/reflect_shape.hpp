// Whether an aggregate's members can be told apart, asked without naming them: so that what cannot be is refused in words, before the
// compiler finds it itself.
#pragma once
#if defined(__clang__)
#pragma clang system_header
#elif defined(__GNUC__)
#pragma GCC system_header
#endif

#include <weir/reflect_tie.hpp>

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace weir::reflect {

enum class Fault { none, base, reference, no_default, built_in_array, unknown_member, many };

/// `position` counts from 0.
struct Shape {
  Fault fault = Fault::none;
  std::size_t position = 0;
};

/// Stands for what a reference refers to.
struct AnyReference {
  template <class T>
  constexpr operator T&() const noexcept;
};
/// Stands for a base class of T.
template <class T>
struct AnyBase {
  template <class B>
  requires(std::is_base_of_v<B, T> && !std::same_as<B, T>) constexpr operator B() const noexcept;
};

template <class T, std::size_t... I>
constexpr bool initializable_with_references(std::index_sequence<I...>) {
  return requires { T{(void(I), AnyReference{})...}; };
}
template <class T, std::size_t... I, std::size_t... J>
constexpr bool value_between_references(std::index_sequence<I...>, std::index_sequence<J...>) {
  return requires { T{(void(I), AnyReference{})..., AnyMember{}, (void(J), AnyReference{})...}; };
}
/// An empty one: braces stand for a whole built-in array, where members without braces stand for its items.
template <class T, std::size_t... I, std::size_t... J>
constexpr bool braces_between(std::index_sequence<I...>, std::index_sequence<J...>) {
  return requires { T{(void(I), AnyMember{})..., {}, (void(J), AnyMember{})...}; };
}

template <class T, std::size_t N = members_max>
consteval Shape find_reference() {
  if constexpr (N == 0) return {Fault::no_default};
  else if constexpr (!initializable_with_references<T>(std::make_index_sequence<N>{})) return find_reference<T, N - 1>();
  else {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      Shape out{Fault::no_default};
      ((value_between_references<T>(std::make_index_sequence<N - 1 - I>{}, std::make_index_sequence<I>{})
            ? void()
            : void(out = {Fault::reference, N - 1 - I})),
       ...);
      return out;
    }
    (std::make_index_sequence<N>{});
  }
}

template <class T, std::size_t Count, std::size_t I = 0>
consteval Shape find_array() {
  constexpr auto before = std::make_index_sequence<I>{};
  if constexpr (I == Count) return {Count > members_max ? Fault::many : Fault::none};
  else if constexpr (!braces_between<T>(before, std::make_index_sequence<Count - I - 1>{}) &&
                     braces_between<T>(before, std::index_sequence<>{}))
    return {Fault::built_in_array, I};
  else return find_array<T, Count, I + 1>();
}

/// What is wrong with the aggregate T, if anything.
template <class T>
consteval Shape shape_of() {
  constexpr auto count = count_members<T>();
  if constexpr (requires { T{AnyBase<T>{}}; }) return {Fault::base};
  else if constexpr (!initializable_with<T>(std::index_sequence<>{})) return find_reference<T>();
  else if constexpr (count <= members_max && braces_between<T>(std::make_index_sequence<count>{}, std::index_sequence<>{}))
    return {Fault::unknown_member, count};
  else return find_array<T, count>();
}

}  // namespace weir::reflect
