// What is asked of runs: events, cancels, looks, their ends.
#include "service_state.hpp"

#include "actors/runtime/recover/recovery.hpp"
#include "actors/runtime/run/supervisor.hpp"

#include "actors/engine/reduce/edits.hpp"
#include "actors/engine/reduce/reduce.hpp"

#include <mutex>

namespace weir::runtime {

namespace {

/// Where an event for a run goes, or why it may not go there.
struct Destination {
  std::optional<Error> refused;
  std::optional<engine::StepIndex> target;
  std::vector<std::string> children;  ///< empty: the run itself
};

Destination destination_of(const LiveRun& run, const EventType& type, const std::string& step) {
  const auto& plan = run.workflow->plan;
  if (step.empty()) {
    if (engine::find_mailbox(plan, type) || !engine::accepting(plan, type).empty()) return {};
    return {std::nullopt, std::nullopt, run.forwarded.knowing(type)};
  }
  const auto target = engine::find_step(plan, step);
  if (!target) return {Error{Code::not_found, "Step " + step + " does not exist"}, std::nullopt, {}};
  if (engine::accepts(plan.steps[*target], type)) return {std::nullopt, target, {}};
  return {Error{Code::invalid_argument, "Step " + step + " does not accept event of type " + type.class_text}, std::nullopt, {}};
}

/// A library that is loaded again brings types of the same names: a run gets events of the type that it knows itself.
Expected<EventBox> as_known_to(const RegisteredWorkflow& workflow, EventBox event) {
  const auto* own = workflow.registry.by_qualified_name(event.type().qualified_name);
  return own && own != &event.type() ? decode_event(*own, event.value()) : Expected<EventBox>(std::move(event));
}

/// Replies once, when the last of `count` answers is there: the best of them.
EventReply any_of_replies(std::size_t count, EventReply reply) {
  struct Shared {
    std::mutex mutex;
    std::size_t left;
    bool sent = false, taken = false;
  };
  auto shared = std::make_shared<Shared>();
  shared->left = count;
  return [shared, reply = std::move(reply)](const Expected<bool>& answer) {
    {
      const std::lock_guard lock(shared->mutex);
      shared->sent = shared->sent || answer.ok();
      shared->taken = shared->taken || (answer.ok() && *answer);
      if (--shared->left > 0) return;
    }
    reply(shared->sent ? Expected<bool>(shared->taken) : answer);
  };
}

/// What a live run is sent: posts it, or says where it should go instead.
Destination post_event(const Registry::Entry& entry, const EventRequest& request, const EventReply& reply) {
  auto known = as_known_to(*entry.run->workflow, request.event);
  if (!known) return {known.error(), std::nullopt, {}};
  auto to = destination_of(*entry.run, known->type(), request.step);
  if (!to.refused && to.children.empty())
    compat::post(entry.supervisor, Deliver{std::move(*known), to.target, request.strict, request.key, reply});
  return to;
}

}  // namespace

WorkflowPtr Service::find_live_workflow(const std::string& handler_id) const {
  WorkflowPtr out;
  state_->registry.with(handler_id, [&](const Registry::Entry& entry) { out = entry.run->workflow; });
  return out;
}

bool Service::send_event_to_live(const EventRequest& request, const EventReply& reply) {
  if (!state_->environment.store_takes()) {
    reply(state_->environment.refusal());
    return true;
  }
  Destination to;
  const bool live =
      state_->registry.with(request.handler_id, [&](const Registry::Entry& entry) { to = post_event(entry, request, reply); });
  if (to.refused) reply(*to.refused);
  return live && to.children.empty();
}

void Service::send_event(EventRequest request, const EventReply& reply) {
  if (!state_->environment.store_takes()) return reply(state_->environment.refusal());
  try {
    state_->send_event(*this, std::move(request), reply);
  } catch (const StoreFailure& error) { reply(unanswered(error)); }
}

void Service::State::send_event(Service& service, EventRequest request, const EventReply& reply) {
  Destination to;
  const bool live = hibernation.with(request.handler_id, [&](const Registry::Entry& entry) { to = post_event(entry, request, reply); });
  if (to.refused) return reply(*to.refused);
  if (!live) {
    const auto row = environment.store->find_handler(request.handler_id);
    if (const auto held = row ? resumption.held(*row) : std::nullopt) return reply(*held);
    const bool left_alone = row && !row->terminal() && !service.find_workflow(*row);
    return reply(left_alone ? Error{Code::failed_precondition, "Workflow " + row->workflow_name + " not registered"}
                            : Error{Code::conflict, "Workflow already completed"});
  }
  if (to.children.empty()) return;
  const auto collect = any_of_replies(to.children.size(), reply);
  request.step.clear();
  for (const auto& child : to.children) {
    request.handler_id = child;
    service.send_event(request, collect);
  }
}

void Service::cancel(const std::string& handler_id, std::function<void(Expected<bool>)> reply) {
  if (!state_->environment.store_takes()) return reply(state_->environment.refusal());
  try {
    state_->cancel(handler_id, reply, false);
  } catch (const StoreFailure& error) { reply(unanswered(error)); }
}

void Service::give_up(const std::string& handler_id) {
  when_store_answers([this, handler_id] {
    state_->cancel(
        handler_id, [](const Expected<bool>&) {}, true);
  });
}

void Service::State::cancel(const std::string& handler_id, const std::function<void(Expected<bool>)>& reply, bool patient) {
  const bool live = hibernation.with(handler_id, [&](const Registry::Entry& entry) {
    compat::post(entry.supervisor, CancelRun{reply, patient});
  });
  if (live) return;
  auto& store = *environment.store;
  const auto end_held = [&](const HandlerRow& row) {
    const auto ended = give_up_cancelled(store, row);
    if (ended) environment.changes.tell(*ended);
    reply(ended ? Expected<bool>(true) : ended.error());
  };
  if (store.durable() && !environment.stopping && resumption.end_held(handler_id, end_held)) return;
  // A run whose workflow is no longer registered can still be given up.
  const auto row = store.durable() && !environment.stopping ? store.find_handler(handler_id) : std::nullopt;
  if (!row || row->terminal()) return reply(false);
  const auto ended = give_up_cancelled(store, *row);
  reply(ended ? Expected<bool>(true) : ended.error());
}

namespace {

std::vector<std::string> running_steps(const engine::Plan& plan, const engine::State& state) {
  std::vector<std::string> out;
  for (engine::StepIndex step = 0; step < state.steps.size(); ++step)
    if (!state.steps[step].running.empty()) out.push_back(plan.steps[step].name);
  return out;
}

RunSnapshot look(const engine::Plan& plan, const engine::State& state, const NamedStates& states) {
  return {running_steps(plan, state), engine::save_context(plan, state, states)};
}

/// With what bodies have done to the states and not yet reported: who goes on from there does not do it again.
RunSnapshot look(const RunContext& run, engine::State state) {
  const auto taken = run.states.take();
  engine::note_edits(state, engine::unknown_edits(state, taken.edits));
  return look(run.workflow->plan, state, taken.states);
}

}  // namespace

bool Service::inspect(const std::string& handler_id, const std::function<void(RunSnapshot)>& reply) {
  const bool live = state_->hibernation.with(handler_id, [&](const Registry::Entry& entry) {
    compat::post(entry.supervisor, Inspect{[reply, run = entry.run](const engine::State& state) { reply(look(*run, state)); }});
  });
  if (live) return true;
  const auto row = store().find_handler(handler_id);
  const auto workflow = row ? state_->catalog.find(row->workflow_name, row->workflow_version) : nullptr;
  if (!workflow) return false;
  reply(look(workflow->plan, engine::initial_state(workflow->plan), store().find_states(handler_id)));
  return true;
}

namespace {

/// Calls whoever waits with the first answer, and lets go of him.
class FirstAnswer {
public:
  using Reply = std::function<void(std::vector<std::string>)>;
  explicit FirstAnswer(Reply reply) : reply_(std::move(reply)) {}

