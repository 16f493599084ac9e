// How a supervisor comes to a run that is in the store alone, and how it leaves one that only waits.
#include "actors/runtime/clock/exceptions.hpp"
#include "actors/runtime/messages/subscription.hpp"
#include "actors/runtime/recover/loading.hpp"
#include "hibernation.hpp"
#include "resumption.hpp"
#include "supervisor.hpp"

#include "actors/engine/reduce/reduce.hpp"

#include <algorithm>
#include <iterator>

namespace weir::runtime {
namespace {

Error not_loaded(const std::string& why) {
  return {Code::unavailable, "the run could not be loaded (" + why + "); nothing was done: try again"};
}

}  // namespace

/// Requests wait until the run is there.
void Supervisor::resume(ResumeRun&) {
  loading_ = true;
  run_->environment.store_jobs.submit([run = run_, self = SupervisorActor(self_)] {
    compat::post(self, RunLoaded{std::make_shared<LoadedRun>(load(*run->environment.store, run->row, *run->workflow))});
  });
}

void Supervisor::loaded(RunLoaded& message) {
  loading_ = false;
  guarded([&] { begin_with(*message.loaded); });
  for (const auto& handle : std::exchange(kept_, {})) guarded(handle);
}

void Supervisor::begin_with(LoadedRun& loaded) {
  if (loaded.not_known) {
    could_not_be_loaded(loaded.not_known->message);
    if (loaded.not_known->code == Code::unavailable) run_->environment.hibernation.try_again(row().handler_id);
    return;
  }
  if (!loaded.cannot_go_on.empty()) log(LogLevel::error, " cannot go on: " + loaded.cannot_go_on);
  if (!loaded.recovered) return was_over(loaded.row);
  run_->states.fill(loaded.states);
  if (run_->workflow->admission && !loaded.recovered->state.queued) {  // it had its place before
    waits_or_is_admitted_ = true;
    run_->workflow->admission->enter(row().run_id, [] {});
  }
  commits_.load(*loaded.row, std::move(*loaded.recovered));
  if (commits_.on_trial()) timers_.look_at_trial(trial_time, SupervisorActor(self_));
}

void Supervisor::trial_passed(TrialPassed&) { commits_.trial_passed(); }

void Supervisor::settled() { run_->environment.resumption.settled(row().run_id); }

void Supervisor::was_over(const std::optional<HandlerRow>& stored) {
  auto ended = row();
  if (stored && stored->run_id == ended.run_id) ended = *stored;
  else ended.status = HandlerStatus::cancelled;  // purged, or run again
  commits_.close(ended);
  hibernated_ = false;
  leave();
}

void Supervisor::could_not_be_loaded(const std::string& why) {
  log(LogLevel::error, " could not be loaded: " + why);
  gone_ = not_loaded(why);
  commits_.close(row());
  leave();
}

void Supervisor::watch_idleness() {
  const auto& timeout = run_->environment.options.idle_timeout;
  if (!commits_.durable() || !timeout || !row().idle_since || timers_.idleness_watched()) return;
  constexpr Duration look_again = std::chrono::milliseconds(100);
  if (idle_seen_ != row().idle_since) {
    idle_seen_ = row().idle_since;
    idle_since_ = later(std::chrono::steady_clock::now(), -since(*idle_seen_));
  }
  const auto left = *timeout - idle_for();
  timers_.look_at_idleness(left > Duration::zero() ? left : std::max(*timeout, look_again), SupervisorActor(self_));
}

Duration Supervisor::idle_for() const { return std::chrono::floor<Duration>(std::chrono::steady_clock::now() - idle_since_); }

void Supervisor::hibernation_due(HibernationDue&) {
  timers_.idleness_looked_at();
  if (hibernated_ || row().terminal()) return;
  if (may_hibernate()) hibernate();
  else watch_idleness();
}

/// Only a run that is durable as it stands, and that nobody waits for or reads. One whose time is near stays.
bool Supervisor::may_hibernate() {
  const auto timeout = *run_->environment.options.idle_timeout;
  if (commits_.commit_state() != CommitState::idle || !commits_.begun() || !awaiting_.empty()) return false;
  if (!row().idle_since || !engine::only_waits(commits_.state())) return false;
  if (row().idle_since != idle_seen_ || idle_for() < timeout) return false;
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
void Supervisor::hibernate() {
  hibernated_ = true;
  settled();
  commits_.left();
  run_->environment.registry.remove(row().handler_id, row().run_id);
  if (row().wake_at) run_->environment.hibernation.wake_at(*row().wake_at);
  compat::send(self_, SupervisorActor(self_), Retire());
}

void Supervisor::pass_on(PassedRequest request) {
  to_pass_on_.push_back(std::move(request));
  pass_on_next();
}

/// One after another, so that they stay in order.
void Supervisor::pass_on_next() {
  if (passing_ || to_pass_on_.empty()) return;
  passing_ = true;
  Passing::begin(std::make_shared<Passing>(run_, SupervisorActor(self_), std::exchange(to_pass_on_, {})));
}

void Supervisor::passed_on(PassedOn& message) {
  passing_ = false;
  auto left = message.passing->take_left();
  if (!left.empty()) {
    if (const auto& why = message.passing->not_known(); !why.empty()) gone_ = not_loaded(why);
    else was_over(message.passing->row());
    if (!hibernated_) std::ranges::move(std::exchange(to_pass_on_, {}), std::back_inserter(left));
  }
  for (const auto& request : left) guarded(request.handle);
  pass_on_next();
  if (retired_ && !passing_) self_->quit();
}

void Supervisor::retire() {
  retired_ = true;
  if (!passing_) self_->quit();
}

}  // namespace weir::runtime
