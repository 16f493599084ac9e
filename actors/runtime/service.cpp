#include "service.hpp"

#include "event_log.hpp"
#include "event_row.hpp"
#include "handler_id.hpp"
#include "hibernation.hpp"
#include "recovery.hpp"
#include "registry.hpp"
#include "resource_files.hpp"
#include "retention_keeper.hpp"
#include "rewind.hpp"
#include "supervisor.hpp"

#include "../engine/drawing.hpp"
#include "../engine/edits.hpp"
#include "../engine/journal_codec.hpp"
#include "../engine/reduce.hpp"

#include <sys/random.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace weir {

void log_to_stderr(LogLevel level, std::string_view text) {
  constexpr const char* names[] = {"info", "warning", "error"};
  std::fprintf(stderr, "weir: %s: %.*s\n", names[static_cast<std::size_t>(level)], static_cast<int>(text.size()), text.data());
}

namespace runtime {
namespace {

class SubscribedStream final : public Stream {
public:
  explicit SubscribedStream(std::shared_ptr<Subscription> subscription) : subscription_(std::move(subscription)) {}
  ~SubscribedStream() override {
    subscription_->cancel();
    subscription_->request_next();  // lets the log notice
  }
  void request_next() override { subscription_->request_next(); }

private:
  std::shared_ptr<Subscription> subscription_;
};

/// A run that is over: its events are read where they are, without an actor.
class StoredStream final : public Stream {
public:
  StoredStream(const Store& store, StreamRequest request, std::function<void(StreamBatch)> sink)
      : store_(store), request_(std::move(request)), sink_(std::move(sink)) {}

  /// A store that does not answer ends the stream without the run's last event: whoever reads comes again.
  void request_next() override {
    try {
      sink_(next_batch(store_, request_.run_id, request_.after, request_.include_internal, true));
    } catch (const StoreFailure&) { sink_({{}, true}); }
  }
  bool reads_store() const override { return true; }

private:
  const Store& store_;
  StreamRequest request_;
  std::function<void(StreamBatch)> sink_;
};

}  // namespace

std::string make_id() {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  // Bytes above the largest multiple of 62 are skipped, so that every character is equally likely.
  thread_local std::array<unsigned char, 256> random;
  thread_local std::size_t used = random.size();
  std::string out;
  while (out.size() < 10) {
    if (used == random.size()) {
      if (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) std::abort();
      used = 0;
    }
    const auto byte = random[used++];
    if (byte < 248) out += alphabet[byte % alphabet.size()];
  }
  return out;
}

struct Service::State {
  Environment environment;
  Registry registry;
  Catalog catalog;
  compat::Config<caf::id_block::weir_runtime> config;
  std::unique_ptr<caf::actor_system> system;
  Hibernation hibernation;
  RetentionKeeper retention;
  std::atomic<bool> stopping = false;

  void send_event(Service& service, const std::string& handler_id, EventBox event, const std::string& step,
                  const std::function<void(Expected<bool>)>& reply, std::optional<IdempotencyKey> key);
  void cancel(const std::string& handler_id, const std::function<void(Expected<bool>)>& reply, bool patient);

