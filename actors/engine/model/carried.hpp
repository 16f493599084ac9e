// What becomes of a run's state where it is written down or taken over: one row for each member, in the order of the
// struct. A member that is added without a row does not compile.
//
// A *snapshot* carries every member: it stands for the journal up to it. Rows give the member's key there.
#pragma once

#include "state.hpp"

#include <weir/reflect_tie.hpp>

#include <array>
#include <utility>

namespace weir::engine {

/// In a context as the protocol serialises it.
enum class InContext {
  kept,       ///< reads back as it was
  rewritten,  ///< says the same otherwise: an invocation waits in its queue again, numbers that only the run knows are given anew
  left_out,   ///< the run that goes on does without
};
/// In a run that begins with the state: a fork, or one that goes on from a context.
enum class InRestored {
  kept,
  anew,  ///< reset: the new run decides it
};

struct Carried {
  const char* key;
  InContext context;
  InRestored restored = InRestored::kept;
};

/// Of a struct without rows: nullptr.
template <class T>
inline constexpr std::nullptr_t carried = nullptr;

template <>
inline constexpr std::array carried<Attempt> = {
    Carried{"event", InContext::kept},
    Carried{"failures", InContext::kept},
    Carried{"first_attempt_at", InContext::kept},
    Carried{"last_failure", InContext::kept},
    Carried{"not_before", InContext::kept},
    Carried{"retry_timer", InContext::left_out, InRestored::anew},
    Carried{"recoveries", InContext::kept},
    Carried{"scope", InContext::kept},
    Carried{"release", InContext::kept},
    Carried{"joined", InContext::kept},
    Carried{"work_item", InContext::kept},
    Carried{"span", InContext::rewritten},
    Carried{"caused_by", InContext::left_out},
    Carried{"published", InContext::kept},
    Carried{"sent", InContext::kept},
    Carried{"edits", InContext::kept},
};

/// Restored as the first in its queue.
template <>
inline constexpr std::array carried<Running> = {
    Carried{"attempt", InContext::kept},
    Carried{"serial", InContext::left_out, InRestored::anew},
    Carried{"collected", InContext::rewritten, InRestored::anew},
    Carried{"deadline", InContext::left_out, InRestored::anew},
};

template <>
inline constexpr std::array carried<Waiter> = {
    Carried{"id", InContext::kept},       Carried{"serial", InContext::left_out, InRestored::anew},
    Carried{"type", InContext::kept},     Carried{"requirements", InContext::kept},
    Carried{"trigger", InContext::kept},  Carried{"deadline", InContext::kept},
    Carried{"resolved", InContext::kept}, Carried{"timed_out", InContext::kept},
};

template <>
inline constexpr std::array carried<StepState> = {
    Carried{"collected", InContext::kept},
    Carried{"queue", InContext::kept},
    Carried{"running", InContext::rewritten, InRestored::anew},
    Carried{"waiters", InContext::kept},
    Carried{"arrivals", InContext::rewritten},
    Carried{"recorded", InContext::kept},
};

template <>
inline constexpr std::array carried<Stream> = {
    Carried{"source", InContext::kept},   Carried{"scope", InContext::kept},    Carried{"open_work_items", InContext::kept},
    Carried{"arrivals", InContext::kept}, Carried{"released", InContext::kept},
};

template <>
inline constexpr std::array carried<Release> = {
    Carried{"target", InContext::kept},
    Carried{"stream", InContext::kept},
    Carried{"events", InContext::kept},
};

template <>
inline constexpr std::array carried<State> = {
    Carried{"started", InContext::rewritten},
    Carried{"queued", InContext::left_out, InRestored::anew},
    Carried{"held", InContext::left_out},
    Carried{"status", InContext::left_out},
    Carried{"steps", InContext::kept},
    Carried{"streams", InContext::kept},
    Carried{"deadline", InContext::left_out, InRestored::anew},
    Carried{"work_item_last", InContext::kept},
    Carried{"stream_last", InContext::rewritten},
    Carried{"serial_last", InContext::left_out},
    Carried{"span_last", InContext::rewritten},
    Carried{"limits", InContext::left_out, InRestored::anew},
};

template <class T>
concept Carries = !std::is_same_v<std::remove_cvref_t<decltype(carried<T>)>, std::nullptr_t>;

/// Calls `visit(row, member)` for each member, in order.
template <class T, class F>
requires Carries<std::remove_const_t<T>>
constexpr void for_each_carried(T& x, F&& visit) {
  constexpr const auto& rows = carried<std::remove_const_t<T>>;
  static_assert(rows.size() == reflect::count_members<std::remove_const_t<T>>(), "decide in carried.hpp what becomes of the new member");
  auto members = reflect::tie_members(x);
  [&]<std::size_t... I>(std::index_sequence<I...>) { (visit(rows[I], std::get<I>(members)), ...); }
  (std::make_index_sequence<rows.size()>{});
}

/// Resets what a run that begins with the state decides itself.
template <Carries T>
void renew(T& x) {
  const T fresh{};
  auto members = reflect::tie_members(x);
  auto defaults = reflect::tie_members(fresh);
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((carried<T>[I].restored == InRestored::anew ? void(std::get<I>(members) = std::get<I>(defaults)) : void()), ...);
  }
  (std::make_index_sequence<carried<T>.size()>{});
}

/// Times that lay ahead then lie as far ahead by so much later, and what was long ago is as long ago.
void move_times(State& state, Duration by);

}  // namespace weir::engine
