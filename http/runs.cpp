// Starting, listing, polling and cancelling runs (contract 1.5, 1.7, 1.8, 1.11).
#include "app.hpp"
#include "translate.hpp"

#include <algorithm>

namespace weir::http {
namespace {

/// Either the request to start, or the answer that refuses it.
struct Prepared {
  std::optional<runtime::StartRequest> start;
  Response refusal = {};
};

Prepared refuse(std::string detail, int status = 400) { return {std::nullopt, problem(status, detail)}; }

Expected<EventBox> start_event(const runtime::WorkflowInfo& workflow, const Value& body) {
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

Response could_not_start(const Error& error, std::string_view prefix) {
  if (error.code == Code::conflict) return problem(409, error.message);
  if (error.code == Code::unavailable) return problem(503, error.message);
  if (error.code == Code::invalid_argument) return problem(400, error.message);
  return problem(500, std::string(prefix) + error.message);
}

HandlerFilter filter_of(const Query& query) {
  const auto trimmed_values = [&](std::string_view name) {
    std::vector<std::string> out;
    for (auto value : query.all(name)) {
      value.erase(0, value.find_first_not_of(" \t"));
      value.erase(value.find_last_not_of(" \t") + 1);
      if (!value.empty()) out.push_back(std::move(value));
    }
    return out;
  };
  HandlerFilter filter;
  if (auto names = trimmed_values("workflow_name"); !names.empty()) filter.workflow_names = std::move(names);
  if (const auto words = trimmed_values("status"); !words.empty()) {
    filter.statuses.emplace();
    for (const auto& word : words)
      if (const auto status = parse_handler_status(word)) filter.statuses->push_back(*status);
  }
  return filter;
}

Response finished(const Expected<HandlerRow>& row) {
  if (!row) return could_not_start(row.error(), "Error running workflow: ");
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

void respond_with(const Call& call, const std::optional<HandlerRow>& row, std::string (*render)(const HandlerRow&), std::string_view what) {
  if (!row) return call.respond(problem(404, std::string(what) + " not found"));
  auto body = render(*row);
  if (const auto position = row->terminal() ? std::nullopt : call.app.service.queue_position(row->handler_id))
    body.insert(body.size() - 1, ",\"queue_position\":" + std::to_string(*position));  // an extra key: clients ignore those
  call.respond(json(std::move(body), polling_status(*row)));
}

std::optional<HandlerRow> named_handler(const Call& call) { return call.app.service.store().find_handler(call.names[0]); }

}  // namespace

void post_run(const Call& call) {
  const auto act = [&](std::optional<IdempotencyKey> key, const Respond& respond) {
    auto prepared = prepare(call);
    if (!prepared.start) return respond(std::move(prepared.refusal));
    prepared.start->key = std::move(key);
    call.app.service.start(
        std::move(*prepared.start), nullptr, [respond](const Expected<HandlerRow>& row) { respond(finished(row)); },
        [&](const Error& error) { respond(could_not_start(error, "Error running workflow: ")); });
  };
  const auto repeat = [&](const HandlerRow& row, const Respond& respond) {
    if (row.terminal()) return respond(finished(row));
    call.app.service.await_end(row.handler_id, [respond](const Expected<HandlerRow>& ended) { respond(finished(ended)); });
  };
  answer_once(call, act, repeat);
}

namespace {

void start_nowait(const Call& call, Prepared (*prepare)(const Call&)) {
  const auto act = [&](std::optional<IdempotencyKey> key, const Respond& respond) {
    auto prepared = prepare(call);
    if (!prepared.start) return respond(std::move(prepared.refusal));
    prepared.start->key = std::move(key);
    call.app.service.start(
        std::move(*prepared.start),
        [respond](const Expected<HandlerRow>& row) {
          respond(row ? json(handler_json(*row)) : could_not_start(row.error(), "Initial persistence failed: "));
        },
        nullptr, [&](const Error& error) { respond(could_not_start(error, "Initial persistence failed: ")); });
  };
  const auto repeat = [](const HandlerRow& row, const Respond& respond) { respond(json(handler_json(as_begun(row)))); };
  answer_once(call, act, repeat);
}

/// What a fork goes on from: the run's past, with the main state that the request may bring instead.
Expected<runtime::SavedContext> past(const Call& call, const runtime::WorkflowInfo& workflow, const HandlerRow& row, const Value& body) {
  const auto* sequence = body.find("from_sequence");
  const auto* state = body.find("state");
  if (!sequence->is_integer()) return Error{Code::invalid_argument, "from_sequence must be an event's sequence, got " + to_json(*sequence)};
  if (state && !state->is_object())
    return Error{Code::invalid_argument, "state must be an object, got " + std::string(python_type_name(*state))};
  if (body.find("start_event"))
    return Error{Code::invalid_argument, "A run that goes on from an event takes no start_event: send either it or from_sequence"};
  auto out = call.app.service.rewind(workflow, row, sequence->as_integer());
  if (out && state) out->states[""] = state->as_object();
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
    if (!found)
      return refuse(found.error().message, found.error().code == Code::invalid_argument ? 400
                                           : found.error().code == Code::unavailable    ? 503
                                                                                        : 409);
    context = std::move(*found);
    rerun_of.after = body->find("from_sequence")->as_integer();
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

}  // namespace

void post_run_nowait(const Call& call) { start_nowait(call, &prepare); }
void post_rerun(const Call& call) { start_nowait(call, &prepare_again); }

/// With a limit, a page; without, all of them as the protocol has it.
void get_handlers(const Call& call) {
  if (call.query.last("limit")) return get_handlers_page(call, filter_of(call.query));
  call.respond(json(handlers_json(call.app.service.store().list_handlers(filter_of(call.query)))));
}

void get_handler(const Call& call) {
  const auto row = named_handler(call);
  if (row && call.query.flag("detail", false)) return get_handler_detail(call, *row);
  respond_with(call, row, &handler_json, "Handler");
}
void get_result(const Call& call) { respond_with(call, named_handler(call), &result_json, "Handler"); }
void get_run(const Call& call) { respond_with(call, call.app.service.store().find_run(call.names[0]), &handler_json, "Run"); }

namespace {

Response purged_or_refused(const Expected<bool>& purged) {
  if (!purged) return problem(purged.error().code == Code::unavailable ? 503 : 500, purged.error().message);
  return *purged ? json(R"({"status":"deleted"})") : problem(404, "Handler not found");
}

}  // namespace

void post_cancel(const Call& call) {
  const bool purge = call.query.flag("purge", false);
  auto& service = call.app.service;
  const auto handler_id = call.names[0];
  if (!service.store().find_handler(handler_id)) return call.respond(problem(404, "Handler not found"));
  service.cancel(handler_id, [&service, exchange = call.exchange, handler_id, purge](const Expected<bool>& ended) {
    if (!ended) return exchange->respond(could_not_start(ended.error(), ""));
    if (purge) return exchange->respond(purged_or_refused(service.purge(handler_id)));
    exchange->respond(*ended ? json(R"({"status":"cancelled"})") : problem(404, "Handler not found"));
  });
}

}  // namespace weir::http
