// How a run begins: from a start event or from a saved state, at once or when its workflow has room for it.
#include "actors/engine/model/carried.hpp"
#include "reduction.hpp"

namespace weir::engine {
namespace {

void set_deadline(Reduction& r, Time began) {
  if (!r.state.limits.timeout) return;
  r.state.deadline = later(began, *r.state.limits.timeout);
  if (began == r.now) r.set_timer_in(run_timer, *r.state.limits.timeout, RunTimedOut());
  else r.set_timer(run_timer, *r.state.deadline, RunTimedOut());
}

/// The workflow's timeout counts from here, not from when the run was queued.
void begin(Reduction& r, bool keeps_early = false) {
  set_deadline(r, r.now);
  for (auto& sent : std::exchange(r.state.held, {})) r.arrivals.push_back({std::move(sent.event), sent.target, {}, nullptr, keeps_early});
}

void begin_or_queue(Reduction& r) {
  if (!r.state.limits.queues) return begin(r);
  r.state.queued = true;
  r.commands.emplace_back(AwaitAdmission());
}

/// What was running when the state was saved runs again, first and in its old order.
void rewind(Reduction& r) {
  for (StepIndex index = 0; index < r.state.steps.size(); ++index) {
    auto& step = r.step(index);
    auto at = step.queue.begin();
    for (auto& [slot, running] : step.running) at = std::next(step.queue.insert(at, std::move(running.attempt)));
    renew(step);
    for (auto& attempt : step.queue) {
      renew(attempt);
      if (attempt.not_before) r.set_timer(attempt.retry_timer = r.next_serial(), *attempt.not_before, RetryDue{*attempt.not_before});
    }
    for (auto& waiter : step.waiters) {
      renew(waiter);
      renew(waiter.trigger);
      if (waiter.pending() && (waiter.deadline || waiter.receives)) waiter.serial = r.next_serial();
      if (waiter.pending() && waiter.deadline) r.set_timer(waiter.serial, *waiter.deadline, WaiterTimedOut{index, waiter.id});
    }
    dispatch_queued(r, index);
  }
}

}  // namespace

void on_run_started(Reduction& r, const RunStarted& started) {
  if (started.limits) r.state.limits = *started.limits;
  r.state.held.push_back({started.start, std::nullopt});
  begin_or_queue(r);
}

void on_run_restored(Reduction& r, const RunRestored& restored) {
  r.state = *restored.state;
  renew(r.state);
  r.state.limits = restored.limits ? *restored.limits : limits_of(r.plan);
  // One that has not begun goes on from what it has, and then takes its start event, which is held.
  r.state.started = r.state.started || r.state.held.empty();
  begin_or_queue(r);
  if (!r.state.queued) rewind(r);
}

void on_run_admitted(Reduction& r, const RunAdmitted& admitted) {
  if (!r.state.queued) return;
  r.state.queued = false;
  begin(r, admitted.keeps_early);
  rewind(r);
}

/// What runs and waits already keeps its time. The run's own timeout is the new one; it counts from now if there was none.
void on_limits_changed(Reduction& r, const LimitsChanged& changed) {
  const auto before = std::exchange(r.state.limits, changed.limits).timeout;
  if (r.state.queued) return;
  if (before != changed.limits.timeout) {
    const auto began = r.state.deadline && before ? later(*r.state.deadline, -*before) : r.now;
    if (r.state.deadline) r.clear_timer(run_timer);
    r.state.deadline.reset();
    set_deadline(r, began);
  }
  for (StepIndex step = 0; step < r.state.steps.size(); ++step) dispatch_queued(r, step);
}

void on_event_arrived(Reduction& r, const EventArrived& arrived) {
  if (r.state.queued) r.state.held.push_back(arrived.sent);
  else r.arrivals.push_back({arrived.sent.event, arrived.sent.target, {}, nullptr});
}

}  // namespace weir::engine
