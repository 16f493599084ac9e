// One reader of one run's events. Created by the reader, fed by the run's event-log actor.
#pragma once

#include "messages.hpp"
#include "stream_batch.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace weir::runtime {

/// Thread-safe. One batch is outstanding at a time: the next comes after `request_next`, so a slow reader costs a
/// cursor and no memory.
class Subscription : public std::enable_shared_from_this<Subscription> {
public:
  /// Called on an actor thread; must not block.
  using Sink = std::function<void(StreamBatch)>;

  Subscription(std::string run_id, std::int64_t after, bool include_internal, Sink sink)
      : run_id_(std::move(run_id)), cursor_(after), include_internal_(include_internal), sink_(std::move(sink)) {}

  void request_next();
  /// By whoever feeds it: nothing follows, though the run may not be over.
  void end() {
    if (!cancelled_) sink_({{}, true});
  }
  /// No batch is delivered after this returns, except one that is being delivered right now.
  void cancel() { cancelled_ = true; }
  bool cancelled() const noexcept { return cancelled_; }

private:
  friend class EventLog;

  const std::string run_id_;
  std::int64_t cursor_;  ///< touched by the log actor only
  const bool include_internal_;
  Sink sink_;
  std::atomic<bool> cancelled_ = false;
  std::mutex mutex_;
  EventLogActor log_;  ///< guarded by mutex_
};

}  // namespace weir::runtime
