// The four ways a run ends. Each publishes exactly one terminal event, last.
#include "reduction.hpp"

namespace weir::engine {

void finish(Reduction& r, Status status, EventBox terminal, std::string error) {
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
