// What the invocations of a run share, whoever drives them: actors, or the testing kit's loop.
#pragma once

#include "catalog.hpp"

#include <weir/state_store.hpp>
#include <weir/store.hpp>

#include <map>
#include <mutex>
#include <stop_token>
#include <string>

namespace weir::runtime {

/// The stores that a run's steps reach by `ctx.store(name)`. Thread-safe; references stay valid.
class StateStores {
public:
  explicit StateStores(NamedStates states) : main_(std::move(states[std::string()])) {
    for (auto& [name, state] : states)
      if (!name.empty()) named_.try_emplace(name, std::move(state));
  }

  StateStore& of(const std::string& name) {
    if (name.empty()) return main_;
    const std::lock_guard lock(mutex_);
    return named_[name];
  }
  NamedStates snapshot() const {
    NamedStates out{{std::string(), main_.snapshot()}};
    const std::lock_guard lock(mutex_);
    for (const auto& [name, store] : named_) out.emplace(name, store.snapshot());
    return out;
  }
  bool touched() const {
    const std::lock_guard lock(mutex_);
    return main_.touched() || !named_.empty();
  }

private:
  StateStore main_;
  mutable std::mutex mutex_;
  std::map<std::string, StateStore> named_;
};

/// Immutable but for the states and the stop source, which guard themselves.
struct RunContext {
  RunContext(WorkflowPtr registered, HandlerRow begun, NamedStates inherited)
      : workflow(std::move(registered)), row(std::move(begun)), states(std::move(inherited)) {}

  WorkflowPtr workflow;
  HandlerRow row;  ///< as it was when the run began
  StateStores states;
  std::stop_source stop;
};

}  // namespace weir::runtime
