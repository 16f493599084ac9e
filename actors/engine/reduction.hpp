// The reducer's working table: the state being changed, the time, the commands so far, and the events still to route.
// Only files of the reducer include this.
#pragma once

#include "reduce.hpp"

#include <deque>

namespace weir::engine {

/// An event to be routed, with what it inherits from the step that emitted it.
struct Arrival {
  EventBox event;
  std::optional<StepIndex> target;
  Recoveries recoveries;
  ScopePtr scope;
};

struct Reduction {
  const Plan& plan;
  State& state;
  Time now;
  std::vector<Command> commands;
  std::deque<Arrival> arrivals;

  StepState& step(StepIndex index) { return state.steps[index]; }
  void publish(EventBox event) { commands.emplace_back(PublishEvent{std::move(event)}); }
};

// routing.cpp
void route(Reduction& r, Arrival arrival);

// dispatch.cpp
/// Gives the attempt to a free worker, or queues it.
void dispatch(Reduction& r, StepIndex step, Attempt attempt);
/// Gives queued attempts whose time has come to free workers.
void dispatch_queued(Reduction& r, StepIndex step);
/// Runs the attempt again in the slot it already holds, on a fresh snapshot.
void rerun(Reduction& r, InvocationId id, Attempt attempt);
RunStep run_command(const Plan& plan, const State& state, InvocationId id, const Running& running);
void publish_not_running(Reduction& r, InvocationId id, const EventType& input, std::optional<std::string> output);

// step_ended.cpp
void on_step_ended(Reduction& r, const StepEnded& ended);
void on_step_progressed(Reduction& r, const StepProgressed& progressed);
void on_value_recorded(Reduction& r, const ValueRecorded& recorded);
/// The running invocation a report is about; nullptr when it is no longer current.
Running* find_running(Reduction& r, InvocationId id);

// waiters.cpp
/// Wakes every pending waiter the event answers; returns the steps that were woken.
std::vector<StepIndex> answer_waiters(Reduction& r, const EventBox& event);
void add_waiter(Reduction& r, StepIndex step, const Suspended& suspended, Attempt trigger);
void on_waiter_timed_out(Reduction& r, const WaiterTimedOut& timed_out);
bool waits_in_stream(const State& state, StreamId stream);

// failures.cpp
void on_failed(Reduction& r, StepIndex step, Attempt attempt, const Failed& failed);
void on_retry_due(Reduction& r, const RetryDue& due);

// streams.cpp
ScopePtr open_stream(Reduction& r, StepIndex source, const ScopePtr& outer, const std::vector<EventBox>& members);
/// Adds to the innermost stream's open work; closes it when nothing is left.
void account(Reduction& r, const ScopePtr& scope, std::int64_t change);
/// Hands an arrival to a collect step; false when it belongs to no stream that step collects.
bool collect_member(Reduction& r, StepIndex target, const Arrival& arrival);
std::optional<std::string> stuck_streams(const Reduction& r);

// ending.cpp
void finish(Reduction& r, Status status, EventBox terminal, std::string error);
void fail(Reduction& r, std::string_view step, ExceptionInfo error, std::optional<std::int64_t> attempts, std::optional<double> elapsed);
void on_run_timed_out(Reduction& r);
void on_cancel_requested(Reduction& r);

}  // namespace weir::engine
