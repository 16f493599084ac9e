#include "event_log.hpp"

#include <algorithm>

namespace weir::runtime {

void Subscription::request_next() {
  const std::lock_guard lock(mutex_);
  if (log_) compat::post(log_, Continue{shared_from_this()});
}

EventLog::EventLog(EventLogActor::base* self, Environment& environment, bool run_over)
    : self_(self), environment_(environment), run_over_(run_over) {}

EventLog::~EventLog() {
  for (auto& reader : readers_) {
    if (!reader.subscription->cancelled()) reader.subscription->sink_({{}, true});
    const std::lock_guard lock(reader.subscription->mutex_);
    reader.subscription->log_ = nullptr;
  }
}

EventLogActor::behavior_type EventLog::make_behavior() {
  return {
      compat::on(self_, [this](Subscribe& m) { add(std::move(m.subscription)); }),
      compat::on(self_, [this](const Continue& m) { resume(*m.subscription); }),
      compat::on(self_, [this](Appended) { feed_all(); }),
      compat::on(self_,
                 [this](RunOver) {
                   run_over_ = true;
                   feed_all();
                 }),
  };
}

void EventLog::add(std::shared_ptr<Subscription> subscription) {
  {
    const std::lock_guard lock(subscription->mutex_);
    subscription->log_ = self_;
  }
  readers_.push_back({std::move(subscription)});
  if (!feed(readers_.back())) readers_.pop_back();
  leave_if_done();
}

void EventLog::resume(const Subscription& subscription) {
  const auto found = std::find_if(readers_.begin(), readers_.end(), [&](const Reader& r) { return r.subscription.get() == &subscription; });
  if (found == readers_.end()) return;
  found->ready = true;
  if (!feed(*found)) readers_.erase(found);
  leave_if_done();
}

void EventLog::feed_all() {
  looking_again_ = false;
  std::erase_if(readers_, [this](Reader& reader) { return !feed(reader); });
  leave_if_done();
}

bool EventLog::feed(Reader& reader) {
  auto& subscription = *reader.subscription;
  if (subscription.cancelled()) return false;
  if (!reader.ready) return true;
  StreamBatch batch;
  try {
    batch = next_batch(*environment_.store, subscription.run_id_, subscription.cursor_, subscription.include_internal_, run_over_);
  } catch (const StoreFailure&) {
    look_again();
    return true;
  }
  if (batch.rows.empty() && !batch.end) return true;
  const bool end = batch.end;
  reader.ready = false;
  subscription.sink_(std::move(batch));
  return !end;
}

/// The store does not answer: readers wait where they are.
void EventLog::look_again() {
  constexpr Duration pause = std::chrono::milliseconds(500);
  if (std::exchange(looking_again_, true)) return;
  environment_.timers.after(pause, [self = EventLogActor(self_)] { compat::post(self, Appended()); });
}

void EventLog::leave_if_done() {
  if (readers_.empty() && run_over_) self_->quit();
}

}  // namespace weir::runtime
