// Workflows without HTTP: register, start, follow.
#pragma once

#include <weir/run.hpp>
#include <weir/runtime_options.hpp>
#include <weir/workflow.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir {

namespace runtime {
class Service;
}

struct WorkflowOptions {
  /// Events that no step declares but clients may see or send: list them with weir::events<A, B>().
  std::vector<const EventType*> additional_events = {};
  /// Takes the place of the workflow of the same name and version; runs in flight keep what they began with.
  bool replace = false;
};

template <class... E>
std::vector<const EventType*> events() {
  return {&event_type<E>()...};
}

struct StartOptions {
  std::string handler_id = "";  ///< empty: one is made up; the id of an ended handler runs again with its state
  /// What Run::context(), or the Python library's JSON serialiser, has written: the run begins with its state, and where it
  /// was if that was in the middle; the start event is not sent then.
  std::optional<Value> context = {};
};

/// Owns its actor system, timers and threads; several live side by side in one process. Thread-safe.
///
/// The destructor asks bodies that still run to end (Context::stop_token) and waits for them, for RuntimeOptions::stop_timeout. Those
/// that have not ended then are named in the log and left behind, with this runtime's insides and everything they use, for the rest
/// of the process. They may use globals, too: exit() then ends the process without what atexit() knew before, destructors of globals
/// among it.
class Runtime {
public:
  explicit Runtime(RuntimeOptions options = {});
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  /// Constructs a W and registers it. Throws WorkflowError when its graph cannot work.
  template <class W, class... A>
  void add_workflow(const std::string& name, A&&... arguments) {
    add_workflow(name, std::make_shared<W>(std::forward<A>(arguments)...), WorkflowOptions());
  }
  /// Throws WorkflowError when one of the same name and version is there, unless WorkflowOptions::replace. A name may have several
  /// versions: new runs get the one added last, earlier ones finish the runs they have.
  template <class W>
  void add_workflow(const std::string& name, std::shared_ptr<W> workflow, WorkflowOptions options) {
    add(name, std::string(reflect::type_name<W>()), std::move(workflow), std::move(options));
  }

  /// Starts a run. Throws std::invalid_argument when the workflow is unknown, does not start with that event, or cannot
  /// read the context; RunFailed when the handler is still running.
  Run start(const std::string& workflow, EventBox start, StartOptions options);
  Run start(const std::string& workflow, EventBox start, std::string handler_id = "") {
    return this->start(workflow, std::move(start), StartOptions{.handler_id = std::move(handler_id)});
  }

  /// Goes on with the runs that an earlier process left at work in a durable store; returns how many. Those that only wait
  /// stay in the store until an event, their time or somebody who asks wakes them. A run that cannot go on ends with the
  /// reason; one whose workflow is not registered waits for it. Call it after the last add_workflow, also when nothing is left:
  /// what RuntimeOptions::retention no longer keeps is purged from then on. A run that was at work at the last three ends of the
  /// process, and got no further in between, is quarantined: HandlerRow::quarantined. See docs/reliability.md.
  std::size_t recover();
  /// Goes on with a run that was quarantined; it has one more chance. Throws std::invalid_argument when it was not, StoreFailure when the
  /// store does not answer.
  void resume(const std::string& handler_id);

  /// The run that a handler has, or had last; nothing when there is no such handler.
  std::optional<Run> find_run(const std::string& handler_id);
  /// In order of registration; children of other workflows are not among them.
  std::vector<std::string> workflow_names() const;
  /// The workflow's graph as the protocol's JSON (contract 4.3).
  std::string representation(const std::string& workflow) const;

  /// Makes every resource that the workflow's steps use; throws WorkflowError with what failed. Everything else about a
  /// workflow is checked when it is added. Blocks.
  void validate_resources(const std::string& workflow) const;

  /// The workflow's graph for Mermaid or Graphviz; throws std::invalid_argument when it is unknown. With a run, steps show
  /// how often they ran.
  std::string mermaid(const std::string& workflow) const;
  std::string mermaid(const Run& run) const;
  std::string dot(const std::string& workflow) const;
  std::string dot(const Run& run) const;

  /// The runtime's inner interface, for Weir's own front ends.
  runtime::Service& service() noexcept { return *service_; }

private:
  void add(const std::string& name, std::string class_name, std::shared_ptr<Workflow> workflow, WorkflowOptions options);

  std::unique_ptr<runtime::Service> service_;
};

}  // namespace weir
