// The engine: one pure function. No clock, no randomness, no threads, no user code.
#pragma once

#include "actors/engine/model/command.hpp"

#include <optional>
#include <vector>

namespace weir::engine {

struct Outcome {
  State state;
  std::vector<Command> commands;  ///< in the order they take effect
};

State initial_state(const Plan& plan);

/// Applies one tick and everything that follows from it. Ticks after the end of the run change nothing.
Outcome reduce(const Plan& plan, State state, const Stamped& stamped);

/// The commands a state implies: work in progress, waits and deadlines. Resuming a run executes these and no others.
std::vector<Command> pending(const State& state);

/// Nothing runs, and nothing will until an event comes or a time does: such a run need not be in memory.
bool only_waits(const State& state);
/// The earliest of the times a state waits for: retries, waits, the run's own timeout. Steps in progress have theirs too.
std::optional<Time> next_due(const State& state);

/// An event that would take a run on, and the step that takes it.
struct Awaited {
  const EventType* type;
  StepIndex step;
  Object requirements = {};  ///< fields that it must have, with these values
};
/// What such a run waits for: the events that bodies await; of a run that has nothing else to do also those that people
/// answer with, or, when there are none, any that a step would take from outside.
std::vector<Awaited> awaited(const Plan& plan, const State& state);
/// Of a run that is idle: no event and no time can move it.
bool stuck(const Plan& plan, const State& state);

/// What a step that has run for too long fails with.
ExceptionInfo step_timeout_error(const StepPlan& step, const StepLimits& limits);

}  // namespace weir::engine
