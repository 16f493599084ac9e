// What a run's actors share while it is alive.
#pragma once

#include "blocking_pool.hpp"
#include "catalog.hpp"
#include "messages.hpp"
#include "timers.hpp"

#include <weir/runtime_options.hpp>
#include <weir/state_store.hpp>
#include <weir/store.hpp>

#include <memory>
#include <stop_token>
#include <string>

namespace weir::runtime {

class Registry;

/// Owned by the runtime, outlives every run.
struct Environment {
  RuntimeOptions options;
  Timers timers;
  BlockingPool pool;
  std::shared_ptr<Store> store;
  Registry* registry = nullptr;

  explicit Environment(RuntimeOptions given)
      : options(std::move(given)), pool(options.blocking_threads_max), store(options.store ? options.store : memory()) {}
};

/// Immutable but for the state store and the stop source, which guard themselves.
struct LiveRun {
  LiveRun(Environment& env, WorkflowPtr registered, HandlerRow begun, Inheritance left)
      : environment(env), workflow(std::move(registered)), row(std::move(begun)),
        inherits_own_state(left.workflow_name == row.workflow_name), state(std::move(left.state)) {}

  /// What the handler's next run starts with. State left by another workflow goes no further unless a step of this one
  /// has used it, as on the Python server.
  Object state_to_keep() const { return state.touched() || inherits_own_state ? state.snapshot() : Object(); }

  Environment& environment;
  WorkflowPtr workflow;
  HandlerRow row;  ///< as it was when the run began
  const bool inherits_own_state;
  StateStore state;
  std::stop_source stop;
};

}  // namespace weir::runtime
