// How far a body has got with its edits of the state: what it does again when it is repeated must not be done twice.
#pragma once

#include "actors/engine/model/tick.hpp"

#include <map>
#include <optional>

namespace weir::engine {

/// Of each store the longer account: a body only ever does more.
void add_edits(Edits& edits, const Edits& more);

/// What the states that are about to be stored hold of each invocation's edits, by serial, where the run's state does not
/// know of it yet; nothing when it knows all.
std::vector<std::pair<InvocationId, Edits>> unknown_edits(const State& state, const std::map<std::uint64_t, Edits>& in_stores);

/// The state knows them from now on.
void note_edits(State& state, const std::vector<std::pair<InvocationId, Edits>>& edits);

}  // namespace weir::engine
