// What readers of a run's events are given.
#pragma once

#include <weir/store.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace weir::runtime {

/// Events in order. After a batch with `end` nothing follows.
struct StreamBatch {
  std::vector<EventRow> rows;
  bool end = false;
};

/// The events after `cursor`, which moves on; empty without `end` when there is nothing yet. `run_over`: nothing will be
/// added to what the store has.
StreamBatch next_batch(const Store& store, const std::string& run_id, std::int64_t& cursor, bool include_internal, bool run_over);

}  // namespace weir::runtime
