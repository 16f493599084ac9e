#include "service.hpp"

#include "event_log.hpp"
#include "registry.hpp"
#include "supervisor.hpp"

#include <sys/random.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <shared_mutex>

namespace weir {

void log_to_stderr(LogLevel level, std::string_view text) {
  constexpr const char* names[] = {"info", "warning", "error"};
  std::fprintf(stderr, "weir: %s: %.*s\n", names[static_cast<std::size_t>(level)], static_cast<int>(text.size()), text.data());
}

namespace runtime {
namespace {

/// Stands for the whole runtime: event logs of finished runs are linked to it.
struct Root {
  static constexpr const char* actor_name = "weir.root";
  explicit Root(caf::event_based_actor*) {}
  caf::behavior make_behavior() { return {[](Retire) {}}; }
};

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
  mutable std::shared_mutex info_mutex;
  std::map<std::string, std::shared_ptr<const WorkflowInfo>, std::less<>> infos;
  compat::Config<caf::id_block::weir_runtime> config;
  std::unique_ptr<caf::actor_system> system;
  caf::actor root;
  std::atomic<bool> stopping = false;

  explicit State(RuntimeOptions options) : environment(std::move(options)), config(environment.options.actor_threads, "sharing") {
    environment.registry = &registry;
    system = std::make_unique<caf::actor_system>(config);
    root = system->spawn<compat::Host<Root, caf::event_based_actor>>();
  }
};

Service::Service(RuntimeOptions options) : state_(std::make_unique<State>(std::move(options))) {}

Service::~Service() {
  stop();
  state_->system.reset();  // waits for all actors
}

void Service::stop() {
  if (state_->stopping.exchange(true)) return;
  for (const auto& supervisor : state_->registry.all()) compat::stop(supervisor);
  compat::stop(state_->root);
  state_->root = nullptr;
  state_->environment.timers.stop();
  state_->environment.pool.stop();
}

void Service::add_workflow(std::string name, std::string class_name, std::shared_ptr<Workflow> flow, std::vector<const EventType*> additional_events) {
  state_->catalog.add(name, std::move(class_name), std::move(flow), std::move(additional_events));
  const auto workflow = state_->catalog.find(name);
  auto info = std::make_shared<WorkflowInfo>(WorkflowInfo{.name = name,
                                                          .start = workflow->plan.start,
                                                          .registry = workflow->plan.registry,
                                                          .owner = workflow,
                                                          .schema_json = workflow->schema_json,
                                                          .events_json = workflow->events_json,
                                                          .representation_json = workflow->representation_json});
  const std::unique_lock lock(state_->info_mutex);
  state_->infos.insert_or_assign(std::move(name), std::move(info));
}

std::shared_ptr<const WorkflowInfo> Service::find_workflow(std::string_view name) const {
  const std::shared_lock lock(state_->info_mutex);
  const auto found = state_->infos.find(name);
  return found == state_->infos.end() ? nullptr : found->second;
}

std::vector<std::string> Service::workflow_names() const { return state_->catalog.names(); }
Store& Service::store() const { return *state_->environment.store; }
std::size_t Service::live_runs() const { return state_->registry.size(); }

void Service::log(LogLevel level, std::string_view text) const {
  if (const auto& log = state_->environment.options.log) log(level, text);
}

void Service::start(StartRequest request, std::function<void(Expected<HandlerRow>)> started, std::function<void(const HandlerRow&)> ended) {
  const auto workflow = state_->catalog.find(request.workflow);
  if (!workflow) return started(Error{Code::not_found, "Workflow not found"});
  if (state_->stopping) return started(Error{Code::unavailable, "the server is shutting down"});
  HandlerRow row;
  row.handler_id = request.handler_id.empty() ? make_id() : std::move(request.handler_id);
  row.workflow_name = workflow->name;
  row.run_id = make_id();
  row.started_at = row.updated_at = now();
  auto left = store().begin_run(row);
  if (!left) return started(left.error());

  const auto run = std::make_shared<LiveRun>(state_->environment, workflow, row, std::move(*left));
  const auto supervisor = compat::spawn<Supervisor, SupervisorActor>(*state_->system, run);
  state_->registry.add(row.handler_id, {supervisor, row.run_id, workflow});
  if (ended) compat::post(supervisor, AwaitEnd{std::move(ended)});
  compat::post(supervisor, StartRun{std::move(request.start), [started = std::move(started), row] { if (started) started(row); }});
  if (state_->stopping) compat::stop(supervisor);
}

void Service::send_event(const std::string& handler_id, EventBox event, const std::string& step, std::function<void(Expected<bool>)> reply) {
  std::optional<Error> refused;
  const bool live = state_->registry.with(handler_id, [&](const Registry::Entry& entry) {
    const auto& plan = entry.workflow->plan;
    std::optional<engine::StepIndex> target;
    if (!step.empty()) {
      target = engine::find_step(plan, step);
      if (!target) refused = Error{Code::not_found, "Step " + step + " does not exist"};
      else if (!engine::accepts(plan.steps[*target], event.type()))
        refused = Error{Code::invalid_argument, "Step " + step + " does not accept event of type " + event.type().class_text};
    }
    if (!refused) compat::post(entry.supervisor, Deliver{std::move(event), target, reply});
  });
  if (refused) reply(*refused);
  else if (!live) reply(Error{Code::conflict, "Workflow already completed"});
}

void Service::cancel(const std::string& handler_id, std::function<void(bool)> reply) {
  const bool live = state_->registry.with(handler_id, [&](const Registry::Entry& entry) { compat::post(entry.supervisor, CancelRun{reply}); });
  if (!live) reply(false);
}

void Service::await_end(const std::string& handler_id, std::function<void(const HandlerRow&)> reply) {
  const bool live = state_->registry.with(handler_id, [&](const Registry::Entry& entry) { compat::post(entry.supervisor, AwaitEnd{reply}); });
  if (live) return;
  if (const auto row = store().find_handler(handler_id)) reply(*row);
}

std::unique_ptr<Stream> Service::subscribe(const StreamRequest& request, std::function<void(StreamBatch)> sink) {
  auto subscription = std::make_shared<Subscription>(request.run_id, request.after, request.include_internal,
                                                     [sink = std::move(sink)](EventBatch batch) { sink({std::move(batch.rows), batch.end}); });
  bool live = state_->registry.with(request.handler_id, [&](const Registry::Entry& entry) {
    if (entry.run_id == request.run_id) compat::post(entry.supervisor, Subscribe{subscription});
    else compat::post(compat::spawn<EventLog, EventLogActor>(*state_->system, state_->environment, true, state_->root), Subscribe{subscription});
  });
  if (!live && !state_->stopping)
    compat::post(compat::spawn<EventLog, EventLogActor>(*state_->system, state_->environment, true, state_->root), Subscribe{subscription});
  return std::make_unique<SubscribedStream>(std::move(subscription));
}

}  // namespace runtime
}  // namespace weir
