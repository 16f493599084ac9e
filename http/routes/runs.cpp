// Starting, listing, polling and cancelling runs (contract 1.5, 1.7, 1.8, 1.11).
#include "http/answers/app.hpp"
#include "http/answers/background.hpp"
#include "http/answers/translate.hpp"

#include <memory>

namespace weir::http {
namespace {

/// Either the request to start, or the answer that refuses it.
struct Prepared {
  std::optional<runtime::StartRequest> start;
  Response refusal = {};
};

Prepared refuse(std::string detail, int status = 400) { return {std::nullopt, problem(status, detail)}; }

Expected<EventBox> start_event(const runtime::RegisteredWorkflow& workflow, const Value& body) {
  const auto* given = body.find("start_event");
  if (!given) given = body.find("kwargs");
  if (given && given->is_null()) {
    auto built = decode_event(*workflow.start, Object());
    if (!built)
      return Error{Code::invalid_argument,
                   "Failed creating a start event of type '" + workflow.start->name + "' with the keyword arguments: {}"};
    return built;
  }
  auto event = parse_event(given ? *given : Value(Object()), workflow.registry, workflow.start);
  if (!event) return Error{Code::invalid_argument, "Validation error for 'start_event': " + event.error().message};
  if (!event->type().is_a(*workflow.start))
    return Error{Code::invalid_argument, "Start event must be an instance of " + workflow.start->class_text};
  return event;
}

Prepared prepare(const Call& call) {
  const auto workflow = call.app.service.find_workflow(call.names[0]);
  if (!workflow) return refuse("Workflow not found", 404);
  const auto body = parse_json(call.exchange->body(), limits_for_strangers);
  if (!body) return refuse("Invalid JSON body: " + body.error().message);
  if (!body->is_object())
    return refuse("Error processing request body: '" + std::string(python_type_name(*body)) + "' object has no attribute 'get'");
  auto event = start_event(*workflow, *body);
  if (!event) return refuse(event.error().message);
  std::optional<runtime::SavedContext> context;
  if (const auto* given = body->find("context"); given && given->truthy()) {
    if (!call.app.accept_context) return refuse("Context API is disabled. Set accept_context_api=True on WorkflowServer to enable it.");
    auto read = call.app.service.read_context(*workflow, *given);
    if (!read) return refuse("Error processing request body: Context dict specified in an invalid format: " + read.error().message);
    context = std::move(*read);
  }
  std::string handler_id;
  if (const auto* given = body->find("handler_id"); given && given->truthy()) {
    if (!given->is_string()) return refuse("Error processing request body: handler_id must be a string");
    handler_id = given->as_string();
  }
  return {runtime::StartRequest{
      .workflow = workflow, .start = std::move(*event), .handler_id = std::move(handler_id), .context = std::move(context)}};
}

/// What the runtime foresees has its own words; the rest is the protocol's 500.
Response could_not_start(const Error& error, std::string_view prefix) {
  const bool foreseen = error.code == Code::conflict || error.code == Code::unavailable || error.code == Code::invalid_argument;
  return failure(error, foreseen ? "" : prefix);
}

constexpr std::string_view run_prefix = "Error running workflow: ", start_prefix = "Initial persistence failed: ";

Response finished(const Expected<HandlerRow>& row) {
  if (!row) return could_not_start(row.error(), run_prefix);
  return json(handler_json(*row), row->status == HandlerStatus::completed ? 200 : 500);
}

/// The row that the start of the run was answered with.
HandlerRow as_begun(HandlerRow row) {
  row.status = HandlerStatus::running;
  row.error.clear();
  row.result.clear();
  row.updated_at = row.started_at;
  row.completed_at.reset();
  return row;
}

/// Finds what a route is about. In the memory store, too, a row with a large result takes a while to copy.
using Find = std::optional<HandlerRow> (*)(const Call&);

std::optional<HandlerRow> find_handler(const Call& call) { return call.app.service.store().find_handler(call.names[0]); }
std::optional<HandlerRow> find_run(const Call& call) { return call.app.service.store().find_run(call.names[0]); }

/// Looks the row up where that may wait, and once more where that may take its time when its result is large: few of those are in memory
/// at once.
void with_row(const Call& call, Find find, std::string_view what, const std::function<void(const Call&, const HandlerRow&)>& answer) {
  const auto look = [find, what, answer](const Call& taken) {
    const auto row = find(taken);
    if (!row) return taken.respond(problem(404, std::string(what) + " not found"));
    if (row->result.size() <= budget::loop_body_bytes_max || taken.app.workers(Work::search)->here()) return answer(taken, *row);
    off_the_loop(taken, Work::search, [find, what, answer](const Call& moved) {
      const auto again = find(moved);
      again ? answer(moved, *again) : moved.respond(problem(404, std::string(what) + " not found"));
    });
  };
  off_the_loop(call, Work::lookup, look);
}

void respond_with(const Call& call, const HandlerRow& row, std::string (*render)(const HandlerRow&)) {
  auto body = render(row);
  if (const auto position = row.terminal() ? std::nullopt : call.app.service.queue_position(row.handler_id))
    body.insert(body.size() - 1, ",\"queue_position\":" + std::to_string(*position));  // an extra key: clients ignore those
  call.respond(json(std::move(body), polling_status(row)));
}

using Begin = void (*)(const Call&, runtime::StartRequest);

/// A start under a given id looks for earlier runs of it, which reads the store.
void start_with(const Call& call, std::optional<IdempotencyKey> key, Prepared prepared, Begin begin) {
  if (!prepared.start) return call.respond(std::move(prepared.refusal));
  prepared.start->key = std::move(key);
  if (prepared.start->handler_id.empty()) return begin(call, std::move(*prepared.start));
  const auto request = std::make_shared<runtime::StartRequest>(std::move(*prepared.start));
  with_store(call, Work::lookup, [request, begin](const Call& taken) { begin(taken, std::move(*request)); });
}

void run_to_the_end(const Call& call, runtime::StartRequest request) {
  call.app.service.start(
      std::move(request), nullptr, [respond = call.responder()](const Expected<HandlerRow>& row) { respond(finished(row)); },
      [&](const Error& error) { call.respond(could_not_start(error, run_prefix)); });
}

void run_nowait(const Call& call, runtime::StartRequest request) {
  call.app.service.start(
      std::move(request),
      [respond = call.responder()](const Expected<HandlerRow>& row) {
        respond(row ? json(handler_json(*row)) : could_not_start(row.error(), start_prefix));
      },
      nullptr, [&](const Error& error) { call.respond(could_not_start(error, start_prefix)); });
}

void answer_as_begun(const Call& call, const HandlerRow& row, const UsedKey&) { call.respond(json(handler_json(as_begun(row)))); }

/// What a fork goes on from: the run's past, with the main state that the request may bring instead.
Expected<runtime::Rewound> past(const Call& call, const runtime::RegisteredWorkflow& workflow, const HandlerRow& row, const Value& body) {
  const auto* sequence = body.find("from_sequence");
  const auto* state = body.find("state");
  if (!sequence->is_integer()) return Error{Code::invalid_argument, "from_sequence must be an event's sequence, got " + to_json(*sequence)};
  if (state && !state->is_object())
    return Error{Code::invalid_argument, "state must be an object, got " + std::string(python_type_name(*state))};
  if (state && !call.app.accept_context)
    return Error{Code::invalid_argument, "state: what a run keeps may not be set from outside here (--accept-context-api allows it)"};
  if (body.find("start_event"))
    return Error{Code::invalid_argument, "A run that goes on from an event takes no start_event: send either it or from_sequence"};
  auto out = call.app.service.rewind(workflow, row, sequence->as_integer());
  if (out && state) out->context.states[""] = state->as_object();
  return out;
}

/// The run's workflow from its newest version, with its start event, or another that the request brings. A fork goes on in
/// the run's own version.
Prepared prepare_again(const Call& call) {
  const auto row = call.app.service.store().find_handler(call.names[0]);
  if (!row) return refuse("Handler not found", 404);
  const auto body =
      call.exchange->body().empty() ? Expected<Value>(Value(Object())) : parse_json(call.exchange->body(), limits_for_strangers);
  if (!body) return refuse("Invalid JSON body: " + body.error().message);
  if (!body->is_object()) return refuse("The body must be an object, got " + std::string(python_type_name(*body)));
  const bool forks = body->find("from_sequence");
  const auto workflow = forks ? call.app.service.find_workflow(*row) : call.app.service.find_workflow(row->workflow_name);
  if (!workflow) return refuse("Workflow " + row->workflow_name + " not registered", 404);
  Rerun rerun_of{row->run_id};
  std::optional<runtime::SavedContext> context;
  if (forks) {
    auto found = past(call, *workflow, *row, *body);
    if (!found) return {std::nullopt, failure(found.error())};
    context = std::move(found->context);
    rerun_of.after = found->after;
  }
  auto given = *body;
  if (!given.find("start_event")) {
    const auto input = call.app.service.store().find_origin(row->run_id).input;
    if (!input) return refuse("The start event of this run is not known: send one as start_event", 409);
    given = Object{{"start_event", *parse_json(*input)}};
  }
  auto event = start_event(*workflow, given);
  if (!event) return refuse(event.error().message);
  return {runtime::StartRequest{
      .workflow = workflow, .start = std::move(*event), .handler_id = "", .rerun_of = std::move(rerun_of), .context = std::move(context)}};
}

/// Goes through the run's past, which may take a while.
void rerun(const Call& call, const std::optional<IdempotencyKey>& key) {
  with_store(call, Work::search, [key](const Call& taken) { start_with(taken, key, prepare_again(taken), &run_nowait); });
}

}  // namespace

void post_run(const Call& call) {
  answer_once(
      call,
      [](const Call& taken, std::optional<IdempotencyKey> key) { start_with(taken, std::move(key), prepare(taken), &run_to_the_end); },
      [](const Call& taken, const HandlerRow& row, const UsedKey&) {
        if (row.terminal()) return taken.respond(finished(row));
        taken.app.service.await_end(row.handler_id,
                                    [respond = taken.responder()](const Expected<HandlerRow>& ended) { respond(finished(ended)); });
      });
}

void post_run_nowait(const Call& call) {
  answer_once(
      call, [](const Call& taken, std::optional<IdempotencyKey> key) { start_with(taken, std::move(key), prepare(taken), &run_nowait); },
      &answer_as_begun);
}

void post_rerun(const Call& call) { answer_once(call, &rerun, &answer_as_begun); }

/// Of a run that was quarantined. Writes.
void post_resume(const Call& call) {
  with_store(call, Work::change, [](const Call& taken) {
    const auto row = taken.app.service.resume(taken.names[0]);
    taken.respond(row ? json(handler_json(*row)) : failure(row.error()));
  });
}

void get_handler(const Call& call) {
  with_row(call, &find_handler, "Handler", [](const Call& taken, const HandlerRow& row) {
    taken.query.flag("detail", false) ? get_handler_detail(taken, row) : respond_with(taken, row, &handler_json);
  });
}

void get_result(const Call& call) {
  with_row(call, &find_handler, "Handler", [](const Call& taken, const HandlerRow& row) { respond_with(taken, row, &result_json); });
}

void get_run(const Call& call) {
  with_row(call, &find_run, "Run", [](const Call& taken, const HandlerRow& row) { respond_with(taken, row, &handler_json); });
}

namespace {

void purge(runtime::Service& service, const Call& call) {
  const auto purged = service.purge(call.names[0]);
  if (!purged) return call.respond(failure(purged.error(), "The run is over, but it could not be purged: "));
  call.respond(*purged ? json(R"({"status":"deleted"})") : problem(404, "Handler not found"));
}

/// The run ends first; then, where that may block, everything about it is removed.
void cancel(const Call& call) {
  auto& service = call.app.service;
  if (!service.store().find_handler(call.names[0])) return call.respond(problem(404, "Handler not found"));
  const bool purges = call.query.flag("purge", false);
  service.cancel(call.names[0], [&service, call, purges, workers = call.app.changes](const Expected<bool>& ended) {
    if (!ended) return call.respond(failure(ended.error()));
    if (!purges) return call.respond(*ended ? json(R"({"status":"cancelled"})") : problem(404, "Handler not found"));
    if (!service.store().durable()) return purge(service, call);
    off_the_loop(workers, call, [&service](const Call& taken) { purge(service, taken); });
  });
}

}  // namespace

void post_cancel(const Call& call) { with_store(call, Work::lookup, &cancel); }

}  // namespace weir::http
