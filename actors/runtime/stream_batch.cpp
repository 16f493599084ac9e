#include "stream_batch.hpp"

#include <algorithm>

namespace weir::runtime {
namespace {

constexpr std::size_t batch_rows_max = 2048;

}  // namespace

StreamBatch next_batch(const Store& store, const std::string& run_id, std::int64_t& cursor, bool include_internal, bool run_over) {
  StreamBatch batch;
  while (batch.rows.empty() && !batch.end) {
    batch.rows = store.read_events(run_id, cursor, batch_rows_max);
    if (batch.rows.empty() && !run_over) return batch;
    batch.end = batch.rows.empty() || batch.rows.back().terminal;
    if (!batch.rows.empty()) cursor = batch.rows.back().sequence;
    if (!include_internal) std::erase_if(batch.rows, [](const EventRow& row) { return row.internal; });
  }
  return batch;
}

}  // namespace weir::runtime
