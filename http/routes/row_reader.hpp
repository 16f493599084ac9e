// Rows read from the store in batches that stay small in memory, however large a row is.
#pragma once

#include "http/answers/budget.hpp"

#include <weir/store.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>
#include <utility>

namespace weir::http {

/// How many rows to read next: few at first, more while they are small.
class Stride {
public:
  std::size_t rows() const noexcept { return rows_; }
  void saw(std::size_t rows, std::size_t bytes) noexcept {
    if (rows == 0) return;
    const auto that_fit = budget::row_bytes_at_once / (bytes / rows + 1);
    rows_ = std::clamp<std::size_t>(that_fit, 1, std::min(rows_ * 4, budget::rows_at_once_max));
  }

private:
  std::size_t rows_ = budget::rows_at_first;
};

/// What a search may still cost. The time is that at work, not that of a client that reads slowly.
class SearchBudget {
public:
  explicit SearchBudget(std::stop_token gone) : gone_(std::move(gone)) {}

  /// Whenever the work begins anew.
  void resume() { since_ = std::chrono::steady_clock::now(); }
  void pause() { left_ -= std::chrono::steady_clock::now() - since_; }
  /// Counts rows; false when that was the last that may be looked at.
  bool spend(std::size_t rows) {
    rows_ += rows;
    return rows_ < budget::rows_walked_max && !gone_.stop_requested() && std::chrono::steady_clock::now() - since_ < left_;
  }
  const std::stop_token& gone() const noexcept { return gone_; }
  /// For one read of the store.
  Cancellation cancellation() const { return {gone_, later(since_, left_)}; }

private:
  std::stop_token gone_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::duration left_ = budget::search_time_max;
  std::size_t rows_ = 0;
};

/// A run's events from behind `after` up to `last`, a batch at a time.
class EventReader {
public:
  EventReader(const Store& store, std::string run_id, std::int64_t after, std::int64_t last)
      : store_(store), run_id_(std::move(run_id)), after_(after), last_(last) {}

  bool done() const noexcept { return after_ >= last_; }
  /// The sequence of the last event that was read.
  std::int64_t position() const noexcept { return after_; }
  void skip_to(std::int64_t after) noexcept { after_ = std::max(after_, after); }

  std::vector<EventRow> next() {
    auto rows = store_.read_events(run_id_, after_, stride_.rows());
    std::size_t bytes = 0;
    for (const auto& row : rows) bytes += row.payload->json().size();
    stride_.saw(rows.size(), bytes);
    after_ = rows.empty() ? last_ : rows.back().sequence;
    std::erase_if(rows, [this](const EventRow& row) { return row.sequence > last_; });
    return rows;
  }

private:
  const Store& store_;
  std::string run_id_;
  std::int64_t after_, last_;
  Stride stride_;
};

}  // namespace weir::http