  explicit State(RuntimeOptions options)
      : environment(std::move(options)), config(environment.options.actor_threads), system(std::make_unique<caf::actor_system>(config)),
        hibernation(environment, registry, catalog, system), retention(environment) {
    environment.registry = &registry;
    environment.hibernation = &hibernation;
  }
};

Service::Service(RuntimeOptions options) : state_(std::make_unique<State>(std::move(options))) { state_->environment.service = this; }

Service::~Service() {
  stop();
  state_->system.reset();  // waits for all actors
}

Time Service::now() const { return runtime::now(); }
bool Service::stopping() const noexcept { return state_->stopping; }

void Service::stop() {
  if (state_->stopping.exchange(true)) return;
  state_->hibernation.stop();
  for (const auto& supervisor : state_->registry.all()) compat::stop(supervisor);
  state_->environment.timers.stop();
  state_->environment.pool.stop();
  state_->environment.store_jobs.stop();
  if (state_->environment.commits) state_->environment.commits->stop();
}

void Service::add_workflow(std::string name, std::string class_name, std::shared_ptr<Workflow> flow,
                           std::vector<const EventType*> additional_events) {
  state_->catalog.add(prepare_workflow(std::move(name), std::move(class_name), std::move(flow), std::move(additional_events)));
}

WorkflowInfoPtr Service::find_workflow(std::string_view name) const { return state_->catalog.find(name); }
WorkflowInfoPtr Service::find_workflow(const HandlerRow& row) const {
  return state_->catalog.find(row.workflow_name, row.workflow_version);
}
void Service::try_resources(const WorkflowInfo& workflow) const {
  runtime::try_resources(*static_cast<const RegisteredWorkflow&>(workflow).flow);
}

std::vector<std::string> Service::workflow_names() const { return state_->catalog.names(); }
void Service::configure(RuntimeOptions options) {
  if (live_runs() > 0)
    throw std::logic_error("options cannot be changed when runs have started: start them after main() has read the command line");
  auto& environment = state_->environment;
  if (options.store) environment.use_store(std::move(options.store));
  environment.options.durability = options.durability;
  environment.options.idle_timeout = options.idle_timeout;
  environment.options.retention = options.retention;
  environment.options.slow_step = options.slow_step;
  environment.pool.resize(options.blocking_threads_max);
  if (options.actor_threads == environment.options.actor_threads) return;
  environment.options.actor_threads = options.actor_threads;
  state_->system.reset();
  compat::set_threads(state_->config, options.actor_threads);
  state_->system = std::make_unique<caf::actor_system>(state_->config);
}
Store& Service::store() const { return *state_->environment.store; }
std::size_t Service::live_runs() const { return state_->registry.size(); }

void Service::log(LogLevel level, std::string_view text) const {
  if (const auto& log = state_->environment.options.log) log(level, text);
}

namespace {
/// Of a request that has read from the store in vain: nothing has been done about it.
Error unanswered(const StoreFailure& error) {
  return {Code::unavailable, "the store does not answer (" + std::string(error.what()) + "); nothing was done: try again"};
}
Error already_running(const HandlerRow& row) { return {Code::conflict, "Handler '" + row.handler_id + "' is already running"}; }
}  // namespace

/// A durable run is written with its first commit, so that nothing of it is there before all of it is. Until then the
/// registry says that the id is taken.
Expected<std::pair<Inheritance, std::string>> Service::begin(HandlerRow& row, const WorkflowInfo& workflow, bool id_is_made_up) {
  if (!store().durable()) {
    auto left = store().begin_run(row);
    if (!left) return left.error();
    return std::pair(std::move(*left), std::string());
  }
  row.workflow_graph = engine::signature(static_cast<const RegisteredWorkflow&>(workflow).plan);
  if (id_is_made_up) return std::pair(Inheritance(), std::string());
  try {
    const auto known = store().find_handler(row.handler_id);
    if (known && !known->terminal()) return already_running(row);
    if (!known) return std::pair(Inheritance(), std::string());
    return std::pair(Inheritance{store().find_states(row.handler_id), known->workflow_name}, known->run_id);
  } catch (const StoreFailure& error) { return unanswered(error); }
}

void Service::start(StartRequest request, HandlerReply started, HandlerReply ended, const std::function<void(const Error&)>& refused) {
  const auto workflow = std::static_pointer_cast<const RegisteredWorkflow>(request.workflow);
  if (state_->stopping) return refused(Error{Code::unavailable, "the server is shutting down"});
  if (!request.patient && !state_->environment.store_takes()) return refused(state_->environment.refusal());
  HandlerRow row;
  const bool id_is_made_up = request.handler_id.empty();
  if (!id_is_made_up && request.parent_handler_id.empty())
    if (const auto wrong = check_handler_id(request.handler_id)) return refused(*wrong);
  row.handler_id = id_is_made_up ? make_id() : std::move(request.handler_id);
  row.workflow_name = workflow->name;
  row.workflow_version = workflow->version;
  row.parent_handler_id = std::move(request.parent_handler_id);
  row.rerun_of = std::move(request.rerun_of);
  row.run_id = make_id();
  row.started_at = row.updated_at = now();
  row.input = std::make_shared<RenderedEvent>(-1, request.start);
  auto begun = begin(row, *workflow, id_is_made_up);
  if (!begun) return refused(begun.error());
  auto& [left, earlier_run_id] = *begun;

  engine::Tick begin = engine::RunStarted{std::move(request.start)};
  if (request.context) {
    left = {std::move(request.context->states), row.workflow_name};
    if (request.context->state) begin = engine::RunRestored{std::move(request.context->state)};
  }
  const auto run = std::make_shared<LiveRun>(state_->environment, workflow, row, std::move(left));
  const auto supervisor = compat::spawn<Supervisor, SupervisorActor>(*state_->system, run);
  const auto go = [&] {
    compat::post(supervisor, StartRun{std::move(begin), std::move(request.key), std::move(started), std::move(ended), request.patient});
  };
  if (!store().durable()) {
    state_->registry.add(row.handler_id, {supervisor, run});
    go();
  } else if (!state_->registry.try_add(row.handler_id, {supervisor, run}, earlier_run_id, go)) {
    compat::stop(supervisor);
    return refused(already_running(row));
  }
  if (state_->stopping) compat::stop(supervisor);
}

std::size_t Service::recover() {
  state_->retention.start();
  if (!store().durable()) return 0;
  state_->hibernation.start();
  std::size_t resumed = 0;
  const HandlerFilter at_work{.workflow_names = std::nullopt, .statuses = std::vector{HandlerStatus::running}, .idle = false};
  for (const auto& row : store().list_handlers(at_work))
    if (!state_->registry.with(row.handler_id, [](const Registry::Entry&) {}) && state_->hibernation.wake(row)) ++resumed;
  return resumed;
}

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
    if (!engine::accepting(plan, type).empty()) return {};
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

/// Replies once, when the last of `count` answers is there: well if any of them was.
std::function<void(Expected<bool>)> any_of_replies(std::size_t count, std::function<void(Expected<bool>)> reply) {
  struct Shared {
    std::mutex mutex;
    std::size_t left;
    bool sent = false;
  };
  auto shared = std::make_shared<Shared>();
  shared->left = count;
  return [shared, reply = std::move(reply)](const Expected<bool>& answer) {
    {
      const std::lock_guard lock(shared->mutex);
      shared->sent = shared->sent || answer.ok();
      if (--shared->left > 0) return;
    }
    reply(shared->sent ? Expected<bool>(true) : answer);
  };
}

}  // namespace

