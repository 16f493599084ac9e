// A run's past, for a new run to begin with.
#pragma once

#include "actors/runtime/declare/catalog.hpp"
#include "saved_context.hpp"

#include <weir/store.hpp>

#include <cstdint>

namespace weir::runtime {

/// What the run was and kept after the event of that sequence, as if it had been now: what it waited for then is awaited for as long as was
/// left. What it kept may have changed once more before its next event; then the past is that after the change. A pipelined run's steps may
/// have gone ahead of the disk, and what they kept then has that event and some more behind it: the past is that after the last of those.
/// Only a durable store has what this needs, and of a long run only since its last snapshot. The error says why there is nothing to go on
/// from.
Expected<Rewound> rewind(const Store& store, const HandlerRow& row, const RegisteredWorkflow& workflow, std::int64_t sequence, Time now);

}  // namespace weir::runtime
