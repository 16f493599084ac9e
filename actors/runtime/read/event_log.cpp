#include "event_log.hpp"

#include "actors/runtime/clock/exceptions.hpp"

#include <algorithm>

namespace weir::runtime {
namespace {

ReadFromStore read(const Store& store, const std::shared_ptr<Subscription>& subscription, const std::string& run_id, std::int64_t cursor,
                   bool include_internal, bool run_over) {
  ReadFromStore out{.subscription = subscription, .batch = {}, .cursor = cursor};
  try {
    out.batch = next_batch(store, run_id, out.cursor, include_internal, run_over);
  } catch (const StoreFailure&) { out.failed = true; } catch (...) {
    out.thrown = std::current_exception();
  }
  return out;
}

}  // namespace

void Subscription::request_next() {
  const std::lock_guard lock(mutex_);
  if (log_) compat::post(log_, Continue{shared_from_this()});
}

EventLog::EventLog(EventLogActor::base* self, Environment& environment, bool run_over)
    : self_(self), environment_(environment), run_over_(run_over), recent_(environment.store->durable()) {}

EventLog::~EventLog() {
  for (auto& reader : readers_) {
    if (!reader.subscription->cancelled()) end(*reader.subscription);
    const std::lock_guard lock(reader.subscription->mutex_);
    reader.subscription->log_ = nullptr;
  }
}

EventLogActor::behavior_type EventLog::make_behavior() {
  return {
      compat::on(self_, [this](Subscribe& m) { add(std::move(m.subscription)); }),
      compat::on(self_, [this](const Continue& m) { resume(*m.subscription); }),
      compat::on(self_, [this](const Appended& m) { appended(m.rows); }),
      compat::on(self_,
                 [this](const RunOver& m) {
                   run_over_ = true;
                   appended(m.rows);
                 }),
      compat::on(self_, [this](ReadFromStore& m) { store_was_read(m); }),
      compat::on(self_,
                 [this](LookAgain) {
                   looking_again_ = false;
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

std::vector<EventLog::Reader>::iterator EventLog::find(const Subscription& subscription) {
  return std::find_if(readers_.begin(), readers_.end(), [&](const Reader& reader) { return reader.subscription.get() == &subscription; });
}

void EventLog::resume(const Subscription& subscription) {
  const auto found = find(subscription);
  if (found == readers_.end()) return;
  found->ready = true;
  if (!feed(*found)) readers_.erase(found);
  leave_if_done();
}

void EventLog::appended(const SharedRows& rows) {
  if (rows) recent_.add(*rows);
  else recent_.forget();
  feed_all();
}

void EventLog::feed_all() {
  std::erase_if(readers_, [this](Reader& reader) { return !feed(reader); });
  leave_if_done();
}

bool EventLog::feed(Reader& reader) {
  return guarded(reader, [&] { return give_next(reader); });
}

template <class F>
bool EventLog::guarded(Reader& reader, F&& give) {
  try {
    return give();
  } catch (...) {
    if (const auto& log = environment_.options.log)
      log(LogLevel::error,
          "events of run " + reader.subscription->run_id_ + " could not be shown: " + describe_current_exception().exception_message);
  }
  end(*reader.subscription);
  return false;
}

void EventLog::end(Subscription& subscription) {
  try {
    subscription.sink_({{}, true});
  } catch (...) {}  // nobody is left to be told
}

bool EventLog::give_next(Reader& reader) {
  auto& subscription = *reader.subscription;
  if (subscription.cancelled()) return false;
  reader.stale = true;
  if (!reader.ready || reader.reading) return true;
  if (recent_.covers(subscription.cursor_))
    return deliver(reader, recent_.after(subscription.cursor_, subscription.include_internal_, run_over_));
  if (environment_.store->durable()) {
    read_store(reader);
    return true;
  }
  auto done =
      read(*environment_.store, reader.subscription, subscription.run_id_, subscription.cursor_, subscription.include_internal_, run_over_);
  if (done.thrown) std::rethrow_exception(done.thrown);
  subscription.cursor_ = done.cursor;
  return deliver(reader, std::move(done.batch));
}

void EventLog::read_store(Reader& reader) {
  reader.reading = true;
  reader.stale = false;
  const auto& subscription = reader.subscription;
  environment_.store_jobs.submit(
      [self = EventLogActor(self_), store = environment_.store, subscription, run_id = subscription->run_id_,
       cursor = subscription->cursor_, include_internal = subscription->include_internal_,
       run_over = run_over_] { compat::post(self, read(*store, subscription, run_id, cursor, include_internal, run_over)); });
}

void EventLog::store_was_read(ReadFromStore& read) {
  const auto found = find(*read.subscription);
  if (found == readers_.end()) return;
  found->reading = false;
  if (read.failed) return look_again();
  found->subscription->cursor_ = read.cursor;
  const bool goes_on = guarded(*found, [&] {
    if (read.thrown) std::rethrow_exception(read.thrown);
    const bool nothing = read.batch.rows.empty() && !read.batch.end;
    return nothing && found->stale ? give_next(*found) : deliver(*found, std::move(read.batch));
  });
  if (!goes_on) readers_.erase(found);
  leave_if_done();
}

bool EventLog::deliver(Reader& reader, StreamBatch batch) {
  if (reader.subscription->cancelled()) return false;
  if (batch.rows.empty() && !batch.end) return true;
  const bool end = batch.end;
  reader.ready = false;
  reader.subscription->sink_(std::move(batch));
  return !end;
}

/// The store does not answer: readers wait where they are.
void EventLog::look_again() {
  constexpr Duration pause = std::chrono::milliseconds(500);
  if (std::exchange(looking_again_, true)) return;
  environment_.timers.after(pause, [self = EventLogActor(self_)] { compat::post(self, LookAgain()); });
}

void EventLog::leave_if_done() {
  if (readers_.empty() && run_over_) self_->quit();
}

}  // namespace weir::runtime
