// Worker slots: who runs now, who waits, and what the stream is told about it (contract 3.3, 5.4).
#include "reduction.hpp"

#include <algorithm>

namespace weir::engine {
namespace {

Slot free_slot(const StepState& step) {
  Slot slot = 0;
  for (const auto& [taken, running] : step.running) {
    if (taken != slot) break;
    ++slot;
  }
  return slot;
}

const EventType& shown_input(const Attempt& attempt) {
  return attempt.release ? event_type<CollectionReleaseEvent>() : attempt.event.type();
}

void publish_state(Reduction& r, StepIndex step, const Attempt& attempt, const char* state, std::string worker,
                   std::shared_ptr<const StepTrace> trace = nullptr) {
  StepStateChanged event{.name = r.plan.steps[step].name,
                         .step_state = state,
                         .worker_id = std::move(worker),
                         .input_event_name = shown_input(attempt).name,
                         .output_event_name = std::nullopt};
  r.commands.emplace_back(PublishEvent{std::move(event), attempt.span, attempt.caused_by, std::move(trace)});
}

std::shared_ptr<const StepTrace> trace_of_start(const StepState& step, const Attempt& attempt) {
  const bool resumed = std::any_of(step.waiters.begin(), step.waiters.end(), [&](const Waiter& waiter) {
    return waiter.trigger.work_item == attempt.work_item && !waiter.pending();
  });
  if (attempt.failures == 0 && !resumed) return nullptr;
  return std::make_shared<const StepTrace>(StepTrace{.attempt = attempt.failures + 1, .resumed = resumed});
}

void occupy(Reduction& r, InvocationId id, Attempt attempt) {
  auto& step = r.step(id.step);
  if (!attempt.first_attempt_at) attempt.first_attempt_at = r.now;
  attempt.not_before.reset();
  auto& running = step.running[id.slot];
  running = Running{std::move(attempt), id.serial, step.collected, std::nullopt};
  r.commands.emplace_back(run_command(r.state, id, running));
  if (const auto& limit = r.state.limits.steps[id.step].timeout) {
    running.deadline = later(r.now, *limit);
    r.set_timer_in(id.serial, *limit, StepTimedOut{id, std::nullopt});
  }
}

void start(Reduction& r, StepIndex step, Attempt attempt) {
  const InvocationId id{step, free_slot(r.step(step)), r.next_serial()};
  publish_state(r, step, attempt, "running", std::to_string(id.slot), trace_of_start(r.step(step), attempt));
  occupy(r, id, std::move(attempt));
}

bool has_free_worker(Reduction& r, StepIndex step) { return r.step(step).running.size() < r.state.limits.steps[step].num_workers; }

}  // namespace

RunStep run_command(const State& state, InvocationId id, const Running& running) {
  const auto& attempt = running.attempt;
  RunStep out;
  out.id = id;
  out.event = attempt.event;
  out.release = attempt.release;
  out.joined = attempt.joined;
  out.work_item = attempt.work_item;
  out.published = attempt.published;
  out.sent = attempt.sent;
  out.edits = attempt.edits;
  out.failures = attempt.failures;
  out.first_attempt_at = attempt.first_attempt_at.value_or(Time());
  out.last_failure = attempt.last_failure;
  out.collected = running.collected;
  for (const auto& waiter : state.steps[id.step].waiters)
    if (waiter.trigger.work_item == attempt.work_item && !waiter.pending()) out.answers.push_back({waiter.id, waiter.resolved});
  const auto& recorded = state.steps[id.step].recorded;
  if (const auto found = recorded.find(attempt.work_item); found != recorded.end()) out.recorded = found->second;
  return out;
}

void dispatch(Reduction& r, StepIndex step, Attempt attempt) {
  if (has_free_worker(r, step)) return start(r, step, std::move(attempt));
  publish_state(r, step, attempt, "preparing", "<enqueued>");
  r.step(step).queue.push_back(std::move(attempt));
}

void dispatch_queued(Reduction& r, StepIndex step) {
  auto& queue = r.step(step).queue;
  for (auto next = queue.begin(); next != queue.end() && has_free_worker(r, step);) {
    if (next->not_before) {
      ++next;
      continue;
    }
    auto attempt = std::move(*next);
    next = queue.erase(next);
    start(r, step, std::move(attempt));
  }
}

void rerun(Reduction& r, InvocationId id, Attempt attempt) {
  if (const auto& before = r.step(id.step).running[id.slot]; before.deadline) r.clear_timer(before.serial);
  id.serial = r.next_serial();
  occupy(r, id, std::move(attempt));
}

Attempt vacate(Reduction& r, InvocationId id, Running& running, std::optional<std::string> output, std::shared_ptr<const StepTrace> trace) {
  auto attempt = std::move(running.attempt);
  if (running.deadline) r.clear_timer(running.serial);
  r.step(id.step).running.erase(id.slot);
  StepStateChanged event{.name = r.plan.steps[id.step].name,
                         .step_state = "not_running",
                         .worker_id = std::to_string(id.slot),
                         .input_event_name = shown_input(attempt).class_text,
                         .output_event_name = std::move(output)};
  r.commands.emplace_back(PublishEvent{std::move(event), attempt.span, attempt.caused_by, std::move(trace)});
  return attempt;
}

}  // namespace weir::engine
