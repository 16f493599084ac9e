// The engine's saved contexts, for those that never look at the engine.
#pragma once

#include "../engine/saved_context.hpp"

namespace weir::runtime {

using engine::SavedContext;

}  // namespace weir::runtime
