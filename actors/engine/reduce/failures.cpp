// A failed attempt: retried, handed to an error handler, or the end of the run (contract 5.8, 5.9).
#include "reduction.hpp"

#include <algorithm>

namespace weir::engine {
namespace {

/// Nothing when the clock was set back meanwhile.
double seconds_between(Time from, Time to) { return static_cast<double>(std::max(between(from, to), Duration::zero()).count()) / 1e6; }

void queue_retry(Reduction& r, StepIndex step, Attempt attempt, Duration delay) {
  if (delay > Duration::zero()) {
    attempt.not_before = later(r.now, delay);
    attempt.retry_timer = r.next_serial();
    r.set_timer_in(attempt.retry_timer, delay, RetryDue{*attempt.not_before});
  }
  r.step(step).queue.push_front(std::move(attempt));
}

/// A released batch is put into its trigger only here, where somebody may look at it.
EventBox whole_input(const Attempt& attempt) {
  if (!attempt.release) return attempt.event;
  auto release = *attempt.event.as<CollectionReleaseEvent>();
  for (const auto& event : attempt.release->events) release.events.push_back({event});
  return release;
}

bool hand_to_error_handler(Reduction& r, StepIndex step, const Attempt& attempt, const Failure& failure, double elapsed) {
  const auto handler = r.plan.error_handlers[step];
  if (!handler) return false;
  auto recoveries = attempt.recoveries;
  if (++recoveries[*handler] > r.state.limits.steps[*handler].max_recoveries) return false;
  StepFailedEvent event{.step_name = r.plan.steps[step].name,
                        .input_event = {whole_input(attempt)},
                        .exception = failure.error,
                        .attempts = attempt.failures,
                        .elapsed_seconds = elapsed,
                        .failed_at = failure.at};
  r.arrivals.push_back({std::move(event), handler, std::move(recoveries), attempt.scope});
  return true;
}

}  // namespace

std::shared_ptr<const StepTrace> trace_of_failure(const Reduction& r, const Attempt& attempt, const Failed& failed) {
  StepTrace out{.attempt = attempt.failures + 1, .error = failed.error};
  const auto retry_at = later(r.now, failed.retry_after.value_or(Duration::max()));
  if (retry_at != Time::max()) out.retry_at = retry_at;
  return std::make_shared<const StepTrace>(std::move(out));
}

void on_failed(Reduction& r, StepIndex step, Attempt attempt, const Failed& failed) {
  ++attempt.failures;
  attempt.published = attempt.sent = 0;
  attempt.edits.clear();
  attempt.last_failure = Failure{failed.error, r.now};
  if (failed.retry_after) return queue_retry(r, step, std::move(attempt), *failed.retry_after);
  r.step(step).recorded.erase(attempt.work_item);
  const auto elapsed = seconds_between(attempt.first_attempt_at.value_or(r.now), r.now);
  if (hand_to_error_handler(r, step, attempt, *attempt.last_failure, elapsed)) return;
  fail(r, r.plan.steps[step].name, failed.error, attempt.failures, elapsed);
}

ExceptionInfo step_timeout_error(const StepPlan& step, const StepLimits& limits) {
  const auto seconds = static_cast<double>(limits.timeout.value_or(Duration()).count()) / 1e6;
  return {"builtins.TimeoutError", "Step '" + step.name + "' timed out after " + to_json(seconds) + "s"};
}

void on_step_timed_out(Reduction& r, const StepTimedOut& timed_out) {
  auto* running = find_running(r, timed_out.id);
  if (!running || !running->deadline || r.now < *running->deadline) return;
  r.cause = running->attempt.span;
  const auto step = timed_out.id.step;
  const Failed failed{step_timeout_error(r.plan.steps[step], r.state.limits.steps[step]), timed_out.retry_after};
  r.commands.emplace_back(StopStep{timed_out.id});
  on_failed(r, step, vacate(r, timed_out.id, *running, std::nullopt, trace_of_failure(r, running->attempt, failed)), failed);
  if (!r.state.over()) dispatch_queued(r, step);
}

void on_retry_due(Reduction& r, const RetryDue& due) {
  for (StepIndex step = 0; step < r.state.steps.size(); ++step) {
    for (auto& attempt : r.step(step).queue)
      if (attempt.not_before && *attempt.not_before <= due.due) attempt.not_before.reset();
    dispatch_queued(r, step);
  }
}

}  // namespace weir::engine
