// How a supervisor comes to a run that is in the store alone, and how it leaves one that only waits.
#include "actors/runtime/clock/exceptions.hpp"
#include "actors/runtime/messages/subscription.hpp"
#include "actors/runtime/recover/recovery.hpp"
#include "hibernation.hpp"
#include "resumption.hpp"
#include "supervisor.hpp"

#include "actors/engine/reduce/reduce.hpp"

#include <algorithm>

namespace weir::runtime {
namespace {

Error not_loaded(const std::string& why) {
  return {Code::unavailable, "the run could not be loaded (" + why + "); nothing was done: try again"};
}

}  // namespace

void Supervisor::resume(ResumeRun&) {
  auto& store = *run_->environment.store;
  try {
    const auto stored = store.find_handler(row().handler_id);
    if (!stored || stored->run_id != row().run_id || stored->terminal()) return was_over(stored);
    auto recovered = recover(store, *stored, *run_->workflow);
    if (!recovered) {
      log(LogLevel::error, " cannot go on: " + recovered.error().message);
      const auto ended = give_up(store, *stored, recovered.error().message);
      if (!ended) throw StoreFailure(ended.error().code, ended.error().message);
      return was_over(*ended);
    }
    run_->states.fill(store.find_states(stored->handler_id));
    if (run_->workflow->admission && !recovered->state.queued) {  // it had its place before
      waits_or_is_admitted_ = true;
      run_->workflow->admission->enter(row().run_id, [] {});
    }
    commits_.load(*stored, std::move(*recovered));
  } catch (const StoreFailure& error) {
    could_not_be_loaded(error.what());
    run_->environment.hibernation->try_again(row().handler_id);
  } catch (...) { could_not_be_loaded(describe_current_exception().exception_message); }
  if (commits_.on_trial()) timers_.look_at_trial(trial_time, SupervisorActor(self_));
}

void Supervisor::lived_on(LivedOn&) { commits_.lived_on(); }

void Supervisor::settled() { run_->environment.resumption->settled(row().run_id); }

void Supervisor::was_over(const std::optional<HandlerRow>& stored) {
  auto ended = row();
  if (stored && stored->run_id == ended.run_id) ended = *stored;
  else ended.status = HandlerStatus::cancelled;  // purged, or run again
  commits_.close(ended);
  asleep_ = false;
  leave();
}

void Supervisor::could_not_be_loaded(const std::string& why) {
  log(LogLevel::error, " could not be loaded: " + why);
  gone_ = not_loaded(why);
  commits_.close(row());
  leave();
}

void Supervisor::watch_rest() {
  const auto& timeout = run_->environment.options.idle_timeout;
  if (!commits_.durable() || !timeout || !row().idle_since || timers_.rest_watched()) return;
  constexpr Duration look_again = std::chrono::milliseconds(100);
  if (idle_seen_ != row().idle_since) {
    idle_seen_ = row().idle_since;
    rests_since_ = later(std::chrono::steady_clock::now(), -since(*idle_seen_));
  }
  const auto left = *timeout - rested_for();
  timers_.look_at_rest(left > Duration::zero() ? left : std::max(*timeout, look_again), SupervisorActor(self_));
}

Duration Supervisor::rested_for() const { return std::chrono::floor<Duration>(std::chrono::steady_clock::now() - rests_since_); }

void Supervisor::rested(Rested&) {
  timers_.rest_looked_at();
  if (asleep_ || row().terminal()) return;
  if (may_sleep()) fall_asleep();
  else watch_rest();
}

/// Only a run that is durable as it stands, and that nobody waits for or reads. One whose time is near stays.
bool Supervisor::may_sleep() {
  const auto timeout = *run_->environment.options.idle_timeout;
  if (commits_.commit_state() != CommitState::idle || !commits_.begun() || !awaiting_.empty()) return false;
  if (!row().idle_since || !engine::resting(commits_.state())) return false;
  if (row().idle_since != idle_seen_ || rested_for() < timeout) return false;
  if (row().wake_at && *row().wake_at <= later(now(), timeout)) return false;
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
  settled();
  commits_.left();
  run_->environment.registry->remove(row().handler_id, row().run_id);
  if (row().wake_at) run_->environment.hibernation->wake_at(*row().wake_at);
  compat::send(self_, SupervisorActor(self_), Retire());
}

bool Supervisor::passed_on(const std::function<void(const SupervisorActor&)>& post) {
  auto& environment = run_->environment;
  const auto give = [&](const Registry::Entry& entry) { post(entry.supervisor); };
  try {
    if (environment.hibernation->with(row().handler_id, give)) return true;
    was_over(environment.store->find_handler(row().handler_id));
  } catch (const StoreFailure& error) { gone_ = not_loaded(error.what()); }
  return false;
}

}  // namespace weir::runtime
