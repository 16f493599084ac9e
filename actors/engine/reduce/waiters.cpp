// wait_for_event: bodies that gave their slot back until an event or a deadline comes (contract 5.7).
#include "reception.hpp"
#include "reduction.hpp"

#include <algorithm>
#include <utility>

namespace weir::engine {

bool answers(const Plan& plan, StepIndex step, const Waiter& waiter, const EventBox& event) {
  const auto& type = event.type();
  if (!type.same_as(*waiter.type) && !(plan.steps[step].accept_subclasses && type.is_a(*waiter.type))) return false;
  return std::all_of(waiter.requirements.begin(), waiter.requirements.end(),
                     [&](const Object::Member& wanted) { return event.field(wanted.first) == wanted.second; });
}

bool is_begun_again(const StepState& step, const Waiter& waiter) {
  if (waiter.serial > 0) return false;  // begun in this run
  const auto item = waiter.trigger.work_item;
  return std::any_of(step.running.begin(), step.running.end(),
                     [&](const auto& running) { return running.second.attempt.work_item == item; }) ||
         std::any_of(step.queue.begin(), step.queue.end(), [&](const Attempt& attempt) { return attempt.work_item == item; });
}

namespace {

/// The oldest of those that are kept which answers the waiter, taken out.
std::optional<EventBox> take_kept(std::vector<EventBox>& kept, const Plan& plan, StepIndex step, const Waiter& waiter) {
  const auto found = std::find_if(kept.begin(), kept.end(), [&](const EventBox& event) { return answers(plan, step, waiter, event); });
  if (found == kept.end()) return std::nullopt;
  auto out = std::move(*found);
  kept.erase(found);
  return out;
}

void resolve(Reduction& r, Waiter& waiter, const EventBox& event) {
  waiter.resolved = event;
  if (waiter.deadline) r.clear_timer(waiter.serial);
}

/// That the event wakes alone; the step it belongs to.
std::pair<Waiter*, StepIndex> oldest_receiver(Reduction& r, const EventBox& event) {
  std::pair<Waiter*, StepIndex> out{nullptr, 0};
  for (StepIndex step = 0; step < r.state.steps.size(); ++step)
    for (auto& waiter : r.step(step).waiters) {
      if (!waiter.receives || !waiter.pending() || !answers(r.plan, step, waiter, event)) continue;
      if (!out.first || waiter.serial < out.first->serial) out = {&waiter, step};
    }
  return out;
}

}  // namespace

std::vector<StepIndex> answer_waiters(Reduction& r, const EventBox& event) {
  std::vector<StepIndex> woken;
  for (StepIndex step = 0; step < r.state.steps.size(); ++step) {
    std::vector<Attempt> resumed;
    for (auto& waiter : r.step(step).waiters) {
      if (waiter.receives || !waiter.pending() || !answers(r.plan, step, waiter, event)) continue;
      if (is_begun_again(r.step(step), waiter)) continue;
      resolve(r, waiter, event);
      resumed.push_back(waiter.trigger);
    }
    if (!resumed.empty()) woken.push_back(step);
    for (auto& attempt : resumed) dispatch(r, step, std::move(attempt));
  }
  if (!woken.empty()) return woken;
  if (const auto [receiver, step] = oldest_receiver(r, event); receiver) {
    resolve(r, *receiver, event);
    woken.push_back(step);
    dispatch(r, step, Attempt(receiver->trigger));
  }
  return woken;
}

void add_waiter(Reduction& r, StepIndex step, const Suspended& suspended, Attempt trigger) {
  auto& waiters = r.step(step).waiters;
  const auto known = std::find_if(waiters.begin(), waiters.end(), [&](const Waiter& waiter) {
    return waiter.trigger.work_item == trigger.work_item && (waiter.id == suspended.waiter_id || waiter.pending());
  });
  // A wait that is begun once more has been told already: a context did not say what it requires.
  if (known != waiters.end()) {
    known->trigger = std::move(trigger);
    if (!known->pending()) return;
    known->id = suspended.waiter_id;
    known->type = suspended.type;
    known->requirements = suspended.requirements;
    return;
  }
  Waiter waiter;
  waiter.id = suspended.waiter_id;
  waiter.type = suspended.type;
  waiter.requirements = suspended.requirements;
  waiter.trigger = std::move(trigger);
  waiter.receives = suspended.receives;
  if (suspended.timeout) waiter.deadline = later(r.now, *suspended.timeout);
  waiter.resolved = take_kept(waiter.receives ? r.state.mail : r.state.early, r.plan, step, waiter);
  const bool asks = waiter.pending() || !waiter.receives;  // what lies in a mailbox already is not asked for
  if (suspended.publish && asks) r.publish(*suspended.publish);
  waiter.serial = r.next_serial();
  if (suspended.timeout && waiter.pending()) r.set_timer_in(waiter.serial, *suspended.timeout, WaiterTimedOut{step, waiter.id});
  waiters.push_back(std::move(waiter));
  if (waiters.back().pending()) return;
  auto resumed = waiters.back().trigger;
  dispatch_queued(r, step);  // those that have waited for a worker come first
  dispatch(r, step, std::move(resumed));
}

void on_waiter_timed_out(Reduction& r, const WaiterTimedOut& timed_out) {
  for (auto& waiter : r.step(timed_out.step).waiters) {
    if (waiter.id != timed_out.waiter_id || !waiter.pending() || waiter.deadline > r.now) continue;
    waiter.timed_out = true;
    return dispatch(r, timed_out.step, Attempt(waiter.trigger));
  }
}

bool waits_in_stream(const State& state, StreamId stream) {
  for (const auto& step : state.steps)
    for (const auto& waiter : step.waiters)
      for (auto scope = waiter.trigger.scope; waiter.pending() && scope; scope = scope->outer)
        if (scope->stream == stream) return true;
  return false;
}

}  // namespace weir::engine
