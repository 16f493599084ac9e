#include "service.hpp"

#include "event_log.hpp"
#include "registry.hpp"
#include "supervisor.hpp"

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

  void request_next() override { sink_(next_batch(store_, request_.run_id, request_.after, request_.include_internal, true)); }

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
  std::atomic<bool> stopping = false;

  explicit State(RuntimeOptions options) : environment(std::move(options)), config(environment.options.actor_threads) {
    environment.registry = &registry;
    system = std::make_unique<caf::actor_system>(config);
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
  state_->environment.timers.stop();
  state_->environment.pool.stop();
}

void Service::add_workflow(std::string name, std::string class_name, std::shared_ptr<Workflow> flow,
                           std::vector<const EventType*> additional_events) {
  state_->catalog.add(std::move(name), std::move(class_name), std::move(flow), std::move(additional_events));
}

WorkflowInfoPtr Service::find_workflow(std::string_view name) const { return state_->catalog.find(name); }

std::vector<std::string> Service::workflow_names() const { return state_->catalog.names(); }
Store& Service::store() const { return *state_->environment.store; }
std::size_t Service::live_runs() const { return state_->registry.size(); }

void Service::log(LogLevel level, std::string_view text) const {
  if (const auto& log = state_->environment.options.log) log(level, text);
}

void Service::start(StartRequest request, std::function<void(const HandlerRow&)> started, std::function<void(const HandlerRow&)> ended,
                    const std::function<void(const Error&)>& refused) {
  const auto workflow = std::static_pointer_cast<const RegisteredWorkflow>(request.workflow);
  if (state_->stopping) return refused(Error{Code::unavailable, "the server is shutting down"});
  HandlerRow row;
  row.handler_id = request.handler_id.empty() ? make_id() : std::move(request.handler_id);
  row.workflow_name = workflow->name;
  row.run_id = make_id();
  row.started_at = row.updated_at = now();
  auto left = store().begin_run(row);
  if (!left) return refused(left.error());

  const auto run = std::make_shared<LiveRun>(state_->environment, workflow, row, std::move(*left));
  const auto supervisor = compat::spawn<Supervisor, SupervisorActor>(*state_->system, run);
  state_->registry.add(row.handler_id, {supervisor, row.run_id, workflow});
  compat::post(supervisor, StartRun{std::move(request.start), std::move(started), std::move(ended)});
  if (state_->stopping) compat::stop(supervisor);
}

void Service::send_event(const std::string& handler_id, EventBox event, const std::string& step,
                         std::function<void(Expected<bool>)> reply) {
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
  const bool live =
      state_->registry.with(handler_id, [&](const Registry::Entry& entry) { compat::post(entry.supervisor, CancelRun{reply}); });
  if (!live) reply(false);
}

void Service::await_end(const std::string& handler_id, std::function<void(const HandlerRow&)> reply) {
  const bool live =
      state_->registry.with(handler_id, [&](const Registry::Entry& entry) { compat::post(entry.supervisor, AwaitEnd{reply}); });
  if (live) return;
  if (const auto row = store().find_handler(handler_id)) reply(*row);
}

std::unique_ptr<Stream> Service::subscribe(const StreamRequest& request, std::function<void(StreamBatch)> sink) {
  auto subscription = std::make_shared<Subscription>(request.run_id, request.after, request.include_internal, sink);
  bool live = false;
  state_->registry.with(request.handler_id, [&](const Registry::Entry& entry) {
    live = entry.run_id == request.run_id;
    if (live) compat::post(entry.supervisor, Subscribe{subscription});
  });
  if (live) return std::make_unique<SubscribedStream>(std::move(subscription));
  auto stored = std::make_unique<StoredStream>(store(), request, std::move(sink));
  stored->request_next();
  return stored;
}

}  // namespace runtime
}  // namespace weir
