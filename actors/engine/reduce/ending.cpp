// The four ways a run ends. Each publishes exactly one terminal event, last.
#include "reduction.hpp"

namespace weir::engine {

namespace {

std::string names(const std::vector<const EventType*>& types) {
  std::string out;
  for (const auto* type : types) out += (out.empty() ? "" : ", ") + type->name;
  return out;
}

std::string told(const StepPlan& step, const Returned& returned) {
  std::vector<const EventType*> types;
  for (const auto& event : returned.events) types.push_back(&event.type());
  if (!types.empty()) return names(types);
  const auto possible = types_produced(step);
  return possible.empty() ? "nothing" : "nothing (it could have returned " + names(possible) + ")";
}

}  // namespace

void finish(Reduction& r, Status status, EventBox terminal, std::string error) {
  let_go_of(r, r.state.early);
  let_go_of(r, r.state.mail);
  r.publish(terminal);
  r.state.status = status;
  r.state.queued = false;
  r.state.held.clear();
  r.state.streams.clear();
  r.state.steps.assign(r.state.steps.size(), StepState());
  r.arrivals.clear();
  r.commands.emplace_back(FinishRun{status, std::move(terminal), std::move(error)});
}

void fail(Reduction& r, std::string_view step, ExceptionInfo error, std::optional<std::int64_t> attempts, std::optional<double> elapsed) {
  auto text = error.exception_message;
  finish(
      r, Status::failed,
      WorkflowFailedEvent{.step_name = std::string(step), .exception = std::move(error), .attempts = attempts, .elapsed_seconds = elapsed},
      std::move(text));
}

void fail_stuck(Reduction& r, std::string_view step, const std::string& why) {
  fail(r, step, {"workflows.errors.WorkflowRuntimeError", why}, std::nullopt, std::nullopt);
}

void end_stuck(Reduction& r, const Tick& last) {
  const auto* ended = std::get_if<StepEnded>(&last);
  const auto* returned = ended ? std::get_if<Returned>(&ended->ending) : nullptr;
  const auto step = returned ? r.plan.steps[ended->id.step].name : "";
  const auto what = returned ? "step '" + step + "' ended last and returned " + told(r.plan.steps[ended->id.step], *returned) + ", " : "";
  fail_stuck(r, step,
             "Nothing can happen in this run any more: " + what +
                 "no step is at work or waits, and none takes an event from outside. A run ends when a step returns its " +
                 r.plan.stop->name + ".");
}

void on_run_timed_out(Reduction& r) {
  if (!r.state.deadline || r.now < *r.state.deadline) return;
  const auto seconds = static_cast<double>(r.state.limits.timeout.value_or(Duration()).count()) / 1e6;
  WorkflowTimedOutEvent event{.timeout = seconds, .active_steps = {}};
  for (StepIndex step = 0; step < r.state.steps.size(); ++step)
    if (!r.step(step).running.empty()) event.active_steps.push_back(r.plan.steps[step].name);
  finish(r, Status::failed, std::move(event), "Workflow timed out after " + to_json(seconds) + "s");
}

void on_cancel_requested(Reduction& r) { finish(r, Status::cancelled, WorkflowCancelledEvent(), ""); }

}  // namespace weir::engine
