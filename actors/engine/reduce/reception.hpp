// What becomes of an event from outside, asked before it is taken in: so that it can be refused, and nothing has happened.
#pragma once

#include "actors/engine/model/tick.hpp"

#include <optional>
#include <string>

namespace weir::engine {

enum class Reception {
  taken,      ///< a step or a wait takes it
  kept,       ///< a mailbox does
  early,      ///< the run queues: a wait may begin that takes it
  full,       ///< it would be kept, and there is no room
  unhandled,  ///< nothing takes it
};

/// What reduce() will do with it.
Reception reception(const Plan& plan, const State& state, const Sent& sent);

/// Whether the event is what the waiter of that step waits for.
bool answers(const Plan& plan, StepIndex step, const Waiter& waiter, const EventBox& event);
/// Its body is on its way to the wait once more, and will say what it requires: a context did not. Nothing answers it before.
bool is_begun_again(const StepState& step, const Waiter& waiter);
/// How many more events of the type its mailbox keeps; nothing when there is none.
std::optional<std::size_t> room_in_mailbox(const State& state, const EventType& type);

/// Why an event is refused that has to be taken: what the run waits for instead.
std::string not_taken(const Plan& plan, const State& state, const EventType& type);
/// Why an event is refused that found no room.
std::string no_room(const State& state, const EventType& type);

}  // namespace weir::engine
