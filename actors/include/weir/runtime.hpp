// Workflows without HTTP: register, start, follow.
#pragma once

#include <weir/run.hpp>
#include <weir/runtime_options.hpp>
#include <weir/workflow.hpp>

#include <memory>
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
};

template <class... E>
std::vector<const EventType*> events() {
  return {&event_type<E>()...};
}

/// Owns its actor system, timers and threads; several live side by side in one process. Thread-safe.
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
  /// A name registered before is replaced; runs in flight keep what they began with.
  template <class W>
  void add_workflow(const std::string& name, std::shared_ptr<W> workflow, WorkflowOptions options) {
    add(name, std::string(reflect::type_name<W>()), std::move(workflow), std::move(options));
  }

  /// Starts a run. `handler_id` empty: one is made up; the id of an ended handler runs again with its state.
  /// Throws std::invalid_argument when the workflow is unknown or does not start with that event, RunFailed when the
  /// handler is still running.
  Run start(const std::string& workflow, EventBox start, const std::string& handler_id = "");

  /// The runtime's inner interface, for Weir's own front ends.
  runtime::Service& service() noexcept { return *service_; }

private:
  void add(const std::string& name, std::string class_name, std::shared_ptr<Workflow> workflow, WorkflowOptions options);

  std::unique_ptr<runtime::Service> service_;
};

}  // namespace weir
