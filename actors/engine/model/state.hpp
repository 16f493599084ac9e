// Everything a run knows between two ticks. Plain data; changed only by reduce().
#pragma once

#include "buffer.hpp"
#include "plan.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir::engine {

using Sequence = std::uint64_t;
using Slot = std::uint32_t;
using SpanId = std::uint64_t;    ///< one piece of a step's work, its retries and waits included
using WorkItem = std::uint64_t;  ///< one event's journey into the steps that take it
using StreamId = std::uint64_t;  ///< one fan-out: one returned list

/// The fan-out streams an event is inside of, innermost first. Null: none.
struct Scope {
  StreamId stream;
  std::shared_ptr<const Scope> outer;
};
using ScopePtr = std::shared_ptr<const Scope>;

/// How often each error handler has been tried on an event's ancestry.
using Recoveries = std::map<StepIndex, std::uint32_t>;

struct Failure {
  ExceptionInfo error;
  Time at;
};

/// What a collect step is given instead of a single event.
struct Release {
  StepIndex target;
  StreamId stream;
  std::vector<EventBox> events;
};

/// What a body has done to the state stores, by store: how many of its edits were done, how many after these threw, how many
/// were done then, and so on.
using Edits = std::map<std::string, std::vector<std::uint32_t>>;

/// One piece of work for a step, tried until it succeeds or its retries are used up.
struct Attempt {
  EventBox event;
  std::uint32_t failures = 0;
  std::optional<Time> first_attempt_at;
  std::optional<Failure> last_failure;
  std::optional<Time> not_before;  ///< a retry that must wait; empty: eligible now
  std::uint64_t retry_timer = 0;   ///< of that wait
  Recoveries recoveries;
  ScopePtr scope;
  std::shared_ptr<const Release> release;
  std::shared_ptr<const std::vector<EventBox>> joined;  ///< join steps: one event per parameter
  WorkItem work_item = 0;
  SpanId span = 0;       ///< tells this piece of work from every other of the run, for those who debug
  SpanId caused_by = 0;  ///< the piece of work whose event began it; 0: an event from outside
  /// What this attempt's body has published and sent already: a body that is repeated because its process died begins
  /// behind that.
  std::uint32_t published = 0;
  std::uint32_t sent = 0;
  Edits edits;  ///< the same: of these, the stores have the outcome
};

using Snapshot = std::vector<std::pair<std::string, BufferPtr>>;

struct Running {
  Attempt attempt;
  std::uint64_t serial = 0;      ///< tells an invocation from earlier ones in the same slot
  Snapshot collected;            ///< the step's buffers when it was dispatched
  std::optional<Time> deadline;  ///< of this invocation
};

struct Waiter {
  std::string id;
  std::uint64_t serial = 0;  ///< its timer
  const EventType* type = nullptr;
  Object requirements;
  Attempt trigger;
  std::optional<Time> deadline;
  std::optional<EventBox> resolved;
  bool timed_out = false;
  bool receives = false;  ///< from a mailbox: what answers it answers nobody else

  bool pending() const noexcept { return !resolved && !timed_out; }
};

/// An event that a join step keeps until there is one for each of its parameters.
struct JoinArrival {
  std::uint64_t order = 0;
  EventBox event;
};
using JoinArrivals = std::vector<std::pair<const EventType*, std::deque<JoinArrival>>>;  ///< by type, oldest first

struct StepState {
  Snapshot collected;
  std::deque<Attempt> queue;
  std::map<Slot, Running> running;
  std::vector<Waiter> waiters;
  JoinArrivals arrivals;
  /// run_once results as JSON, by name. Steps that take the same event have the same work item, but never each other's results.
  std::map<WorkItem, std::map<std::string, std::string>> recorded;
};

struct Stream {
  StepIndex source;
  ScopePtr scope;  ///< of the stream itself: its members carry it
  std::int64_t open_work_items = 0;
  std::map<StepIndex, std::vector<EventBox>> arrivals;  ///< by bound collect step, oldest first
  std::vector<StepIndex> released;
};

/// What the workflow allowed when the run began, or was loaded last: a journal must replay alike in a build that allows more or less.
struct StepLimits {
  std::uint32_t num_workers = 4;
  std::optional<Duration> timeout = {};
  std::uint32_t max_recoveries = 1;
  bool operator==(const StepLimits&) const = default;
};
struct MailboxLimits {
  std::string type;  ///< qualified name
  std::uint32_t events_max = 0;
  bool operator==(const MailboxLimits&) const = default;
};
struct Limits {
  bool queues = false;      ///< the run must be admitted first
  bool ends_stuck = false;  ///< fails when nothing can happen in it any more; earlier versions' journals do not say so, and let it be
  std::optional<Duration> timeout = {};
  std::vector<StepLimits> steps = {};
  std::vector<MailboxLimits> mailboxes = {};
  bool operator==(const Limits&) const = default;
};
Limits limits_of(const Plan& plan);

enum class Status { running, completed, failed, cancelled };

/// An event on its way into the run, perhaps for one step only.
struct Sent {
  EventBox event;
  std::optional<StepIndex> target;
};

/// How many events wait for the beginning of a run that queues.
constexpr std::size_t held_events_max = 1000;

struct State {
  bool started = false;
  bool queued = false;     ///< waits to be admitted among the workflow's concurrent runs
  std::vector<Sent> held;  ///< what has come meanwhile, the start event first
  /// Of that, what nothing takes so far: a wait may begin that does, until the run is idle for the first time.
  std::vector<EventBox> early;
  std::vector<EventBox> mail;  ///< what the mailboxes keep, oldest first
  Status status = Status::running;
  std::vector<StepState> steps;
  std::map<StreamId, Stream> streams;
  std::optional<Time> deadline;
  WorkItem work_item_last = 0;
  StreamId stream_last = 0;
  std::uint64_t serial_last = 0;
  SpanId span_last = 0;
  Limits limits;

  bool over() const noexcept { return status != Status::running; }
};

/// Started, and nothing queued or in progress: only an event or a timer can move it.
bool idle(const State& state);
std::string_view status_name(Status status);

}  // namespace weir::engine
