// The runtime as the HTTP front and the public Runtime see it. Hides CAF: calls become messages to supervisors, answers
// come back through callbacks on actor threads. Nothing here blocks, except the destructor.
#pragma once

#include <weir/envelope.hpp>
#include <weir/runtime_options.hpp>
#include <weir/store.hpp>
#include <weir/workflow.hpp>

#include "actors/runtime/commit/store_health.hpp"
#include "actors/runtime/declare/registered_workflow.hpp"
#include "actors/runtime/messages/stream_batch.hpp"
#include "actors/runtime/recover/saved_context.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::runtime {

class Claim;

struct StartRequest {
  WorkflowPtr workflow;  ///< from find_workflow
  EventBox start;
  std::string handler_id;              ///< empty: one is made up
  std::string parent_handler_id = {};  ///< of a child's run
  std::optional<Rerun> rerun_of = {};
  std::optional<SavedContext> context = {};  ///< instead of what an earlier run of the handler left
  std::optional<IdempotencyKey> key = {};    ///< of the request: stored with the beginning
  bool patient = false;                      ///< begins however long the store takes; else it is refused when that does not answer
};

/// An event for a run.
struct EventRequest {
  std::string handler_id;
  EventBox event;
  std::string step = {};                   ///< empty: every step that takes it
  bool strict = false;                     ///< SendOptions::strict
  std::optional<IdempotencyKey> key = {};  ///< of the request
};
/// Gets what Run::send_event returns.
using EventReply = std::function<void(const Expected<bool>&)>;

/// Gets a handler, or why there is none to be had: Code::unavailable while the store does not answer.
using HandlerReply = std::function<void(const Expected<HandlerRow>&)>;

enum class DrawingFormat { mermaid, dot };

/// What a run may be asked while it is alive.
struct RunSnapshot {
  std::vector<std::string> running_steps;  ///< with a body in progress, in step order
  Object context;                          ///< as the protocol serialises contexts (contract 5.13)
};

struct StreamRequest {
  std::string handler_id;
  std::string run_id;
  std::int64_t after = -1;
  bool include_internal = false;
};

/// A reader's end of a stream; destroying it ends the subscription.
class Stream {
public:
  virtual ~Stream() = default;
  /// Asks for the next batch; one is outstanding at a time. It may be delivered before this returns.
  virtual void request_next() = 0;
  /// request_next() reads a store that may block, or much, on the thread that calls it.
  virtual bool may_take_long() const { return false; }
};

using Deadline = std::chrono::steady_clock::time_point;

class ServiceDoor;

