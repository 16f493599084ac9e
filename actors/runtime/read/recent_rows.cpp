#include "recent_rows.hpp"

#include <algorithm>

namespace weir::runtime {
namespace {

std::size_t size_of(const EventRow& row) { return row.payload->json().size(); }

}  // namespace

void RecentRows::add(const std::vector<EventRow>& rows) {
  if (rows.empty()) return;
  if (!rows_.empty() && rows_.back().sequence + 1 != rows.front().sequence) forget();
  for (const auto& row : rows) {
    rows_.push_back(row);
    if (counts_bytes_) bytes_ += size_of(row);
  }
  while (rows_.size() > 1 && (rows_.size() > rows_max || bytes_ > bytes_max)) {
    if (counts_bytes_) bytes_ -= size_of(rows_.front());
    rows_.pop_front();
  }
}

void RecentRows::forget() {
  rows_.clear();
  bytes_ = 0;
}

bool RecentRows::covers(std::int64_t cursor) const noexcept { return !rows_.empty() && rows_.front().sequence <= cursor + 1; }

StreamBatch RecentRows::after(std::int64_t& cursor, bool include_internal, bool run_over) const {
  StreamBatch out;
  const auto behind = [](std::int64_t at, const EventRow& row) { return at < row.sequence; };
  for (auto row = std::upper_bound(rows_.begin(), rows_.end(), cursor, behind); row != rows_.end(); ++row) {
    cursor = row->sequence;
    out.end = row->terminal;
    if (include_internal || !row->internal) out.rows.push_back(*row);
  }
  if (run_over && cursor >= rows_.back().sequence) out.end = true;
  return out;
}

}  // namespace weir::runtime