  void operator()(std::vector<std::string> answer) {
    Reply reply;
    {
      const std::lock_guard lock(mutex_);
      reply.swap(reply_);
    }
    if (reply) reply(std::move(answer));
  }

private:
  std::mutex mutex_;
  Reply reply_;
};

}  // namespace

bool Service::find_running_steps(const std::string& handler_id, Duration timeout, std::function<void(std::vector<std::string>)> reply) {
  const auto answer = std::make_shared<FirstAnswer>(std::move(reply));
  std::string run_id;
  const bool live = state_->registry.with(handler_id, [&](const Registry::Entry& entry) {
    run_id = entry.run->row.run_id;
    compat::post(entry.supervisor,
                 Inspect{[answer, run = entry.run](const engine::State& state) { (*answer)(running_steps(run->workflow->plan, state)); }});
  });
  if (!live) return false;
  state_->environment.timers.after(timeout, [answer, run_id, &bodies = state_->environment.bodies] {
    const auto steps = bodies.steps_of(run_id);
    (*answer)({steps.begin(), steps.end()});
  });
  return true;
}

std::optional<std::size_t> Service::queue_position(const std::string& handler_id) {
  std::optional<std::size_t> out;
  state_->registry.with(handler_id, [&](const Registry::Entry& entry) {
    if (const auto& admission = entry.run->workflow->admission) out = admission->position(entry.run->row.run_id);
  });
  return out;
}

Expected<HandlerRow> Service::resume(const std::string& handler_id) {
  if (!state_->environment.store_takes()) return state_->environment.refusal();
  try {
    return state_->resumption.resume(handler_id);
  } catch (const StoreFailure& error) { return unanswered(error); }
}

void Service::await_end(const std::string& handler_id, HandlerReply reply) {
  try {
    const bool live =
        state_->hibernation.with(handler_id, [&](const Registry::Entry& entry) { compat::post(entry.supervisor, AwaitEnd{reply}); });
    if (live) return;
    if (const auto row = store().find_handler(handler_id)) {
      if (!state_->resumption.held(*row)) return reply(*row);
      if (state_->environment.stopping) return reply(Error{Code::unavailable, "the server is shutting down"});
      return state_->resumption.when_let_go(*row, [this, handler_id, reply] { await_end(handler_id, reply); });
    }
  } catch (const StoreFailure& error) { return reply(unanswered(error)); }
  HandlerRow gone;
  gone.handler_id = handler_id;
  gone.status = HandlerStatus::failed;
  gone.error = "the handler is no longer kept";
  reply(gone);
}

}  // namespace weir::runtime
