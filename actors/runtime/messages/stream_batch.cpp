#include "stream_batch.hpp"

#include <algorithm>
#include <iterator>

namespace weir::runtime {
namespace {

constexpr std::size_t batch_rows_max = 512;
constexpr std::size_t batch_bytes_max = 256 * 1024;
constexpr std::size_t rows_at_first = 16;

/// Few rows at first, more while they are small: a batch has bounds whatever the size of its rows.
std::vector<EventRow> read_some(const Store& store, const std::string& run_id, std::int64_t after) {
  std::vector<EventRow> out;
  std::size_t bytes = 0;
  for (auto limit = rows_at_first; out.size() < batch_rows_max && bytes < batch_bytes_max; limit *= 4) {
    auto rows = store.read_events(run_id, out.empty() ? after : out.back().sequence, std::min(limit, batch_rows_max - out.size()));
    const bool all = rows.size() < limit;
    if (!all)
      for (const auto& row : rows) bytes += row.payload->json().size();
    std::move(rows.begin(), rows.end(), std::back_inserter(out));
    if (all) break;
  }
  return out;
}

}  // namespace

StreamBatch next_batch(const Store& store, const std::string& run_id, std::int64_t& cursor, bool include_internal, bool run_over) {
  StreamBatch batch;
  while (batch.rows.empty() && !batch.end) {
    batch.rows = read_some(store, run_id, cursor);
    if (batch.rows.empty() && !run_over) return batch;
    batch.end = batch.rows.empty() || batch.rows.back().terminal;
    if (!batch.rows.empty()) cursor = batch.rows.back().sequence;
    if (!include_internal) std::erase_if(batch.rows, [](const EventRow& row) { return row.internal; });
  }
  return batch;
}

}  // namespace weir::runtime
