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
  bool early = false;  ///< came while the run queued: kept for a while when nothing takes it
};

constexpr std::uint64_t run_timer = 0;  ///< other timers have the serial of what they watch

struct Reduction {
  const Plan& plan;
  State& state;
  Time now;
  std::vector<Command> commands;
  std::deque<Arrival> arrivals;
  SpanId cause = 0;  ///< the piece of work that the tick is about; 0: the tick is about none

  StepState& step(StepIndex index) { return state.steps[index]; }
  std::uint64_t next_serial() { return ++state.serial_last; }
  /// For an instant that stands in the state.
  void set_timer(std::uint64_t timer, Time due, TimerTick tick) { commands.emplace_back(SetTimer{timer, due, std::move(tick)}); }
  /// For a wait that begins with this tick.
  void set_timer_in(std::uint64_t timer, Duration in, TimerTick tick) {
    commands.emplace_back(SetTimer{timer, later(now, in), std::move(tick), in});
  }
  void clear_timer(std::uint64_t timer) { commands.emplace_back(ClearTimer{timer}); }
  /// By the piece of work that the tick is about.
  void publish(EventBox event) { commands.emplace_back(PublishEvent{std::move(event), cause}); }
  /// A piece of work that the tick's began.
  Attempt new_attempt() {
    Attempt out;
    out.span = ++state.span_last;
    out.caused_by = cause;
    return out;
  }
};

// routing.cpp
void route(Reduction& r, Arrival arrival);
void publish_unhandled(Reduction& r, const EventBox& event, std::optional<StepIndex> step);
/// Nobody has taken what was kept, and nobody will.
void let_go_of(Reduction& r, std::vector<EventBox>& kept);

// dispatch.cpp
/// Gives the attempt to a free worker, or queues it.
void dispatch(Reduction& r, StepIndex step, Attempt attempt);
/// Gives queued attempts whose time has come to free workers.
void dispatch_queued(Reduction& r, StepIndex step);
/// Runs the attempt again in the slot it already holds, on a fresh snapshot.
void rerun(Reduction& r, InvocationId id, Attempt attempt);
RunStep run_command(const State& state, InvocationId id, const Running& running);
/// The invocation is over: its slot is free, and the stream is told. `running` is gone afterwards.
Attempt vacate(Reduction& r, InvocationId id, Running& running, std::optional<std::string> output, std::shared_ptr<const StepTrace> trace);

// joins.cpp
/// Keeps the event for a join step; starts the step when every parameter has one.
void join(Reduction& r, StepIndex step, Arrival arrival, WorkItem work_item);

// run_begins.cpp
void on_run_started(Reduction& r, const RunStarted& started);
void on_run_restored(Reduction& r, const RunRestored& restored);
void on_run_admitted(Reduction& r, const RunAdmitted& admitted);
void on_limits_changed(Reduction& r, const LimitsChanged& changed);
void on_event_arrived(Reduction& r, const EventArrived& arrived);

// step_ended.cpp
void on_step_ended(Reduction& r, const StepEnded& ended);
void on_step_progressed(Reduction& r, const StepProgressed& progressed);
void on_value_recorded(Reduction& r, const ValueRecorded& recorded);
/// The running invocation a report is about; nullptr when it is no longer current.
Running* find_running(Reduction& r, InvocationId id);

// waiters.cpp
/// Wakes every pending waiter the event answers, or, when there is none, the oldest that receives; returns the steps that were woken.
std::vector<StepIndex> answer_waiters(Reduction& r, const EventBox& event);
void add_waiter(Reduction& r, StepIndex step, const Suspended& suspended, Attempt trigger);
void on_waiter_timed_out(Reduction& r, const WaiterTimedOut& timed_out);
bool waits_in_stream(const State& state, StreamId stream);

// failures.cpp
/// Of an attempt that has just failed.
std::shared_ptr<const StepTrace> trace_of_failure(const Reduction& r, const Attempt& attempt, const Failed& failed);
void on_failed(Reduction& r, StepIndex step, Attempt attempt, const Failed& failed);
void on_retry_due(Reduction& r, const RetryDue& due);
void on_step_timed_out(Reduction& r, const StepTimedOut& timed_out);

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
/// The run cannot go on, and the reason is no step's failure.
void fail_stuck(Reduction& r, std::string_view step, const std::string& why);
/// Nothing can happen in it after this tick.
void end_stuck(Reduction& r, const Tick& last);
void on_run_timed_out(Reduction& r);
void on_cancel_requested(Reduction& r);

}  // namespace weir::engine
