// The engine: one pure function. No clock, no randomness, no threads, no user code.
#pragma once

#include "command.hpp"

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

/// What a step that has run for too long fails with.
ExceptionInfo step_timeout_error(const StepPlan& step);

}  // namespace weir::engine
