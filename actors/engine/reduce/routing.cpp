// Who gets an event: waiters first, then every step that takes its type (contract 5.4).
#include "reduction.hpp"

#include <algorithm>

namespace weir::engine {
namespace {

Attempt attempt_for(Reduction& r, Arrival&& arrival, WorkItem work_item) {
  auto attempt = r.new_attempt();
  attempt.event = std::move(arrival.event);
  attempt.recoveries = std::move(arrival.recoveries);
  attempt.scope = std::move(arrival.scope);
  attempt.work_item = work_item;
  return attempt;
}

void publish_unhandled(Reduction& r, const Arrival& arrival, std::optional<StepIndex> step) {
  UnhandledEvent event{.event_type = arrival.event.type().name,
                       .qualified_name = arrival.event.type().qualified_name,
                       .step_name = std::nullopt,
                       .idle = idle(r.state)};
  if (step) event.step_name = r.plan.steps[*step].name;
  r.publish(std::move(event));
}

/// Events from outside belong to no stream, so a collect step cannot take them.
void refuse_collect(Reduction& r, const Arrival& arrival, StepIndex step) {
  const auto& name = r.plan.steps[step].name;
  if (!arrival.target) return publish_unhandled(r, arrival, step);
  fail(
      r, name,
      {"workflows.errors.WorkflowRuntimeError",
       arrival.event.type().name + " was sent to collect step '" + name +
           "' via send_event(step=...), but a collect step cannot receive targeted events: it only collects events emitted inside a fan-out stream."},
      std::nullopt, std::nullopt);
}

}  // namespace

void route(Reduction& r, Arrival arrival) {
  const auto& type = arrival.event.type();
  const auto work_item = ++r.state.work_item_last;
  if (type.kind == Kind::start) r.state.started = true;

  const auto woken = answer_waiters(r, arrival.event);
  auto takers = accepting(r.plan, type);
  if (arrival.target) std::erase_if(takers, [&](StepIndex step) { return step != *arrival.target; });

  const bool handled = !woken.empty() || !takers.empty();
  if (!handled && type.kind != Kind::input_required) publish_unhandled(r, arrival, arrival.target);
  for (std::size_t i = 0; i < takers.size() && !r.state.over(); ++i) {
    const auto step = takers[i];
    if (std::find(woken.begin(), woken.end(), step) != woken.end()) {
      account(r, arrival.scope, -1);  // the waiter took it in the step's stead
    } else if (r.plan.steps[step].input == Input::collect) {
      if (!arrival.scope) refuse_collect(r, arrival, step);
      else collect_member(r, step, arrival);
    } else {
      const bool last = i + 1 == takers.size();
      auto own = last ? std::move(arrival) : Arrival(arrival);
      if (r.plan.steps[step].input == Input::join) join(r, step, std::move(own), work_item);
      else dispatch(r, step, attempt_for(r, std::move(own), work_item));
    }
  }
}

}  // namespace weir::engine
