#include "service_state.hpp"

#include "actors/runtime/declare/resource_files.hpp"
#include "actors/runtime/messages/event_row.hpp"
#include "actors/runtime/read/event_log.hpp"
#include "actors/runtime/recover/rewind.hpp"
#include "actors/runtime/run/supervisor.hpp"
#include "handler_id.hpp"

#include "actors/engine/graph/drawing.hpp"
#include "actors/engine/graph/graph_checks.hpp"
#include "actors/engine/reduce/reduce.hpp"
#include "actors/engine/text/journal_codec.hpp"

#include <weir/assert.hpp>

#include <caf/actor_registry.hpp>

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

namespace weir {

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
      : store_(store), request_(std::move(request)), sink_(std::move(sink)), takes_long_(store.durable() || is_long()) {}

  /// A store that does not answer ends the stream without the run's last event: whoever reads comes again.
  void request_next() override {
    try {
      sink_(next_batch(store_, request_.run_id, request_.after, request_.include_internal, true));
    } catch (const StoreFailure&) { sink_({{}, true}); }
  }
  bool may_take_long() const override { return takes_long_; }

private:
  bool is_long() const {
    constexpr std::int64_t few_events = 4096;
    const auto last = store_.last_event(request_.run_id);
    return last && last->sequence > few_events;
  }

  const Store& store_;
  StreamRequest request_;
  std::function<void(StreamBatch)> sink_;
  const bool takes_long_;
};

/// A run that goes on needs no start event; one that has not begun takes it behind what it has.
std::shared_ptr<const engine::State> begun_with(std::shared_ptr<const engine::State> saved, EventBox start) {
  if (saved->started) return saved;
  auto out = std::make_shared<engine::State>(*saved);
  out->held.push_back({std::move(start), std::nullopt});
  return out;
}

void log_hints(const RegisteredWorkflow& workflow, const std::function<void(LogLevel, std::string_view)>& log) {
  for (const auto& hint : engine::hints(workflow.plan)) log(LogLevel::info, "workflow '" + workflow.name + "': " + hint);
  for (const auto& [step, child] : workflow.children) log_hints(*child, log);
}

}  // namespace

std::string make_id() {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  // Bytes above the largest multiple of 62 are skipped, so that every character is equally likely.
  thread_local std::array<unsigned char, 256> random;
  thread_local std::size_t used = random.size();
  std::string out;
  while (out.size() < 10) {
    if (used == random.size()) {
      const auto drawn = getrandom(random.data(), random.size(), 0);
      WEIR_ASSERT(drawn == static_cast<ssize_t>(random.size()), "the system has no random numbers");
      used = 0;
    }
    const auto byte = random[used++];
    if (byte < 248) out += alphabet[byte % alphabet.size()];
  }
  return out;
}

Service::Service(RuntimeOptions options) : state_(std::make_unique<State>(*this, std::move(options))) {}

Service::~Service() {
  if (!end()) (void)state_.release();  // what has been left behind uses it
}

std::shared_ptr<ServiceDoor> Service::door() const { return state_->door; }

Time Service::now() const { return runtime::now(); }
bool Service::stopping() const noexcept { return state_->environment.stopping; }

