// What the invocations of a run share, whoever drives them: actors, or the testing kit's loop.
#pragma once

#include "actors/runtime/declare/catalog.hpp"
#include "actors/runtime/messages/replaced_text.hpp"
#include "stream_backlog.hpp"

#include "actors/engine/model/state.hpp"

#include <weir/state_store.hpp>
#include <weir/store.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

namespace weir::runtime {

/// How clients see the engine's statuses.
inline HandlerStatus handler_status(engine::Status status) {
  switch (status) {
    case engine::Status::running: return HandlerStatus::running;
    case engine::Status::completed: return HandlerStatus::completed;
    case engine::Status::failed: return HandlerStatus::failed;
    case engine::Status::cancelled: return HandlerStatus::cancelled;
  }
  return HandlerStatus::failed;
}

/// The stores that a run's steps reach by `ctx.store(name)`. Thread-safe; references stay valid.
class StateStores {
public:
  explicit StateStores(NamedStates states) : main_(std::move(states[std::string()])) {
    for (auto& [name, state] : states)
      if (!name.empty()) named_.try_emplace(name, std::move(state));
  }

  /// Before any step uses them.
  void fill(const NamedStates& states) {
    for (const auto& [name, state] : states) of(name).set_state(state);
  }

  StateStore& of(const std::string& name) {
    if (name.empty()) return main_;
    const std::lock_guard lock(mutex_);
    return named_[name];
  }
  NamedStates snapshot() const { return take().states; }

  /// The store as one invocation edits it, and what it has done there before. Valid as long as the run's stores are.
  std::unique_ptr<StateStore> view(const std::string& name, std::uint64_t invocation, std::vector<std::uint32_t> known) {
    return std::unique_ptr<StateStore>(new StateStore(of(name).content_, invocation, std::move(known)));
  }
  /// The view is another invocation's of the same body from now on.
  static void hand_over(StateStore& view, std::uint64_t invocation) {
    const std::lock_guard lock(view.content_->mutex);
    view.editor_ = invocation;
  }
  /// All that the view's editor has done.
  static std::vector<std::uint32_t> edits_of(const StateStore& view) {
    const std::lock_guard lock(view.content_->mutex);
    return view.done_;
  }

  /// The contents of all stores and, of each at the same instant, what the invocations have done there that have not ended.
  struct Taken {
    NamedStates states;
    std::map<std::uint64_t, engine::Edits> edits;  ///< by serial
  };
  Taken take() const {
    Taken out;
    const std::lock_guard lock(mutex_);
    const auto add = [&](const std::string& name, const StateStore& store) {
      const std::lock_guard inner(store.content_->mutex);
      out.states.emplace(name, store.content_->state.as_object());
      for (const auto& [invocation, runs] : store.content_->edits) out.edits[invocation][name] = runs;
    };
    add(std::string(), main_);
    for (const auto& [name, store] : named_) add(name, store);
    return out;
  }
  /// What the invocations have done that have not ended, by serial.
  std::map<std::uint64_t, engine::Edits> edits() const {
    std::map<std::uint64_t, engine::Edits> out;
    const std::lock_guard lock(mutex_);
    const auto add = [&](const std::string& name, const StateStore& store) {
      const std::lock_guard inner(store.content_->mutex);
      for (const auto& [invocation, runs] : store.content_->edits) out[invocation][name] = runs;
    };
    add(std::string(), main_);
    for (const auto& [name, store] : named_) add(name, store);
    return out;
  }
  /// The invocation has told all that it has done, or nobody will ask.
  void forget(std::uint64_t invocation) {
    const std::lock_guard lock(mutex_);
    const auto drop = [&](StateStore& store) {
      const std::lock_guard inner(store.content_->mutex);
      store.content_->edits.erase(invocation);
    };
    drop(main_);
    for (auto& [name, store] : named_) drop(store);
  }
  /// Grows with every write.
  std::uint64_t writes() const {
    auto out = main_.writes();
    const std::lock_guard lock(mutex_);
    for (const auto& [name, store] : named_) out += store.writes();
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

/// The children whose streams are shown on the run's own: what the run does not take may be for one of them. Thread-safe.
class ForwardedChildren {
public:
  void add(const std::string& handler_id, WorkflowPtr workflow) {
    const std::lock_guard lock(mutex_);
    children_[handler_id] = std::move(workflow);
  }
  void remove(const std::string& handler_id) {
    const std::lock_guard lock(mutex_);
    children_.erase(handler_id);
  }
  std::vector<std::string> knowing(const EventType& type) const {
    std::vector<std::string> out;
    const std::lock_guard lock(mutex_);
    for (const auto& [handler_id, workflow] : children_)
      if (workflow->registry.by_name(type.name)) out.push_back(handler_id);
    return out;
  }

private:
  mutable std::mutex mutex_;
  std::map<std::string, WorkflowPtr> children_;
};

/// Immutable but for the states, the children, the backlog, the stop source and what the log was told, which guard themselves.
struct RunContext {
  RunContext(WorkflowPtr registered, HandlerRow begun, NamedStates inherited, const std::weak_ptr<const LogSink>& log,
             std::shared_ptr<StreamBacklog> shared_backlog = std::make_shared<StreamBacklog>(0, 0))
      : workflow(std::move(registered)), row(std::move(begun)), states(std::move(inherited)), backlog(std::move(shared_backlog)),
        replaced_texts(std::make_shared<ReplacedTexts>(row.run_id, row.workflow_name, log)) {}

  WorkflowPtr workflow;
  HandlerRow row;  ///< as it was when the run began
  StateStores states;
  ForwardedChildren forwarded;
  const std::shared_ptr<StreamBacklog> backlog;
  std::stop_source stop;
  const std::shared_ptr<ReplacedTexts> replaced_texts;
  std::atomic<bool> told_of_backlog = false;
};

}  // namespace weir::runtime
