// The operations: what is sent, and what is read from the answer (contract 7.1).
#include "checks.hpp"
#include "state.hpp"
#include "stream.hpp"

#include <weir/envelope.hpp>
#include <weir/printable.hpp>

namespace weir {
namespace {

using client::percent_encoded;
using client::Reply;
using client::Request;

using StatePtr = std::shared_ptr<detail::ClientState>;

template <class T, class Read>
Answered<T> ask(const StatePtr& state, Request request, std::stop_token stop, Read read) {
  request.stop = std::move(stop);
  return Answered<T>([state, request = std::move(request), read](std::function<void(Expected<T>)> answer) {
    if (auto wrong = client::check(request)) return answer(std::move(*wrong));
    // The callback does not own the state: the I/O thread must not be the one that ends it.
    state->transfers.begin(request, [request, read, answer = std::move(answer)](Reply reply) {
      if (reply.error) answer(std::move(*reply.error));
      else answer(read(request, reply));
    });
  });
}

Error unreadable(const Request& request, const std::string& missing) {
  return {Code::internal,
          request.method + " " + client::shown_url(request.url) + ": the answer has no " + missing + ": is this a workflow server?"};
}
Error cannot_be_read(const Request& request, const std::string& what, const std::string& why) {
  return {Code::data_loss,
          request.method + " " + client::shown_url(request.url) + ": " + what + " in the answer cannot be read: " + printable(why)};
}

/// The body of a 2xx as JSON, or of other statuses that `also` takes.
Expected<Value> json_of(const Request& request, const Reply& reply) {
  if (reply.status < 200 || reply.status > 299) return client::refusal(request.method, request.url, reply);
  auto body = parse_json(reply.body);
  if (!body) return unreadable(request, "JSON");
  return body;
}

std::string text_of(const Value& object, std::string_view key) {
  const auto* found = object.find(key);
  return found && found->is_string() ? found->as_string() : std::string();
}

std::int64_t integer_of(const Value& object, std::string_view key, std::int64_t otherwise) {
  const auto* found = object.find(key);
  return found && found->is_integer() ? found->as_integer() : otherwise;
}

void read_unhandled(const Value& unhandled, RemoteHandler& out) {
  out.unhandled_count = integer_of(unhandled, "count", 0);
  const auto* newest = unhandled.find("newest");
  if (!newest || !newest->is_array()) return;
  for (const auto& one : newest->as_array()) {
    const auto* value = one.find("value");
    out.unhandled.push_back({.type = text_of(one, "event_type"),
                             .step = text_of(one, "step"),
                             .value = value ? *value : Value(),
                             .at = text_of(one, "at"),
                             .sequence = integer_of(one, "sequence", -1)});
  }
}

void read_waiting_for(const Value& waiting_for, RemoteHandler& out) {
  if (!waiting_for.is_array()) return;
  for (const auto& wait : waiting_for.as_array()) {
    const auto* requirements = wait.find("requirements");
    out.waiting_for.push_back({.type = text_of(wait, "event_type"),
                               .step = text_of(wait, "step"),
                               .requirements = requirements && requirements->is_object() ? requirements->as_object() : Object()});
  }
}

bool is_handler(const Value& object) { return object.find("handler_id") && object.find("status"); }

Expected<RemoteHandler> handler_of(const Value& object) {
  if (!is_handler(object)) return Error{Code::data_loss, "a handler has an id and a status"};
  const auto status = parse_handler_status(text_of(object, "status"));
  if (!status) return Error{Code::data_loss, "its status is '" + text_of(object, "status") + "'"};
  RemoteHandler out;
  out.handler_id = text_of(object, "handler_id");
  out.workflow_name = text_of(object, "workflow_name");
  out.run_id = text_of(object, "run_id");
  out.status = *status;
  out.error = text_of(object, "error");
  out.started_at = text_of(object, "started_at");
  out.updated_at = text_of(object, "updated_at");
  out.completed_at = text_of(object, "completed_at");
  if (const auto* unhandled = object.find("unhandled")) read_unhandled(*unhandled, out);
  if (const auto* waiting_for = object.find("waiting_for")) read_waiting_for(*waiting_for, out);
  const auto* quarantined = object.find("quarantined");
  out.quarantined = quarantined && quarantined->truthy();
  out.budgets_exceeded = text_of(object, "budgets_exceeded");
  if (const auto* result = object.find("result"); result && !result->is_null()) {
    auto event = client::read_event(*result);
    if (!event) return Error{Code::data_loss, "its result is no event: " + event.error().message};
    out.result = std::move(*event);
  }
  return out;
}

/// Failed and cancelled handlers come with status 500.
Expected<RemoteHandler> read_handler(const Request& request, const Reply& reply) {
  if (const auto body = parse_json(reply.body); body && is_handler(*body) && (reply.status < 300 || reply.status == 500)) {
    auto handler = handler_of(*body);
    return handler ? std::move(handler) : cannot_be_read(request, "the handler", handler.error().message);
  }
  if (reply.status >= 300) return client::refusal(request.method, request.url, reply);
  return unreadable(request, "handler");
}

Expected<std::string> read_status(const Request& request, const Reply& reply) {
  const auto body = json_of(request, reply);
  if (!body) return body.error();
  return text_of(*body, "status");
}

Expected<bool> read_sent(const Request& request, const Reply& reply) {
  const auto body = json_of(request, reply);
  if (!body) return body.error();
  const auto* unhandled = body->find("unhandled");
  return text_of(*body, "status") == "sent" && !(unhandled && unhandled->truthy());
}

/// The member of that name in the answer, which must be there.
auto read_member(std::string name) {
  return [name](const Request& request, const Reply& reply) -> Expected<Value> {
    const auto body = json_of(request, reply);
    if (!body) return body.error();
    const auto* found = body->find(name);
    return found ? Expected<Value>(*found) : unreadable(request, name);
  };
}

/// The members of an array in the answer, each as `convert` reads it. One that cannot be read is an error: none is left out.
template <class T, class Convert>
auto read_array(std::string name, Convert convert) {
  return [name, convert](const Request& request, const Reply& reply) -> Expected<std::vector<T>> {
    const auto found = read_member(name)(request, reply);
    if (!found) return found.error();
    std::vector<T> out;
    if (!found->is_array()) return unreadable(request, name);
    for (const auto& entry : found->as_array()) {
      Expected<T> item = convert(entry);
      if (!item) return cannot_be_read(request, "number " + std::to_string(out.size() + 1) + " of " + name, item.error().message);
      out.push_back(std::move(*item));
    }
    return out;
  };
}

Request get(const StatePtr& state, const std::string& target, const CallOptions& options) {
  auto out = state->request("GET", target);
  out.timeout = options.timeout ? options.timeout : state->options.timeout;
  return out;
}

Request post(const StatePtr& state, const std::string& target, const Value& body) {
  auto out = state->request("POST", target);
  out.headers.emplace_back("Content-Type", "application/json");
  out.body = to_json(body);
  return out;
}

std::string of_workflow(const std::string& name, std::string_view rest) {
  return "/workflows/" + percent_encoded(name) + std::string(rest);
}

Request start_request(const StatePtr& state, const std::string& workflow, std::string_view route, Value start, const RemoteStart& options) {
  Object body{{"start_event", std::move(start)}, {"context", options.context.value_or(Object())}};
  if (!options.handler_id.empty()) body.set("handler_id", options.handler_id);
  auto out = post(state, of_workflow(workflow, route), std::move(body));
  if (!options.idempotency_key.empty()) out.headers.emplace_back("Idempotency-Key", options.idempotency_key);
  out.timeout = options.timeout;
  return out;
}

/// Servers know their classes by name. A StartEvent with free keys may be of any class: its keys travel bare.
Value start_value(const EventBox& event) {
  if (event.is<StartEvent>()) return event.as<StartEvent>()->fields();
  return Object{{"type", event.type().name}, {"value", event.value()}, {"qualified_name", nullptr}};
}

}  // namespace

Client::Client(ClientOptions options) : state_(std::make_shared<detail::ClientState>(options)) {}

Answered<bool> Client::healthy(CallOptions options) const {
  return ask<bool>(state_, get(state_, "/health", options), options.stop, [](const Request& request, const Reply& reply) -> Expected<bool> {
    if (reply.status == 503) return false;
    const auto status = read_status(request, reply);
    if (!status) return status.error();
    return *status == "healthy";
  });
}

Answered<std::vector<std::string>> Client::workflows(CallOptions options) const {
  return ask<std::vector<std::string>>(state_, get(state_, "/workflows", options), options.stop,
                                       read_array<std::string>("workflows", [](const Value& entry) -> Expected<std::string> {
                                         if (!entry.is_string()) return Error{Code::data_loss, "it is no text"};
                                         return entry.as_string();
                                       }));
}

Answered<RemoteSchema> Client::schema(std::string workflow, CallOptions options) const {
  return ask<RemoteSchema>(state_, get(state_, of_workflow(workflow, "/schema"), options), options.stop,
                           [](const Request& request, const Reply& reply) -> Expected<RemoteSchema> {
                             const auto start = read_member("start")(request, reply), stop = read_member("stop")(request, reply);
                             if (!start || !stop) return start ? stop.error() : start.error();
                             return RemoteSchema{*start, *stop};
                           });
}

Answered<std::vector<Value>> Client::event_schemas(std::string workflow, CallOptions options) const {
  return ask<std::vector<Value>>(state_, get(state_, of_workflow(workflow, "/events"), options), options.stop,
                                 read_array<Value>("events", [](const Value& entry) { return Expected<Value>(entry); }));
}

Answered<Value> Client::graph(std::string workflow, CallOptions options) const {
  return ask<Value>(state_, get(state_, of_workflow(workflow, "/representation?detail=true"), options), options.stop, read_member("graph"));
}

Answered<RemoteHandler> Client::run(std::string workflow, const EventBox& start, RemoteStart options) const {
  return ask<RemoteHandler>(state_, start_request(state_, workflow, "/run", start_value(start), options), options.stop, read_handler);
}
Answered<RemoteHandler> Client::run(std::string workflow, const Object& fields, RemoteStart options) const {
  return ask<RemoteHandler>(state_, start_request(state_, workflow, "/run", fields, options), options.stop, read_handler);
}
Answered<RemoteHandler> Client::start(std::string workflow, const EventBox& start, RemoteStart options) const {
  if (!options.timeout) options.timeout = state_->options.timeout;
  return ask<RemoteHandler>(state_, start_request(state_, workflow, "/run-nowait", start_value(start), options), options.stop,
                            read_handler);
}
Answered<RemoteHandler> Client::start(std::string workflow, const Object& fields, RemoteStart options) const {
  if (!options.timeout) options.timeout = state_->options.timeout;
  return ask<RemoteHandler>(state_, start_request(state_, workflow, "/run-nowait", fields, options), options.stop, read_handler);
}

EventStream Client::events(std::string handler_id, StreamOptions options) const {
  auto stream = std::make_shared<detail::StreamState>(state_, std::move(handler_id), options);
  stream->open();
  return EventStream(state_, std::move(stream));
}

Answered<bool> Client::send_event(std::string handler_id, const EventBox& event, std::string step, CallOptions options) const {
  return send_event(std::move(handler_id), event.type().name, event.value().as_object(), std::move(step), options);
}

Answered<bool> Client::send_event(std::string handler_id, const EventBox& event, RemoteSend options) const {
  return send_event(std::move(handler_id), event.type().name, event.value().as_object(), std::move(options));
}

Answered<bool> Client::send_event(std::string handler_id, std::string type, const Object& fields, std::string step,
                                  CallOptions options) const {
  return send_event(std::move(handler_id), std::move(type), fields,
                    RemoteSend{.step = std::move(step), .timeout = options.timeout, .stop = options.stop});
}

Answered<bool> Client::send_event(std::string handler_id, std::string type, const Object& fields, RemoteSend options) const {
  Object body{{"event", Object{{"type", std::move(type)}, {"value", fields}, {"qualified_name", nullptr}}}};
  if (!options.step.empty()) body.set("step", std::move(options.step));
  auto request = post(state_, "/events/" + percent_encoded(handler_id), std::move(body));
  if (options.strict) request.headers.emplace_back("Prefer", "handling=strict");
  if (!options.idempotency_key.empty()) request.headers.emplace_back("Idempotency-Key", options.idempotency_key);
  request.timeout = options.timeout ? options.timeout : state_->options.timeout;
  return ask<bool>(state_, std::move(request), options.stop, read_sent);
}

Answered<RemoteHandler> Client::handler(std::string handler_id, CallOptions options) const {
  return ask<RemoteHandler>(state_, get(state_, "/handlers/" + percent_encoded(handler_id), options), options.stop, read_handler);
}

Answered<RemoteHandler> Client::handler_detail(std::string handler_id, CallOptions options) const {
  return ask<RemoteHandler>(state_, get(state_, "/handlers/" + percent_encoded(handler_id) + "?detail=true", options), options.stop,
                            read_handler);
}

Answered<std::vector<RemoteHandler>> Client::handlers(RemoteFilter filter, CallOptions options) const {
  std::string query;
  const auto add = [&](std::string_view name, std::string_view value) {
    query += (query.empty() ? "?" : "&") + std::string(name) + "=" + percent_encoded(value);
  };
  for (const auto status : filter.statuses) add("status", to_string(status));
  for (const auto& name : filter.workflow_names) add("workflow_name", name);
  return ask<std::vector<RemoteHandler>>(state_, get(state_, "/handlers" + query, options), options.stop,
                                         read_array<RemoteHandler>("handlers", handler_of));
}

Answered<RemoteHandler> Client::resume(std::string handler_id, CallOptions options) const {
  auto request = post(state_, "/handlers/" + percent_encoded(handler_id) + "/resume", Object());
  request.timeout = options.timeout;
  return ask<RemoteHandler>(state_, std::move(request), options.stop, read_handler);
}

Answered<std::string> Client::cancel(std::string handler_id, bool purge, CallOptions options) const {
  auto request = post(state_, "/handlers/" + percent_encoded(handler_id) + "/cancel?purge=" + (purge ? "true" : "false"), Object());
  request.timeout = options.timeout;
  return ask<std::string>(state_, std::move(request), options.stop, read_status);
}

}  // namespace weir
