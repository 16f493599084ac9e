#include "stream_batch.hpp"

#include <algorithm>
#include <iterator>

namespace weir::runtime {
namespace {

constexpr std::size_t batch_rows_max = 512;
constexpr std::size_t batch_bytes_max = 256 * 1024;
constexpr std::size_t rows_at_first = 16;

/// About what it takes in memory.
std::size_t row_bytes(const EventRow& row) { return 1 + row.payload->json().size(); }

/// Few rows at first, then as many as fit if they are like those: a batch has bounds whatever the size of its rows.
std::vector<EventRow> read_some(const Store& store, const std::string& run_id, std::int64_t after) {
  if (!store.durable()) return store.read_events(run_id, after, batch_rows_max);  // they share what is in memory already
  auto out = store.read_events(run_id, after, rows_at_first);
  std::size_t bytes = 0, counted = 0;
  for (auto wanted = rows_at_first; out.size() == wanted && wanted < batch_rows_max && bytes < batch_bytes_max;) {
    for (; counted < out.size(); ++counted) bytes += row_bytes(out[counted]);
    const auto fitting = (batch_bytes_max - std::min(bytes, batch_bytes_max)) / (bytes / counted);
    const auto more = std::min({fitting, batch_rows_max - wanted, 8 * wanted});
    if (more == 0) break;
    auto rows = store.read_events(run_id, out.back().sequence, more);
    wanted += more;
    out.reserve(out.size() + rows.size());
    std::move(rows.begin(), rows.end(), std::back_inserter(out));
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
