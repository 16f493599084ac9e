// What a finished, failed or waiting invocation does to the run (contract 5.5).
#include "edits.hpp"
#include "reduction.hpp"

#include <algorithm>

namespace weir::engine {
namespace {

BufferPtr* find_buffer(Snapshot& buffers, const std::string& name) {
  for (auto& [known, buffer] : buffers)
    if (known == name) return &buffer;
  return nullptr;
}

BufferPtr buffer_of(Snapshot& buffers, const std::string& name) {
  const auto* found = find_buffer(buffers, name);
  return found ? *found : nullptr;
}

/// The body decided on a snapshot. When the live buffer would have decided otherwise, the body must see it again.
bool is_stale(StepState& step, Running& running, const CollectCall& call) {
  const auto live = buffer_of(step.collected, call.buffer);
  if (decide(live, call.event.type(), call.expected) != call.outcome) return true;
  return call.outcome == Collected::fired && live != buffer_of(running.collected, call.buffer);
}

void apply_collect(StepState& step, const CollectCall& call, bool returned) {
  auto* buffer = find_buffer(step.collected, call.buffer);
  if (!buffer) buffer = &step.collected.emplace_back(call.buffer, nullptr).second;
  if (call.outcome == Collected::buffered) *buffer = std::make_shared<const Buffer>(*buffer, call.event);
  if (call.outcome == Collected::fired && returned) buffer->reset();
}

std::optional<std::string> output_text(const Ending& ending) {
  const auto* returned = std::get_if<Returned>(&ending);
  if (!returned) return std::nullopt;
  return returned->events.empty() ? "<class 'NoneType'>" : returned->events.back().type().class_text;
}

std::shared_ptr<const StepTrace> trace_of(const Reduction& r, const Attempt& attempt, const Ending& ending) {
  if (const auto* failed = std::get_if<Failed>(&ending)) return trace_of_failure(r, attempt, *failed);
  if (const auto* suspended = std::get_if<Suspended>(&ending))
    return std::make_shared<const StepTrace>(StepTrace{.attempt = attempt.failures + 1, .waits_for = suspended->type->name});
  return nullptr;
}

void publish(Reduction& r, const std::vector<EventBox>& events) {
  for (const auto& event : events) r.publish(event);
}

std::int64_t takers_of(const Plan& plan, const std::vector<EventBox>& events) {
  std::int64_t out = 0;
  for (const auto& event : events) out += static_cast<std::int64_t>(accepting(plan, event.type()).size());
  return out;
}

std::int64_t bindings_of(const Plan& plan, StepIndex source) {
  return std::count_if(plan.bindings.begin(), plan.bindings.end(), [&](const Binding& binding) { return binding.source == source; });
}

void emit(Reduction& r, StepIndex step, const EventBox& event, const Attempt& from, const ScopePtr& scope) {
  if (ends_run(r.plan.steps[step], event.type())) return finish(r, Status::completed, event, "");
  if (event.type().kind == Kind::input_required) r.publish(event);
  r.arrivals.push_back({event, std::nullopt, from.recoveries, scope});
}

void on_returned(Reduction& r, StepIndex step, const Attempt& attempt, const Returned& returned) {
  auto scope = attempt.scope;
  const auto emitted = returned.fanned_out ? bindings_of(r.plan, step) : takers_of(r.plan, returned.events);
  if (returned.fanned_out) {
    account(r, attempt.scope, emitted);
    scope = open_stream(r, step, attempt.scope, returned.events);
  }
  for (const auto& event : returned.events) {
    if (r.state.over()) return;
    emit(r, step, event, attempt, scope);
  }
  if (r.state.over()) return;
  r.step(step).recorded.erase(attempt.work_item);
  account(r, attempt.scope, returned.fanned_out ? -1 : emitted - 1);
}

/// Answers are used up only by a body that returns: a failing one needs them again for its retry.
void forget_answered(StepState& step, const std::vector<std::string>& answered, WorkItem work_item) {
  std::erase_if(step.waiters, [&](const Waiter& waiter) {
    return waiter.trigger.work_item == work_item && std::find(answered.begin(), answered.end(), waiter.id) != answered.end();
  });
}

template <class Report>
void count_effects(Attempt& attempt, const Report& report) {
  attempt.published += static_cast<std::uint32_t>(report.published.size());
  attempt.sent += static_cast<std::uint32_t>(report.sent.size());
  add_edits(attempt.edits, report.edits);
}

void send(Reduction& r, const std::vector<Sent>& sent, const Recoveries& recoveries) {
  for (const auto& [event, target] : sent) r.arrivals.push_back({event, target, recoveries, nullptr});
}

}  // namespace

Running* find_running(Reduction& r, InvocationId id) {
  auto& running = r.step(id.step).running;
  const auto found = running.find(id.slot);
  return found != running.end() && found->second.serial == id.serial ? &found->second : nullptr;
}

void on_step_progressed(Reduction& r, const StepProgressed& progressed) {
  auto* running = find_running(r, progressed.id);
  if (!running) return;
  r.cause = running->attempt.span;
  count_effects(running->attempt, progressed);
  publish(r, progressed.published);
  send(r, progressed.sent, running->attempt.recoveries);
}

void on_value_recorded(Reduction& r, const ValueRecorded& recorded) {
  const auto* running = find_running(r, recorded.id);
  if (!running) return;
  r.step(recorded.id.step).recorded[running->attempt.work_item][recorded.name] = recorded.json;
  r.commands.emplace_back(AcknowledgeValue{recorded.id, recorded.name});
}

void on_step_ended(Reduction& r, const StepEnded& ended) {
  auto* running = find_running(r, ended.id);
  if (!running) return;
  r.cause = running->attempt.span;
  auto& step = r.step(ended.id.step);
  const bool failed = std::holds_alternative<Failed>(ended.ending);
  for (const auto& call : ended.collects)
    if (!failed && is_stale(step, *running, call)) {
      add_edits(running->attempt.edits, ended.edits);  // these are done; what it would have said is not said
      return rerun(r, ended.id, std::move(running->attempt));
    }

  publish(r, ended.published);
  auto attempt = vacate(r, ended.id, *running, output_text(ended.ending), trace_of(r, running->attempt, ended.ending));
  const bool returned = std::holds_alternative<Returned>(ended.ending);
  for (const auto& call : ended.collects)
    if (!failed) apply_collect(step, call, returned);

  const auto recoveries = attempt.recoveries;
  if (const auto* value = std::get_if<Returned>(&ended.ending)) {
    forget_answered(step, ended.answered_waiters, attempt.work_item);
    on_returned(r, ended.id.step, attempt, *value);
  } else if (const auto* failure = std::get_if<Failed>(&ended.ending)) {
    on_failed(r, ended.id.step, std::move(attempt), *failure);
  } else {
    count_effects(attempt, ended);
    add_waiter(r, ended.id.step, std::get<Suspended>(ended.ending), std::move(attempt));
  }
  if (r.state.over()) return;
  send(r, ended.sent, recoveries);
  dispatch_queued(r, ended.id.step);
}

}  // namespace weir::engine
