// How a supervisor comes to a run that is in the store alone, and how it leaves one that only waits.
#include "hibernation.hpp"
#include "recovery.hpp"
#include "subscription.hpp"
#include "supervisor.hpp"

#include "../engine/reduce.hpp"

#include <algorithm>

namespace weir::runtime {

void Supervisor::resume() {
  auto& store = *run_->environment.store;
  const auto name = "run " + row_.run_id + " of workflow '" + row_.workflow_name + "'";
  const auto log = [&](const std::string& what) {
    if (const auto& sink = run_->environment.options.log) sink(LogLevel::error, name + what);
  };
  try {
    const auto row = store.find_handler(row_.handler_id);
    if (!row || row->run_id != row_.run_id || row->terminal()) return was_over(row);
    auto recovered = recover(store, *row, *run_->workflow);
    if (!recovered) {
      log(" cannot go on: " + recovered.error().message);
      return was_over(give_up(store, *row, recovered.error().message));
    }
    run_->states.fill(store.find_states(row->handler_id));
    row_ = *row;
    state_ = std::move(recovered->state);
    tick_last_ = recovered->tick_last;
    event_next_ = recovered->event_next;
    journal_bytes_ = recovered->journal_bytes;
    snapshot_bytes_ = recovered->snapshot_bytes;
  } catch (const std::exception& error) {
    log(" could not be loaded: " + std::string(error.what()));
    return could_not_be_loaded(error.what());
  }
  states_committed_ = run_->states.writes();
  begun_ = true;
  if (run_->workflow->admission && !state_.queued) {  // it had its place before
    waits_or_is_admitted_ = true;
    run_->workflow->admission->enter(row_.run_id, [] {});
  }
  Batch batch;
  batch.commands = engine::pending(state_);
  commit(std::move(batch));
}

void Supervisor::was_over(const std::optional<HandlerRow>& row) {
  if (row && row->run_id == row_.run_id) row_ = *row;
  else row_.status = HandlerStatus::cancelled;  // purged, or run again
  state_.status = engine::Status::cancelled;
  asleep_ = false;
  finished();
}

/// The run stays as it is in the store; whoever asks next tries again.
void Supervisor::could_not_be_loaded(const std::string& why) {
  row_.error = "the run could not be loaded: " + why;
  state_.status = engine::Status::failed;
  finished();
}

void Supervisor::watch_rest() {
  const auto& timeout = run_->environment.options.idle_timeout;
  if (!durable_ || !timeout || !row_.idle_since || rest_timer_) return;
  constexpr Duration look_again = std::chrono::milliseconds(100);
  auto due = *row_.idle_since + *timeout;
  if (const auto present = now(); due < present) due = present + std::max(*timeout, look_again);
  rest_timer_ = run_->environment.timers.at(due, [actor = SupervisorActor(self_)] { compat::post(actor, Rested()); });
}

void Supervisor::rested() {
  rest_timer_.reset();
  if (asleep_ || row_.terminal()) return;
  if (may_sleep()) fall_asleep();
  else watch_rest();
}

/// Only a run that is durable as it stands, and that nobody waits for or reads. One whose time is near stays.
bool Supervisor::may_sleep() {
  const auto timeout = *run_->environment.options.idle_timeout;
  if (under_way_ || !begun_ || !awaiting_.empty() || !row_.idle_since || !engine::resting(state_)) return false;
  const auto present = now();
  if (*row_.idle_since + timeout > present || (row_.wake_at && *row_.wake_at <= present + timeout)) return false;
  forget_gone_readers();
  return readers_.empty();
}

void Supervisor::remember_reader(const std::shared_ptr<Subscription>& reader) {
  if (readers_.size() == readers_.capacity()) forget_gone_readers();
  readers_.push_back(reader);
}

void Supervisor::forget_gone_readers() {
  std::erase_if(readers_, [](const std::weak_ptr<Subscription>& known) {
    const auto reader = known.lock();
    return !reader || reader->cancelled();
  });
}

/// Who cannot find the run any more loads it from the store; who has found it before is passed on.
void Supervisor::fall_asleep() {
  asleep_ = true;
  run_->environment.registry->remove(row_.handler_id, row_.run_id);
  if (row_.wake_at) run_->environment.hibernation->wake_at(*row_.wake_at);
  compat::send(self_, SupervisorActor(self_), Retire());
}

bool Supervisor::passed_on(const std::function<void(const SupervisorActor&)>& post) {
  auto& environment = run_->environment;
  const auto give = [&](const Registry::Entry& entry) { post(entry.supervisor); };
  if (environment.hibernation->with(row_.handler_id, give)) return true;
  was_over(environment.store->find_handler(row_.handler_id));
  return false;
}

}  // namespace weir::runtime
