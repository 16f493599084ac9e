// wait_for_event: bodies that gave their slot back until an event or a deadline comes (contract 5.7).
#include "reduction.hpp"

#include <algorithm>

namespace weir::engine {
namespace {

bool answers(const Plan& plan, StepIndex step, const Waiter& waiter, const EventBox& event) {
  const auto& type = event.type();
  if (!type.same_as(*waiter.type) && !(plan.steps[step].accept_subclasses && type.is_a(*waiter.type))) return false;
  return std::all_of(waiter.requirements.begin(), waiter.requirements.end(),
                     [&](const Object::Member& wanted) { return event.field(wanted.first) == wanted.second; });
}

}  // namespace

std::vector<StepIndex> answer_waiters(Reduction& r, const EventBox& event) {
  std::vector<StepIndex> woken;
  for (StepIndex step = 0; step < r.state.steps.size(); ++step) {
    std::vector<Attempt> resumed;
    for (auto& waiter : r.step(step).waiters) {
      if (!waiter.pending() || !answers(r.plan, step, waiter, event)) continue;
      waiter.resolved = event;
      if (waiter.deadline) r.clear_timer(waiter.serial);
      resumed.push_back(waiter.trigger);
    }
    if (!resumed.empty()) woken.push_back(step);
    for (auto& attempt : resumed) dispatch(r, step, std::move(attempt));
  }
  return woken;
}

void add_waiter(Reduction& r, StepIndex step, const Suspended& suspended, Attempt trigger) {
  auto& waiters = r.step(step).waiters;
  const auto known = std::find_if(waiters.begin(), waiters.end(), [&](const Waiter& waiter) {
    return waiter.id == suspended.waiter_id && waiter.trigger.work_item == trigger.work_item;
  });
  if (known != waiters.end()) {
    known->trigger = std::move(trigger);
    return;
  }
  Waiter waiter;
  waiter.id = suspended.waiter_id;
  waiter.type = suspended.type;
  waiter.requirements = suspended.requirements;
  waiter.trigger = std::move(trigger);
  if (suspended.timeout) waiter.deadline = later(r.now, *suspended.timeout);
  if (suspended.publish) r.publish(*suspended.publish);
  waiter.serial = r.next_serial();
  if (suspended.timeout) r.set_timer_in(waiter.serial, *suspended.timeout, WaiterTimedOut{step, waiter.id});
  waiters.push_back(std::move(waiter));
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
