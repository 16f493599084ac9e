// What a state still waits for: the one question that resuming a run asks.
#include "reduction.hpp"

#include <algorithm>
#include <functional>

namespace weir::engine {
namespace {

void add_pending(std::vector<Command>& out, const State& state, StepIndex index) {
  const auto& step = state.steps[index];
  for (const auto& [slot, running] : step.running) {
    const InvocationId id{index, slot, running.serial};
    out.emplace_back(run_command(state, id, running));
    if (running.deadline) out.emplace_back(SetTimer{running.serial, *running.deadline, StepTimedOut{id, std::nullopt}});
  }
  for (const auto& waiter : step.waiters)
    if (waiter.pending() && waiter.deadline) out.emplace_back(SetTimer{waiter.serial, *waiter.deadline, WaiterTimedOut{index, waiter.id}});
  for (const auto& attempt : step.queue)
    if (attempt.not_before) out.emplace_back(SetTimer{attempt.retry_timer, *attempt.not_before, RetryDue{*attempt.not_before}});
}

}  // namespace

std::vector<Command> pending(const State& state) {
  std::vector<Command> out;
  if (state.over()) return out;
  if (state.queued) return {AwaitAdmission()};  // what a restored run was doing waits with it
  if (state.deadline) out.emplace_back(SetTimer{run_timer, *state.deadline, RunTimedOut()});
  for (StepIndex index = 0; index < state.steps.size(); ++index) add_pending(out, state, index);
  return out;
}

bool only_waits(const State& state) {
  const auto delayed = [](const Attempt& attempt) { return attempt.not_before.has_value(); };
  return state.started && !state.queued && !state.over() && std::all_of(state.steps.begin(), state.steps.end(), [&](const StepState& step) {
           return step.running.empty() && std::all_of(step.queue.begin(), step.queue.end(), delayed);
         });
}

std::optional<Time> next_due(const State& state) {
  std::optional<Time> out;
  for (const auto& command : pending(state))
    if (const auto* timer = std::get_if<SetTimer>(&command); timer && timer->due != Time::max())  // that one never comes
      out = out ? std::min(*out, timer->due) : timer->due;
  return out;
}

namespace {

/// Everything that steps take from outside once the run has begun. A collect step's events come from inside alone.
std::vector<Awaited> taken_from_outside(const Plan& plan) {
  std::vector<Awaited> out;
  for (StepIndex index = 0; index < plan.steps.size(); ++index) {
    if (plan.steps[index].input == Input::collect) continue;
    for (const auto* type : plan.steps[index].accepts)
      if (!type->same_as(*plan.start) && !type->same_as(event_type<StepFailedEvent>())) out.push_back({type, index});
  }
  return out;
}

}  // namespace

std::vector<Awaited> awaited(const Plan& plan, const State& state) {
  std::vector<Awaited> out;
  bool nothing_queued = true;
  for (StepIndex index = 0; index < state.steps.size(); ++index) {
    nothing_queued = nothing_queued && state.steps[index].queue.empty();
    for (const auto& waiter : state.steps[index].waiters)
      if (waiter.pending()) out.push_back({waiter.type, index, waiter.requirements});
  }
  if (!nothing_queued || !only_waits(state)) return out;
  auto others = taken_from_outside(plan);
  const auto from_people = [](const Awaited& one) { return one.type->kind == Kind::human_response; };
  if (!out.empty() || std::any_of(others.begin(), others.end(), from_people)) std::erase_if(others, std::not_fn(from_people));
  out.insert(out.end(), others.begin(), others.end());
  return out;
}

bool stuck(const Plan& plan, const State& state) { return !state.deadline && awaited(plan, state).empty(); }

}  // namespace weir::engine
