// What holds of every state between two ticks.
#pragma once

#include "actors/engine/model/state.hpp"

#include <optional>
#include <string>

namespace weir::engine {

/// A sentence about the first that is broken; nothing when all hold. Looks at everything: for tests.
std::optional<std::string> broken_invariant(const Plan& plan, const State& state);

}  // namespace weir::engine
