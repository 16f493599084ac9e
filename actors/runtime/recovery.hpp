// Runs that a process left behind when it died: what their journals say, and whether they can go on.
#pragma once

#include "catalog.hpp"

#include "../engine/state.hpp"

#include <weir/store.hpp>

#include <cstdint>

namespace weir::runtime {

struct RecoveredRun {
  engine::State state;
  engine::Sequence tick_last = 0;
  std::int64_t event_next = 0;
};

/// Replays the run's journal. The error says why the run cannot go on.
Expected<RecoveredRun> recover(const Store& store, const HandlerRow& row, const RegisteredWorkflow& workflow);

/// Ends a run that cannot go on, with a terminal event like any other.
void give_up(Store& store, HandlerRow row, const std::string& why);

}  // namespace weir::runtime
