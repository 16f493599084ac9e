// The recorded inputs of a run. A journal is a sequence of these; replaying it gives the state back.
#pragma once

#include "state.hpp"

#include <variant>

namespace weir::engine {

/// The run begins with its start event.
struct RunStarted {
  EventBox start;
  std::optional<Limits> limits = {};  ///< empty: the plan's
};

/// The run goes on from a state that was saved elsewhere; no start event is sent.
struct RunRestored {
  std::shared_ptr<const State> state;
  std::optional<Limits> limits = {};  ///< empty: the plan's
};

/// A run that was queued may go on.
struct RunAdmitted {
  bool keeps_early = true;  ///< false in journals of earlier versions, which let go at once of what nothing took yet: State::early
};

/// Somebody outside sent an event.
struct EventArrived {
  Sent sent;
};

/// Which invocation a report is about. Reports of invocations that are no longer current are ignored.
struct InvocationId {
  StepIndex step = 0;
  Slot slot = 0;
  std::uint64_t serial = 0;
};

/// What a step did so far without having ended.
struct StepProgressed {
  InvocationId id;
  std::vector<EventBox> published;
  std::vector<Sent> sent;
  Edits edits = {};  ///< all of the attempt's so far, of the stores that it has edited since its last report
};

/// The states that are stored from here on hold edits of bodies that have not reported them yet.
struct StateEdited {
  Sequence since = 0;                                 ///< the first tick that is made durable together with these states
  std::vector<std::pair<InvocationId, Edits>> edits;  ///< behind a run's end only the serials are known
};

/// A run_once block finished; its result will be given back on every repetition.
struct ValueRecorded {
  InvocationId id;
  std::string name;
  std::string json;
};

/// A call of collect_events and what it decided on the snapshot it saw.
struct CollectCall {
  std::string buffer;
  EventBox event;
  TypeCounts expected;
  Collected outcome = Collected::dropped;
};

struct Returned {
  std::vector<EventBox> events;
  bool fanned_out = false;  ///< a list was returned: its elements form a stream, also when empty
};

struct Failed {
  ExceptionInfo error;
  std::optional<Duration> retry_after;  ///< the policy's verdict, taken once and recorded
};

/// The body waits for an event, or for one from a mailbox; it gave its slot back.
struct Suspended {
  std::string waiter_id;
  const EventType* type = nullptr;
  Object requirements;
  std::optional<EventBox> publish;
  std::optional<Duration> timeout;
  bool receives = false;
};

using Ending = std::variant<Returned, Failed, Suspended>;

/// An invocation ended. `published` and `sent` are what it did since its last report, `edits` as in StepProgressed.
struct StepEnded {
  InvocationId id;
  std::vector<EventBox> published;
  std::vector<Sent> sent;
  std::vector<CollectCall> collects;
  std::vector<std::string> answered_waiters;  ///< whose answers this body has consumed
  Ending ending;
  Edits edits = {};
};

struct WaiterTimedOut {
  StepIndex step = 0;
  std::string waiter_id;
};

/// The time of at least one delayed retry has come.
struct RetryDue {
  Time due;
};

/// An invocation has run for longer than its step allows.
struct StepTimedOut {
  InvocationId id;
  std::optional<Duration> retry_after;  ///< the policy's verdict, filled in by who feeds the tick
};

struct RunTimedOut {};
struct CancelRequested {};

/// The run was loaded by a build whose workflow allows more or less.
struct LimitsChanged {
  Limits limits;
};

/// The run has gone beyond one of its budgets, for the first time since its process began.
struct BudgetExceeded {
  std::string limit;
  std::int64_t max = 0;
  std::string step_name;  ///< the last step that was at work
};

using Tick = std::variant<RunStarted, RunRestored, RunAdmitted, EventArrived, StepProgressed, ValueRecorded, StepEnded, StepTimedOut,
                          WaiterTimedOut, RetryDue, RunTimedOut, CancelRequested, StateEdited, LimitsChanged, BudgetExceeded>;

/// The ticks that only time brings.
using TimerTick = std::variant<StepTimedOut, WaiterTimedOut, RetryDue, RunTimedOut>;

inline Tick to_tick(TimerTick timer) {
  return std::visit([](auto& tick) -> Tick { return std::move(tick); }, timer);
}

/// Time and identity arrive with the tick: the engine has no clock.
struct Stamped {
  Sequence seq = 0;
  Time at;
  Tick tick;
};

}  // namespace weir::engine