class Service {
public:
  explicit Service(RuntimeOptions options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Throws WorkflowError when the workflow cannot work, or one of its name and version is there that it does not `replace`.
  void add_workflow(std::string name, std::string class_name, std::shared_ptr<Workflow> flow,
                    std::vector<const EventType*> additional_events, bool replace = false);
  /// From now on every workflow that is added replaces what has its name and version.
  void replace_workflows();
  /// The version registered last.
  WorkflowPtr find_workflow(std::string_view name) const;
  /// The version that a run was started with; nullptr when it is no longer registered.
  WorkflowPtr find_workflow(const HandlerRow& row) const;
  /// Reads a context that `inspect`, or the Python library, has written.
  Expected<SavedContext> read_context(const RegisteredWorkflow& workflow, const Value& context) const;
  /// What a new run goes on from where this one was after the event of that sequence; see rewind.hpp.
  Expected<Rewound> rewind(const RegisteredWorkflow& workflow, const HandlerRow& row, std::int64_t sequence) const;
  /// The workflow's graph as Mermaid or Graphviz text; with a run, also how often its steps ran.
  std::string draw(const RegisteredWorkflow& workflow, DrawingFormat format, const std::string& run_id = {}) const;
  /// Makes every resource of the workflow; throws WorkflowError with those that failed.
  void try_resources(const RegisteredWorkflow& workflow) const;
  std::vector<std::string> workflow_names() const;

  /// `started`, if given, gets the handler as it began, when that is durable; `ended`, if given, gets it when the run is over. Both get
  /// the reason, and nothing more, when the beginning could not be stored, or the store does not say. `refused` is called before this
  /// returns, and alone, when there is no run.
  void start(StartRequest request, HandlerReply started, HandlerReply ended, const std::function<void(const Error&)>& refused);
  /// Goes on with the runs that another process left at work in the store. After the last add_workflow; returns how many.
  /// Those that only wait stay in the store until they are asked for or their time comes. Those that cannot go on are ended
  /// with the reason; those whose workflow is not registered are left alone, and named in the log. When the process before has died,
  /// those that it may have died of are gone on with one by one, or quarantined (resumption.hpp).
  std::size_t recover();
  /// What no step of the run takes goes to those of its children that are shown on its stream and know the event.
  void send_event(EventRequest request, const EventReply& reply);
  /// The workflow of a run that is in memory; nullptr: there is none. Does not ask the store.
  WorkflowPtr find_live_workflow(const std::string& handler_id) const;
  /// The same as send_event for a run that is in memory, without ever asking the store. False, and nothing has happened, when it is not
  /// there, or the event is for one of its children.
  bool send_event_to_live(const EventRequest& request, const EventReply& reply);
  /// Looks at a run; one that is over has no running steps, and a context with its state alone. False, and no reply, when
  /// there is no such handler or its workflow is no longer registered.
  bool inspect(const std::string& handler_id, const std::function<void(RunSnapshot)>& reply);
  /// The steps that are at work now, in step order. When the run has not said so after `timeout`, because a step holds the thread that it
  /// needs, those alone whose code runs at this moment. False, and no reply, for a run that is not in memory: it is not woken.
  bool find_running_steps(const std::string& handler_id, Duration timeout, std::function<void(std::vector<std::string>)> reply);
  /// 1 for the run that is admitted next; nothing for a handler that does not wait among its workflow's concurrent runs.
  std::optional<std::size_t> queue_position(const std::string& handler_id);
  /// Replies true when this call ended a running run, false when there was none. Code::unavailable: the store does not answer.
  void cancel(const std::string& handler_id, std::function<void(Expected<bool>)> reply);
  /// The same however long the store takes, for a run that nobody wants any more.
  void give_up(const std::string& handler_id);
  /// Of a run that is quarantined: when it has been resumed and is over.
  void await_end(const std::string& handler_id, HandlerReply reply);
  /// Goes on with a run that was quarantined. Code::not_found; Code::conflict when it is not. Blocks.
  Expected<HandlerRow> resume(const std::string& handler_id);
  /// The first batch is requested already. A run that is over is read on the calling thread.
  std::unique_ptr<Stream> subscribe(const StreamRequest& request, std::function<void(StreamBatch)> sink);

  /// Removes the handler and what belongs to its runs from the store. False when there is none.
  Expected<bool> purge(const std::string& handler_id);
  /// Does a job that needs the store where it may block. When the store does not answer (StoreFailure), again after a pause, until it
  /// does or the service stops. At once, on this thread, when the store is not durable.
  void when_store_answers(std::function<void()> job);
  /// Whether the store takes commits, and if not why.
  StoreStatus store_status() const;
  /// Tells of handlers that begin, end, become idle, go on, or (with true) are purged, until the handle is dropped. On any thread.
  [[nodiscard]] std::shared_ptr<void> watch_handlers(std::function<void(const HandlerRow&, bool)> listener);
  /// On a thread that may block; dropped when the service is stopped before.
  void in_background(std::function<void()> job);

  /// For those that may outlive this object.
  std::shared_ptr<ServiceDoor> door() const;

  /// All options but the log, before any run is started: std::logic_error after that.
  void configure(RuntimeOptions options);
  Store& store() const;
  std::size_t live_runs() const;
  void log(LogLevel level, std::string_view text) const;

  Time now() const;
  bool stopping() const noexcept;
  /// Ends all runs' actors and streams; handlers that were running stay `running` in the store. Bodies that still run are asked to end
  /// (stop_token) and waited for until the deadline: false when some have not ended by then. Called again, goes by the first deadline.
  /// Thread-safe; blocks.
  bool stop(Deadline deadline);
  /// After stop(): waits for the actors, too, until the same deadline.
  bool all_ended();
  /// Stops, if that has not been done, for RuntimeOptions::stop_timeout. False: there are bodies that do not end, which the log names;
  /// they use this object, which must live on.
  bool end();

private:
  /// What a new run starts with, and the id of the handler's earlier run. An id that was made up has none.
  Expected<std::pair<Inheritance, std::string>> begin(HandlerRow& row, const RegisteredWorkflow& workflow, bool id_is_made_up);

  void name_those_left();

  Expected<std::shared_ptr<Claim>> claim(const std::optional<IdempotencyKey>& key);

  struct State;
  std::unique_ptr<State> state_;
};

/// Ten characters from [A-Za-z0-9], from the system's cryptographic source.
std::string make_id();

}  // namespace weir::runtime
