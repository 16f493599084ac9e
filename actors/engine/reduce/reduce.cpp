// The only switch over Tick: sends each to its family, then routes what follows until nothing is left.
#include "edits.hpp"
#include "reduction.hpp"

#include <algorithm>

namespace weir::engine {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

void apply(Reduction& r, const Tick& tick) {
  std::visit(Overloaded{
                 [&](const RunStarted& t) { on_run_started(r, t); },
                 [&](const RunRestored& t) { on_run_restored(r, t); },
                 [&](const RunAdmitted& t) { on_run_admitted(r, t); },
                 [&](const EventArrived& t) { on_event_arrived(r, t); },
                 [&](const StepProgressed& t) { on_step_progressed(r, t); },
                 [&](const ValueRecorded& t) { on_value_recorded(r, t); },
                 [&](const StepEnded& t) { on_step_ended(r, t); },
                 [&](const StepTimedOut& t) { on_step_timed_out(r, t); },
                 [&](const WaiterTimedOut& t) { on_waiter_timed_out(r, t); },
                 [&](const RetryDue& t) { on_retry_due(r, t); },
                 [&](const RunTimedOut&) { on_run_timed_out(r); },
                 [&](const CancelRequested&) { on_cancel_requested(r); },
                 [&](const LimitsChanged& t) { on_limits_changed(r, t); },
                 [&](const StateEdited& t) { note_edits(r.state, t.edits); },
                 [&](const BudgetExceeded& t) {
                   r.publish(RunBudgetExceeded{t.limit, t.max, t.step_name});
                 },
             },
             tick);
}

void route_arrivals(Reduction& r) {
  while (!r.arrivals.empty() && !r.state.over()) {
    auto next = std::move(r.arrivals.front());
    r.arrivals.pop_front();
    route(r, std::move(next));
  }
}

/// Others tell something about the run, and change nothing that it waits for.
bool may_become_idle(const Tick& tick) {
  return !std::holds_alternative<StateEdited>(tick) && !std::holds_alternative<LimitsChanged>(tick) &&
         !std::holds_alternative<BudgetExceeded>(tick);
}

void check_idle(Reduction& r, const Tick& tick) {
  if (r.state.over() || !idle(r.state)) return;
  let_go_of(r, r.state.early);
  if (const auto streams = stuck_streams(r)) fail_stuck(r, "", *streams);
  else if (r.state.limits.ends_stuck && stuck(r.plan, r.state)) end_stuck(r, tick);
  else r.publish(WorkflowIdleEvent());
}

}  // namespace

bool idle(const State& state) {
  return state.started && !state.queued && std::all_of(state.steps.begin(), state.steps.end(), [](const StepState& step) {
           return step.queue.empty() && step.running.empty();
         });
}

std::string_view status_name(Status status) {
  switch (status) {
    case Status::running: return "running";
    case Status::completed: return "completed";
    case Status::failed: return "failed";
    case Status::cancelled: return "cancelled";
  }
  return "running";
}

State initial_state(const Plan& plan) {
  State state;
  state.steps.resize(plan.steps.size());
  state.limits = limits_of(plan);
  return state;
}

Limits limits_of(const Plan& plan) {
  Limits out{.queues = plan.num_concurrent_runs.has_value(), .ends_stuck = true, .timeout = plan.timeout};
  for (const auto& step : plan.steps)
    out.steps.push_back({.num_workers = step.num_workers, .timeout = step.timeout, .max_recoveries = step.max_recoveries});
  for (const auto& mailbox : plan.mailboxes) out.mailboxes.push_back({mailbox.type->qualified_name, mailbox.events_max});
  return out;
}

Outcome reduce(const Plan& plan, State state, const Stamped& stamped) {
  if (state.over()) return {std::move(state), {}};
  Reduction r{plan, state, stamped.at, {}, {}};
  apply(r, stamped.tick);
  route_arrivals(r);
  r.cause = 0;
  if (may_become_idle(stamped.tick)) check_idle(r, stamped.tick);
  auto commands = std::move(r.commands);
  return {std::move(state), std::move(commands)};
}

}  // namespace weir::engine
