// What the engine wants done. Commands are executed after the tick that caused them is durable.
#pragma once

#include "tick.hpp"

#include <variant>

namespace weir::engine {

/// An event a repeated or resumed body is given at once instead of waiting.
struct Answer {
  std::string waiter_id;
  std::optional<EventBox> event;  ///< empty: the wait timed out
};

/// Everything a body needs to run.
struct RunStep {
  InvocationId id;
  EventBox event;
  std::shared_ptr<const Release> release;
  std::shared_ptr<const std::vector<EventBox>> joined;
  WorkItem work_item = 0;
  std::uint32_t published = 0, sent = 0;  ///< of these, the first are known already
  Edits edits;                            ///< the same: what the stores have the outcome of
  std::uint32_t failures = 0;
  Time first_attempt_at;
  std::optional<Failure> last_failure;
  Snapshot collected;
  std::vector<Answer> answers;
  std::map<std::string, std::string> recorded;
};

/// What StepStateChanged leaves out in the protocol, for those who debug. A first attempt that returns has none.
struct StepTrace {
  std::uint32_t attempt = 1;
  bool resumed = false;                     ///< the body goes on behind what it has awaited
  std::optional<ExceptionInfo> error = {};  ///< the attempt failed
  std::optional<Time> retry_at = {};        ///< and is repeated then
  std::string waits_for = "";               ///< the event's type: the body gave its slot back until it comes
};

struct PublishEvent {
  EventBox event;
  SpanId span = 0;       ///< of the piece of work that it is about, or that published it; 0: none
  SpanId caused_by = 0;  ///< whose event began that piece of work; 0: one from outside
  std::shared_ptr<const StepTrace> trace = nullptr;
};

/// The body's report will be ignored: it may be dropped.
struct StopStep {
  InvocationId id;
};

/// Ask for a place among the workflow's concurrent runs; RunAdmitted is the answer.
struct AwaitAdmission {};

struct SetTimer {
  std::uint64_t timer;              ///< unique in the run
  Time due;                         ///< stored, and so by the wall clock
  TimerTick tick;                   ///< what to feed back when the time has come, with a time that is not before `due`
  std::optional<Duration> in = {};  ///< the wait begins now and lasts so long; empty: it has begun earlier
};

/// What the timer was for has happened otherwise.
struct ClearTimer {
  std::uint64_t timer;
};

/// A run_once result is recorded: its body may go on.
struct AcknowledgeValue {
  InvocationId id;
  std::string name;
};

/// The run is over; the last published event is its terminal event.
struct FinishRun {
  Status status;
  EventBox terminal;
  std::string error;  ///< empty unless failed
};

using Command = std::variant<RunStep, StopStep, PublishEvent, AwaitAdmission, SetTimer, ClearTimer, AcknowledgeValue, FinishRun>;

}  // namespace weir::engine
