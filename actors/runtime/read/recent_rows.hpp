// The newest events of a run, kept for readers that are not far behind: they need not be read back from the store.
#pragma once

#include "actors/runtime/messages/stream_batch.hpp"

#include <cstddef>
#include <deque>

namespace weir::runtime {

class RecentRows {
public:
  /// Rows and bytes that are kept. Where the store has all rows in memory anyway, bytes are not counted.
  static constexpr std::size_t rows_max = 1024;
  static constexpr std::size_t bytes_max = 256 * 1024;

  explicit RecentRows(bool counts_bytes) : counts_bytes_(counts_bytes) {}

  /// What has become visible, in order.
  void add(const std::vector<EventRow>& rows);
  /// Something has become visible that is not known here.
  void forget();
  /// Everything behind the cursor is here, if there is anything.
  bool covers(std::int64_t cursor) const noexcept;
  /// As next_batch() gives it. Only where covers().
  StreamBatch after(std::int64_t& cursor, bool include_internal, bool run_over) const;

private:
  const bool counts_bytes_;
  std::deque<EventRow> rows_;  ///< without a gap
  std::size_t bytes_ = 0;
};

}  // namespace weir::runtime
