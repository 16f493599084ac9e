#include "invariants.hpp"

#include <algorithm>
#include <set>

namespace weir::engine {
namespace {

/// Gathers the first sentence.
class Checks {
public:
  Checks(const Plan& plan, const State& state) : plan_(plan), state_(state) {}

  std::optional<std::string> run() {
    hold(state_.steps.size() == plan_.steps.size(), "the state has another number of steps than the plan");
    hold(state_.limits.steps.size() == plan_.steps.size(), "the limits are those of another number of steps");
    if (broken_ || state_.over()) return broken_;
    hold(state_.started || state_.queued || nothing_begun(), "a run that has not begun has work");
    hold(state_.queued || state_.held.empty(), "events are held back from a run that does not queue");
    for (StepIndex index = 0; index < state_.steps.size(); ++index) check_step(index);
    for (const auto& [id, stream] : state_.streams) check_stream(id, stream);
    return broken_;
  }

private:
  void hold(bool holds, const std::string& sentence) {
    if (!holds && !broken_) broken_ = sentence;
  }
  std::string named(StepIndex index) const { return "step '" + plan_.steps[index].name + "'"; }

  bool nothing_begun() const {
    return state_.streams.empty() && std::all_of(state_.steps.begin(), state_.steps.end(), [](const StepState& step) {
             return step.running.empty() && step.queue.empty() && step.waiters.empty();
           });
  }

  void check_step(StepIndex index) {
    const auto& step = state_.steps[index];
    for (const auto& [slot, running] : step.running) {
      hold(serials_.insert(running.serial).second, named(index) + " has an invocation with a number that something else has");
      hold(running.serial <= state_.serial_last, named(index) + " has an invocation with a number that was not given yet");
      hold(running.attempt.first_attempt_at.has_value(), named(index) + " runs without having been tried");
      hold(!running.attempt.not_before, named(index) + " runs although its retry has to wait");
      check_attempt(index, running.attempt);
    }
    bool work_waits = false;
    for (const auto& attempt : step.queue) {
      work_waits = work_waits || !attempt.not_before;
      check_attempt(index, attempt);
    }
    const bool free_worker = step.running.size() < state_.limits.steps[index].num_workers;
    hold(state_.queued || !work_waits || !free_worker, named(index) + " has work and a free worker");
    for (const auto& waiter : step.waiters) {
      hold(waiter.type != nullptr, named(index) + " waits for an event of no type");
      hold(!waiter.resolved || !waiter.timed_out, named(index) + " has a wait that was answered and timed out");
      hold(waiter.serial <= state_.serial_last, named(index) + " has a wait with a number that was not given yet");
      check_attempt(index, waiter.trigger);
    }
    const bool joins = plan_.steps[index].input == Input::join;
    hold(joins || step.arrivals.empty(), named(index) + " keeps events for a join, and is none");
  }

  void check_attempt(StepIndex index, const Attempt& attempt) {
    hold(attempt.work_item <= state_.work_item_last, named(index) + " has a work item that was not given yet");
    hold(attempt.span <= state_.span_last, named(index) + " has a span that was not given yet");
    for (auto scope = attempt.scope; scope; scope = scope->outer)
      hold(scope->stream <= state_.stream_last, named(index) + " works inside a stream that was not opened yet");
  }

  void check_stream(StreamId id, const Stream& stream) {
    const auto name = "stream " + std::to_string(id);
    hold(id <= state_.stream_last, name + " was not opened yet");
    hold(stream.source < plan_.steps.size(), name + " comes from no step");
    hold(stream.scope && stream.scope->stream == id, name + " has another stream's scope");
    hold(stream.open_work_items > 0, name + " is open although no work is left in it");
  }

  const Plan& plan_;
  const State& state_;
  std::set<std::uint64_t> serials_;
  std::optional<std::string> broken_;
};

}  // namespace

std::optional<std::string> broken_invariant(const Plan& plan, const State& state) { return Checks(plan, state).run(); }

}  // namespace weir::engine
