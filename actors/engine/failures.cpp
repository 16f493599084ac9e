// A failed attempt: retried, handed to an error handler, or the end of the run (contract 5.8, 5.9).
#include "reduction.hpp"

namespace weir::engine {
namespace {

double seconds_between(Time from, Time to) { return static_cast<double>((to - from).count()) / 1e6; }

void queue_retry(Reduction& r, StepIndex step, Attempt attempt, Duration delay) {
  if (delay > Duration::zero()) {
    attempt.not_before = r.now + delay;
    r.commands.emplace_back(SetTimer{*attempt.not_before, RetryDue{*attempt.not_before}});
  }
  r.step(step).queue.push_front(std::move(attempt));
}

bool hand_to_error_handler(Reduction& r, StepIndex step, const Attempt& attempt, const Failure& failure, double elapsed) {
  const auto handler = r.plan.error_handlers[step];
  if (!handler) return false;
  auto recoveries = attempt.recoveries;
  if (++recoveries[*handler] > r.plan.steps[*handler].max_recoveries) return false;
  StepFailedEvent event{.step_name = r.plan.steps[step].name,
                        .input_event = {attempt.event},
                        .exception = failure.error,
                        .attempts = attempt.failures,
                        .elapsed_seconds = elapsed,
                        .failed_at = failure.at};
  r.arrivals.push_back({std::move(event), handler, std::move(recoveries), attempt.scope});
  return true;
}

}  // namespace

void on_failed(Reduction& r, StepIndex step, Attempt attempt, const Failed& failed) {
  ++attempt.failures;
  attempt.last_failure = Failure{failed.error, r.now};
  if (failed.retry_after) return queue_retry(r, step, std::move(attempt), *failed.retry_after);
  const auto elapsed = seconds_between(attempt.first_attempt_at.value_or(r.now), r.now);
  if (hand_to_error_handler(r, step, attempt, *attempt.last_failure, elapsed)) return;
  fail(r, r.plan.steps[step].name, failed.error, attempt.failures, elapsed);
}

void on_retry_due(Reduction& r, const RetryDue& due) {
  for (StepIndex step = 0; step < r.state.steps.size(); ++step) {
    for (auto& attempt : r.step(step).queue)
      if (attempt.not_before && *attempt.not_before <= due.due) attempt.not_before.reset();
    dispatch_queued(r, step);
  }
}

}  // namespace weir::engine
