// Runtime and Run: the blocking face of the service.
#include <weir/runtime.hpp>

#include "actors/runtime/messages/event_row.hpp"
#include "service.hpp"

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <stdexcept>

namespace weir {
namespace detail {

class RunState {
public:
  RunState(runtime::Service& runs, HandlerRow begun) : service(runs), row(std::move(begun)) {}
  runtime::Service& service;
  HandlerRow row;
};

/// Hands batches from actor threads to one blocking reader.
class EventReader {
public:
  EventReader(runtime::Service& service, const runtime::StreamRequest& request, EventRegistry registry)
      : queue_(std::make_shared<Queue>()), registry_(std::move(registry)) {
    stream_ = service.subscribe(request, [queue = queue_](runtime::StreamBatch batch) {
      const std::lock_guard lock(queue->mutex);
      std::move(batch.rows.begin(), batch.rows.end(), std::back_inserter(queue->rows));
      queue->ended = queue->ended || batch.end;
      queue->outstanding = false;
      queue->changed.notify_one();
    });
  }

  std::optional<StreamedEvent> next() {
    std::unique_lock lock(queue_->mutex);
    if (queue_->rows.empty() && !queue_->ended && !queue_->outstanding) {
      queue_->outstanding = true;
      lock.unlock();  // the batch may come before the call returns
      stream_->request_next();
      lock.lock();
    }
    queue_->changed.wait(lock, [this] { return !queue_->rows.empty() || queue_->ended; });
    if (queue_->rows.empty()) return std::nullopt;
    auto row = std::move(queue_->rows.front());
    queue_->rows.pop_front();
    return StreamedEvent{row.sequence, row.at, runtime::event_of(row, registry_)};
  }

private:
  struct Queue {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<EventRow> rows;
    bool ended = false;
    bool outstanding = true;
  };
  std::shared_ptr<Queue> queue_;
  const EventRegistry registry_;
  std::unique_ptr<runtime::Stream> stream_;
};

}  // namespace detail

EventRange::EventRange(std::unique_ptr<detail::EventReader> reader) : reader_(std::move(reader)) {}
EventRange::EventRange(EventRange&&) noexcept = default;
EventRange::~EventRange() = default;
std::optional<StreamedEvent> EventRange::next() { return reader_->next(); }

const std::string& Run::handler_id() const { return state_->row.handler_id; }
const std::string& Run::run_id() const { return state_->row.run_id; }

HandlerRow Run::wait() const {
  std::promise<Expected<HandlerRow>> ended;
  state_->service.await_end(handler_id(), [&](const Expected<HandlerRow>& row) { ended.set_value(row); });
  auto row = ended.get_future().get();
  if (!row) throw StoreFailure(row.error().code, row.error().message);
  return std::move(*row);
}

HandlerRow Run::handler() const {
  auto row = state_->service.store().find_handler(handler_id());
  return row ? std::move(*row) : state_->row;
}

/// The event types that a run's stored events may have.
static EventRegistry registry_of(const runtime::Service& service, const HandlerRow& row) {
  const auto workflow = service.find_workflow(row);
  return workflow ? workflow->registry : EventRegistry();
}

EventRange Run::events(EventOptions options) const {
  const runtime::StreamRequest request{handler_id(), run_id(), options.after, options.include_internal};
  return EventRange(std::make_unique<detail::EventReader>(state_->service, request, registry_of(state_->service, state_->row)));
}

Expected<bool> Run::send_event(EventBox event, const std::string& step) const {
  std::promise<Expected<bool>> sent;
  state_->service.send_event(handler_id(), std::move(event), step, [&](Expected<bool> reply) { sent.set_value(std::move(reply)); });
  return sent.get_future().get();
}

static runtime::RunSnapshot snapshot_of(runtime::Service& service, const std::string& handler_id) {
  std::promise<runtime::RunSnapshot> seen;
  if (!service.inspect(handler_id, [&](runtime::RunSnapshot snapshot) { seen.set_value(std::move(snapshot)); })) return {};
  return seen.get_future().get();
}

std::vector<std::string> Run::running_steps() const { return snapshot_of(state_->service, handler_id()).running_steps; }
Object Run::context() const { return snapshot_of(state_->service, handler_id()).context; }
std::optional<std::size_t> Run::queue_position() const { return state_->service.queue_position(handler_id()); }

bool Run::cancel() const {
  std::promise<Expected<bool>> cancelled;
  state_->service.cancel(handler_id(), [&](Expected<bool> ended) { cancelled.set_value(std::move(ended)); });
  const auto ended = cancelled.get_future().get();
  if (!ended) throw StoreFailure(ended.error().code, ended.error().message);
  return *ended;
}

EventBox Run::stop_event() const {
  const auto row = wait();
  if (row.status == HandlerStatus::cancelled) throw RunFailed("the run was cancelled");
  if (row.status != HandlerStatus::completed) throw RunFailed(row.error.empty() ? "the run did not end" : row.error);
  const auto last = state_->service.store().last_event(row.run_id);
  auto stop = last ? runtime::event_of(*last, registry_of(state_->service, row)) : EventBox();
  if (!stop) throw RunFailed("the run's events are no longer kept");
  return stop;
}

void Run::wrong_result(const EventBox& stop) {
  throw RunFailed("the run ended with " + envelope_json(stop) + ", which is not what was asked for");
}

namespace {

/// Threads that do not end go on with it: it is never destroyed, and leak checkers find it here.
void leave_behind(std::unique_ptr<runtime::Service> service) {
  static auto* const left = new std::vector<std::unique_ptr<runtime::Service>>;
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  left->push_back(std::move(service));
}

}  // namespace

Runtime::Runtime(RuntimeOptions options) : service_(std::make_unique<runtime::Service>(std::move(options))) {}
Runtime::~Runtime() {
  if (!service_->end()) leave_behind(std::move(service_));
}

void Runtime::add(const std::string& name, std::string class_name, std::shared_ptr<Workflow> workflow, WorkflowOptions options) {
  service_->add_workflow(name, std::move(class_name), std::move(workflow), std::move(options.additional_events), options.replace);
}

static runtime::WorkflowInfoPtr registered(const runtime::Service& service, const std::string& workflow) {
  auto info = service.find_workflow(workflow);
  if (!info) throw std::invalid_argument("no workflow is registered under '" + workflow + "'");
  return info;
}
static runtime::WorkflowInfoPtr registered(const runtime::Service& service, const HandlerRow& row) {
  auto info = service.find_workflow(row);
  if (!info) throw std::invalid_argument("workflow '" + row.workflow_name + "' of that version is no longer registered");
  return info;
}

std::size_t Runtime::recover() { return service_->recover(); }

void Runtime::resume(const std::string& handler_id) {
  const auto done = service_->resume(handler_id);
  if (done) return;
  const auto& [code, message] = done.error();
  if (code == Code::not_found || code == Code::conflict) throw std::invalid_argument(message);
  throw StoreFailure(code, message);
}

std::optional<Run> Runtime::find_run(const std::string& handler_id) {
  auto row = service_->store().find_handler(handler_id);
  if (!row) return std::nullopt;
  return Run(std::make_shared<detail::RunState>(*service_, std::move(*row)));
}
std::vector<std::string> Runtime::workflow_names() const { return service_->workflow_names(); }
std::string Runtime::representation(const std::string& workflow) const { return registered(*service_, workflow)->representation_json; }

void Runtime::validate_resources(const std::string& workflow) const { service_->try_resources(*registered(*service_, workflow)); }

std::string Runtime::mermaid(const std::string& workflow) const {
  return service_->draw(*registered(*service_, workflow), runtime::DrawingFormat::mermaid);
}
std::string Runtime::mermaid(const Run& run) const {
  return service_->draw(*registered(*service_, run.handler()), runtime::DrawingFormat::mermaid, run.run_id());
}
std::string Runtime::dot(const std::string& workflow) const {
  return service_->draw(*registered(*service_, workflow), runtime::DrawingFormat::dot);
}
std::string Runtime::dot(const Run& run) const {
  return service_->draw(*registered(*service_, run.handler()), runtime::DrawingFormat::dot, run.run_id());
}

Run Runtime::start(const std::string& workflow, EventBox start, StartOptions options) {
  const auto info = registered(*service_, workflow);
  if (!start.type().is_a(*info->start))
    throw std::invalid_argument("workflow '" + workflow + "' starts with " + info->start->name + ", not with " + start.type().name);
  std::optional<runtime::SavedContext> context;
  if (options.context) {
    auto read = service_->read_context(*info, *options.context);
    if (!read) throw std::invalid_argument("the context cannot be read: " + read.error().message);
    context = std::move(*read);
  }
  std::promise<Expected<HandlerRow>> started;
  service_->start(
      {.workflow = info, .start = std::move(start), .handler_id = std::move(options.handler_id), .context = std::move(context)},
      [&](const Expected<HandlerRow>& row) { started.set_value(row); }, nullptr, [&](const Error& error) { started.set_value(error); });
  auto row = started.get_future().get();
  if (!row && row.error().code == Code::unavailable) throw StoreFailure(Code::unavailable, row.error().message);
  if (!row) throw RunFailed(row.error().message);
  return Run(std::make_shared<detail::RunState>(*service_, std::move(*row)));
}

}  // namespace weir