namespace {

/// True when there are none at the deadline at the latest. CAF tells nobody when an actor goes.
bool actors_end(caf::actor_system& system, Deadline deadline) {
  while (system.registry().running() > 0) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace

bool Service::stop(Deadline deadline) {
  const std::lock_guard lock(state_->stopping_mutex);
  auto& environment = state_->environment;
  if (!environment.stopping.exchange(true)) {
    state_->deadline = deadline;
    state_->hibernation.stop();
    state_->resumption.stop();
    for (const auto& [supervisor, run] : state_->registry.all()) {
      run->stop.request_stop();  // a body may hold the thread that its supervisor needs for that
      compat::stop(supervisor);
    }
    environment.timers.stop();
  }
  const bool bodies_ended = environment.pool.stop(state_->deadline);
  const bool jobs_ended = environment.store_jobs.stop(state_->deadline);
  if (environment.commits) environment.commits->stop();
  if (std::exchange(state_->noted_at_work, false)) (void)environment.store->note_at_work(false);  // else the next process counts a crash
  return bodies_ended && jobs_ended;
}

bool Service::all_ended() {
  constexpr std::chrono::milliseconds grace{50};  // for actors that are about to go
  if (!stop(state_->deadline)) return false;
  const std::lock_guard lock(state_->stopping_mutex);
  return !state_->system || actors_end(*state_->system, std::max(state_->deadline, later(std::chrono::steady_clock::now(), grace)));
}

bool Service::end() {
  stop(later(std::chrono::steady_clock::now(), state_->environment.options.stop_timeout));
  constexpr std::chrono::milliseconds grace{50};  // for who is about to leave
  if (!all_ended() || !state_->door->close(std::max(state_->deadline, later(std::chrono::steady_clock::now(), grace)))) {
    name_those_left();
    return false;
  }
  compat::end_system(state_->system);
  return true;
}

/// What is left behind may use what the end of a process would destroy: event types, registries, other people's globals. So that end
/// is short: exit() leaves them alone from here on.
static void keep_globals() {
  static const int registered = ::on_exit(
      [](int status, void*) {
        std::fflush(nullptr);
        std::_Exit(status);
      },
      nullptr);
  (void)registered;
}

void Service::name_those_left() {
  const std::lock_guard lock(state_->stopping_mutex);
  if (std::exchange(state_->named, true)) return;
  keep_globals();
  const std::string then = store().durable() ? ", and its run goes on at the next start" : "";
  for (const auto& body : state_->environment.bodies.names())
    log(LogLevel::warning, body + " has not ended although it was asked to: it is left behind" + then);
}

void Service::add_workflow(std::string name, std::string class_name, std::shared_ptr<Workflow> flow,
                           std::vector<const EventType*> additional_events, bool replace) {
  if (const auto wrong = check_workflow_name(name)) throw WorkflowError(wrong->message + " (class " + class_name + ")");
  auto prepared = prepare_workflow(std::move(name), std::move(class_name), std::move(flow), std::move(additional_events));
  state_->catalog.add(prepared, replace || state_->workflows_are_replaced);
  if (const auto& log = state_->environment.options.log) log_hints(*prepared, log);
}
void Service::replace_workflows() { state_->workflows_are_replaced = true; }

WorkflowPtr Service::find_workflow(std::string_view name) const { return state_->catalog.find(name); }
WorkflowPtr Service::find_workflow(const HandlerRow& row) const { return state_->catalog.find(row.workflow_name, row.workflow_version); }
void Service::try_resources(const RegisteredWorkflow& workflow) const { runtime::try_resources(*workflow.flow); }

std::vector<std::string> Service::workflow_names() const { return state_->catalog.names(); }
void Service::configure(RuntimeOptions options) {
  if (live_runs() > 0)
    throw std::logic_error("options cannot be changed when runs have started: start them after main() has read the command line");
  auto& environment = state_->environment;
  if (options.store) environment.use_store(std::move(options.store));
  environment.options.durability = options.durability;
  environment.options.idle_timeout = options.idle_timeout;
  environment.options.retention = options.retention;
  environment.options.budget = options.budget;
  environment.options.slow_step = options.slow_step;
  environment.options.stop_timeout = options.stop_timeout;
  environment.pool.resize(options.blocking_threads_max);
  if (options.actor_threads == environment.options.actor_threads) return;
  environment.options.actor_threads = options.actor_threads;
  compat::end_system(state_->system);
  compat::set_threads(state_->config, options.actor_threads);
  state_->system = compat::make_system(state_->config);
}
Store& Service::store() const { return *state_->environment.store; }
std::size_t Service::live_runs() const { return state_->registry.size(); }

void Service::log(LogLevel level, std::string_view text) const {
  if (const auto& log = state_->environment.options.log) log(level, text);
}

static Error already_running(const HandlerRow& row) { return {Code::conflict, "Handler '" + row.handler_id + "' is already running"}; }

/// A durable run is written with its first commit, so that nothing of it is there before all of it is. Until then the
/// registry says that the id is taken.
Expected<std::pair<Inheritance, std::string>> Service::begin(HandlerRow& row, const RegisteredWorkflow& workflow, bool id_is_made_up) {
  if (!store().durable()) {
    auto left = store().begin_run(row);
    if (!left) return left.error();
    row.first_sequence = left->first_sequence;
    return std::pair(std::move(*left), std::string());
  }
  row.workflow_graph = engine::signature(workflow.plan);
  if (id_is_made_up) return std::pair(Inheritance(), std::string());
  try {
    const auto known = store().find_handler(row.handler_id);
    if (known && !known->terminal()) return already_running(row);
    if (!known) return std::pair(Inheritance(), std::string());
    const auto last = store().last_event(known->run_id);
    row.first_sequence = last ? last->sequence + 1 : known->first_sequence;
    return std::pair(Inheritance{store().find_states(row.handler_id), known->workflow_name, row.first_sequence}, known->run_id);
  } catch (const StoreFailure& error) { return unanswered(error); }
}

/// The key of a start that is not in the store yet. Whoever comes with it again meanwhile comes once more, and finds it there.
Expected<std::shared_ptr<Claim>> Service::claim(const std::optional<IdempotencyKey>& key) {
  if (!key || !store().durable()) return std::shared_ptr<Claim>();
  try {
    auto out = state_->environment.starting_keys.claim(key->key);
    if (out && !store().find_key(key->key)) return out;
  } catch (const StoreFailure& error) { return unanswered(error); }
  return Error{Code::unavailable, "an earlier request with this Idempotency-Key is being done: try again"};
}

void Service::start(StartRequest request, HandlerReply started, HandlerReply ended, const std::function<void(const Error&)>& refused) {
  const auto workflow = request.workflow;
  if (state_->environment.stopping) return refused(Error{Code::unavailable, "the server is shutting down"});
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
  auto key = claim(request.key);
  if (!key) return refused(key.error());
  auto begun = begin(row, *workflow, id_is_made_up);
  if (!begun) return refused(begun.error());
  auto& [left, earlier_run_id] = *begun;

  engine::Tick begin = engine::RunStarted{request.start};
  if (request.context) {
    left = {std::move(request.context->states), row.workflow_name};
    if (request.context->state) begin = engine::RunRestored{begun_with(std::move(request.context->state), std::move(request.start))};
  }
  const auto run = std::make_shared<LiveRun>(state_->environment, workflow, row, std::move(left));
  run->starting_key = std::move(*key);
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
  if (state_->environment.stopping) compat::stop(supervisor);
}

std::size_t Service::recover() {
  state_->retention.start();
  if (!store().durable()) return 0;
  state_->hibernation.start();
  if (!state_->noted_at_work) {
    const auto before = store().note_at_work(true);
    if (!before) throw StoreFailure(before.error().code, before.error().message);
    state_->noted_at_work = true;
    state_->died_before = *before;
  }
  const HandlerFilter at_work{.workflow_names = std::nullopt, .statuses = std::vector{HandlerStatus::running}, .idle = false};
  return state_->resumption.begin(store().list_handlers(at_work), state_->died_before);
}

Expected<SavedContext> Service::read_context(const RegisteredWorkflow& workflow, const Value& context) const {
  return engine::read_context(workflow.plan, context);
}

Expected<Rewound> Service::rewind(const RegisteredWorkflow& workflow, const HandlerRow& row, std::int64_t sequence) const {
  return runtime::rewind(store(), row, workflow, sequence, now());
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

std::string Service::draw(const RegisteredWorkflow& workflow, DrawingFormat format, const std::string& run_id) const {
  const auto& plan = workflow.plan;
  const auto visits = run_id.empty() ? engine::Visits() : visits_of(store(), run_id);
  return format == DrawingFormat::mermaid ? engine::mermaid(plan, visits) : engine::dot(plan, visits);
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
