// Runs that a process left behind when it died: what their journals say, and whether they can go on.
#pragma once

#include "actors/runtime/declare/catalog.hpp"

#include "actors/engine/reduce/reduce.hpp"

#include <weir/store.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace weir::runtime {

/// What a journal says, up to one of its ticks.
struct Replay {
  engine::State state;
  engine::Sequence tick_last = 0;
  Time at = {};                    ///< of that tick
  std::int64_t published = 0;      ///< events, by the ticks after the snapshot
  std::size_t snapshot_bytes = 0;  ///< of the snapshot
  std::size_t journal_bytes = 0;   ///< of the ticks after it
};

/// Events that a tick published.
std::int64_t published_by(const engine::Outcome& outcome);

/// Replays the journal to its end, or until `enough` says so. The error says why it cannot be.
Expected<Replay> replay(const Journal& journal, const HandlerRow& row, const RegisteredWorkflow& workflow,
                        const std::function<bool(const Replay&)>& enough = nullptr);

struct RecoveredRun : Replay {
  std::int64_t event_next = 0;
};

/// Replays the run's journal. The error says why the run cannot go on.
Expected<RecoveredRun> recover(const Store& store, const HandlerRow& row, const RegisteredWorkflow& workflow);

/// Ends a run that is in no memory and cannot go on, with a terminal event like any other. Returns the handler as it then is, or why
/// that could not be stored.
Expected<HandlerRow> give_up(Store& store, HandlerRow row, const std::string& why);
/// The same for a run that is no longer wanted.
Expected<HandlerRow> give_up_cancelled(Store& store, HandlerRow row);

}  // namespace weir::runtime
