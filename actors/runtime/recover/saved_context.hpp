// The engine's saved contexts, for those that never look at the engine.
#pragma once

#include "actors/engine/text/saved_context.hpp"

#include <cstdint>

namespace weir::runtime {

using engine::SavedContext;

/// A run's past, to go on from.
struct Rewound {
  SavedContext context;
  std::int64_t after = -1;  ///< the sequence that was asked for, or that of the event to which the past had to reach
};

}  // namespace weir::runtime
