// What a run's actors share while it is alive.
#pragma once

#include "actors/runtime/clock/blocking_pool.hpp"
#include "actors/runtime/clock/timers.hpp"
#include "actors/runtime/commit/commit_queue.hpp"
#include "actors/runtime/messages/messages.hpp"
#include "bodies_at_work.hpp"
#include "handler_changes.hpp"
#include "run_context.hpp"
#include "starting_keys.hpp"

#include <weir/printable.hpp>
#include <weir/runtime_options.hpp>

#include <atomic>
#include <memory>

namespace weir::runtime {

class Hibernation;
class Registry;
class Resumption;
class Service;

/// What comes from steps and clients must not write lines of its own into the log, nor act on a terminal. A sink that throws costs
/// its line, not the run or the thread that has something to tell.
inline RuntimeOptions with_clean_log(RuntimeOptions options) {
  if (options.log)
    options.log = [sink = std::move(options.log)](LogLevel level, std::string_view text) {
      try {
        sink(level, printable(text));
      } catch (...) {}
    };
  return options;
}

/// Owned by the runtime, outlives every run.
struct Environment {
  RuntimeOptions options;
  const std::shared_ptr<const LogSink> log;  ///< that of the options; none when they have none
  Timers timers;
  BlockingPool pool;
  BlockingPool store_jobs;  ///< what the runtime itself asks of a store that may block
  std::shared_ptr<Store> store;
  StoreHealth store_health;
  std::unique_ptr<CommitQueue> commits;  ///< of durable stores
  HandlerChanges changes;
  StartingKeys starting_keys;
  BodiesAtWork bodies;
  std::atomic<bool> stopping = false;  ///< the service is: bodies are asked to end
  Registry& registry;
  Hibernation& hibernation;
  Resumption& resumption;
  Service& service;

  /// The references are only kept: what they refer to may be made later.
  Environment(RuntimeOptions given, Registry& runs, Hibernation& hibernating, Resumption& resumed, Service& owner)
      : options(with_clean_log(std::move(given))), log(options.log ? std::make_shared<const LogSink>(options.log) : nullptr),
        pool(options.blocking_threads_max, failed("a job in the background")), store_jobs(4, failed("a job in the background")),
        store(options.store ? options.store : memory()), store_health(options.log),
        changes(failed("a listener to the changes of handlers")), registry(runs), hibernation(hibernating), resumption(resumed),
        service(owner) {
    use_store(store);
  }

  ~Environment() { store->on_trouble(nullptr); }

  /// What is done with an exception that nobody else has caught.
  std::function<void(const std::string&)> failed(std::string who) const {
    return [log = options.log, who = std::move(who)](const std::string& what) {
      if (log) log(LogLevel::error, who + " failed: " + what);
    };
  }

  /// Whether requests that need the store are taken in.
  bool store_takes() const noexcept { return store_health.ok() && !store->damaged(); }
  /// What a request is told that is not, before anything has been done about it.
  Error refusal() const { return store_health.refusal("nothing was done: try again"); }

  void use_store(std::shared_ptr<Store> given) {
    commits = nullptr;
    store->on_trouble(nullptr);
    store = std::move(given);
    store->on_trouble([log = options.log](const StoreTrouble& trouble) {
      constexpr LogLevel levels[] = {LogLevel::info, LogLevel::warning, LogLevel::error};
      if (log) log(levels[static_cast<std::size_t>(trouble.level)], trouble.text);
    });
    if (store->durable()) commits = std::make_unique<CommitQueue>(store, timers, store_health);
  }
};

struct LiveRun : RunContext {
  LiveRun(Environment& env, WorkflowPtr registered, HandlerRow begun, Inheritance left)
      : RunContext(
            std::move(registered), std::move(begun), std::move(left.states), env.log,
            std::make_shared<StreamBacklog>(env.options.budget.stream_backlog_events_max, env.options.budget.stream_backlog_bytes_max)),
        environment(env), inherits_own_state(left.workflow_name == row.workflow_name), is_first_of_handler(left.workflow_name.empty()) {}

  /// What the handler's next run starts with. State left by another workflow goes no further unless a step of this one
  /// has used it, as on the Python server.
  NamedStates states_to_keep() const { return states.touched() || inherits_own_state ? states.snapshot() : NamedStates(); }

  Environment& environment;
  const bool inherits_own_state;
  const bool is_first_of_handler;       ///< the store has no states of an earlier run
  std::shared_ptr<Claim> starting_key;  ///< until the run's beginning is in the store; the supervisor's
};

}  // namespace weir::runtime