void Service::send_event(const std::string& handler_id, EventBox event, const std::string& step, std::function<void(Expected<bool>)> reply,
                         std::optional<IdempotencyKey> key) {
  if (!state_->environment.store_takes()) return reply(state_->environment.refusal());
  try {
    state_->send_event(*this, handler_id, std::move(event), step, reply, std::move(key));
  } catch (const StoreFailure& error) { reply(unanswered(error)); }
}

void Service::State::send_event(Service& service, const std::string& handler_id, EventBox event, const std::string& step,
                                const std::function<void(Expected<bool>)>& reply, std::optional<IdempotencyKey> key) {
  Destination to;
  const bool live = hibernation.with(handler_id, [&](const Registry::Entry& entry) {
    auto known = as_known_to(*entry.run->workflow, event);
    if (!known) return void(to.refused = known.error());
    event = std::move(*known);
    to = destination_of(*entry.run, event.type(), step);
    if (!to.refused && to.children.empty()) compat::post(entry.supervisor, Deliver{event, to.target, key, reply});
  });
  if (to.refused) return reply(*to.refused);
  if (!live) {
    const auto row = environment.store->find_handler(handler_id);
    const bool left_alone = row && !row->terminal() && !service.find_workflow(*row);
    return reply(left_alone ? Error{Code::failed_precondition, "Workflow " + row->workflow_name + " not registered"}
                            : Error{Code::conflict, "Workflow already completed"});
  }
  if (to.children.empty()) return;
  const auto collect = any_of_replies(to.children.size(), reply);
  for (const auto& child : to.children) service.send_event(child, event, "", collect, key);
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
  // A run whose workflow is no longer registered can still be given up.
  auto& store = *environment.store;
  const auto row = store.durable() && !stopping ? store.find_handler(handler_id) : std::nullopt;
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

bool Service::find_running_steps(const std::string& handler_id, const std::function<void(std::vector<std::string>)>& reply) {
  return state_->registry.with(handler_id, [&](const Registry::Entry& entry) {
    compat::post(entry.supervisor,
                 Inspect{[reply, run = entry.run](const engine::State& state) { reply(running_steps(run->workflow->plan, state)); }});
  });
}

Expected<SavedContext> Service::read_context(const WorkflowInfo& workflow, const Value& context) const {
  return engine::read_context(static_cast<const RegisteredWorkflow&>(workflow).plan, context);
}

Expected<SavedContext> Service::rewind(const WorkflowInfo& workflow, const HandlerRow& row, std::int64_t sequence) const {
  return runtime::rewind(store(), row, static_cast<const RegisteredWorkflow&>(workflow), sequence, now());
}

static engine::Visits visits_of(const Store& store, const std::string& run_id) {
  engine::Visits out;
  std::int64_t cursor = -1;
  for (bool more = true; more;) {
    const auto batch = next_batch(store, run_id, cursor, true, true);
    for (const auto& row : batch.rows) {
      const auto event = event_of(row, EventRegistry());
      const auto* step = event.as<StepStateChanged>();
      if (step && step->step_state == "running") ++out[step->name];
    }
    more = !batch.end;
  }
  return out;
}

std::string Service::draw(const WorkflowInfo& workflow, DrawingFormat format, const std::string& run_id) const {
  const auto& plan = static_cast<const RegisteredWorkflow&>(workflow).plan;
  const auto visits = run_id.empty() ? engine::Visits() : visits_of(store(), run_id);
  return format == DrawingFormat::mermaid ? engine::mermaid(plan, visits) : engine::dot(plan, visits);
}

std::optional<std::size_t> Service::queue_position(const std::string& handler_id) {
  std::optional<std::size_t> out;
  state_->registry.with(handler_id, [&](const Registry::Entry& entry) {
    if (const auto& admission = entry.run->workflow->admission) out = admission->position(entry.run->row.run_id);
  });
  return out;
}

void Service::await_end(const std::string& handler_id, HandlerReply reply) {
  try {
    const bool live =
        state_->hibernation.with(handler_id, [&](const Registry::Entry& entry) { compat::post(entry.supervisor, AwaitEnd{reply}); });
    if (live) return;
    if (const auto row = store().find_handler(handler_id)) return reply(*row);
  } catch (const StoreFailure& error) { return reply(unanswered(error)); }
  HandlerRow gone;
  gone.handler_id = handler_id;
  gone.status = HandlerStatus::failed;
  gone.error = "the handler is no longer kept";
  reply(gone);
}

Expected<bool> Service::purge(const std::string& handler_id) {
  const auto row = store().find_handler(handler_id);
  if (!row) return false;
  auto gone = store().purge(handler_id);
  if (gone && *gone) state_->environment.changes.tell(*row, true);
  return gone;
}

void Service::when_store_answers(std::function<void()> job) {
  if (!store().durable()) return job();
  auto& environment = state_->environment;
  environment.store_jobs.submit([this, &environment, job = std::move(job)] {
    constexpr Duration pause = std::chrono::milliseconds(200);
    try {
      job();
    } catch (const StoreFailure&) {
      environment.timers.after(pause, [this, job] { when_store_answers(job); });
    }
  });
}

StoreStatus Service::store_status() const {
  auto out = state_->environment.store_health.status();
  if (store().damaged()) out.kind = StoreStatus::Kind::damaged;
  if (store().damaged() && out.why.empty()) out.why = "the store is damaged";
  return out;
}

std::shared_ptr<void> Service::watch_handlers(std::function<void(const HandlerRow&, bool)> listener) {
  return state_->environment.changes.listen(std::move(listener));
}

void Service::in_background(std::function<void()> job) { state_->environment.pool.submit(std::move(job)); }

std::unique_ptr<Stream> Service::subscribe(const StreamRequest& request, std::function<void(StreamBatch)> sink) {
  auto subscription = std::make_shared<Subscription>(request.run_id, request.after, request.include_internal, sink);
  bool live = false;
  state_->hibernation.with(request.handler_id, [&](const Registry::Entry& entry) {
    live = entry.run->row.run_id == request.run_id;
    if (live) compat::post(entry.supervisor, Subscribe{subscription});
  });
  if (live) return std::make_unique<SubscribedStream>(std::move(subscription));
  auto stored = std::make_unique<StoredStream>(store(), request, std::move(sink));
  stored->request_next();
  return stored;
}

}  // namespace runtime
}  // namespace weir
