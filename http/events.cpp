// Following a run's events, and sending events into it (contract 1.9, 1.10).
#include "app.hpp"
#include "event_stream.hpp"
#include "translate.hpp"

#include <algorithm>
#include <cctype>

namespace weir::http {
namespace {

constexpr std::int64_t from_the_start = -1;

/// Where the client wants to begin: a sequence it has seen, "now", or no word about it.
struct Cursor {
  enum class Kind { absent, now, sequence } kind = Kind::absent;
  std::int64_t sequence = from_the_start;
};

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::optional<Cursor> cursor_parameter(const Query& query) {
  const auto raw = query.last("after_sequence");
  if (!raw) return Cursor{};
  if (lower_case(*raw) == "now") return Cursor{Cursor::Kind::now};
  const auto number = python_integer(*raw);
  if (!number) return std::nullopt;
  return Cursor{Cursor::Kind::sequence, std::max<std::int64_t>(*number, from_the_start)};
}

std::int64_t resolve(const Call& call, const Cursor& cursor, const HandlerRow& row, const std::optional<EventRow>& last) {
  const auto newest = last ? last->sequence : from_the_start;
  if (cursor.kind == Cursor::Kind::now) return newest;
  if (cursor.kind == Cursor::Kind::sequence)
    // A cursor ahead of a live run belongs to an earlier run of the same handler: begin anew.
    return cursor.sequence > newest && !row.terminal() ? from_the_start : cursor.sequence;
  switch (call.app.default_cursor) {
    case DefaultCursor::start: return from_the_start;
    case DefaultCursor::now: return newest;
    case DefaultCursor::automatic: break;
  }
  const auto claimed = call.app.service.store().claim_first_read(row.run_id);
  if (!claimed) throw StoreFailure(claimed.error().code, claimed.error().message);
  return *claimed ? from_the_start : newest;
}

std::string step_name(const Value& body) {
  const auto* step = body.find("step");
  if (!step || !step->truthy()) return {};
  return step->is_string() ? step->as_string() : python_repr(*step);
}

Response sent_or_refused(const Expected<bool>& sent) {
  if (sent) return json(R"({"status":"sent"})");
  if (sent.error().code == Code::conflict) return problem(409, sent.error().message);
  return problem(500, "Failed to send event: " + sent.error().message);
}

void stream_run(const Call& call, const std::optional<HandlerRow>& row, std::string_view what) {
  auto cursor = cursor_parameter(call.query);
  if (!cursor) return call.respond(problem(400, "Invalid after_sequence: '" + *call.query.last("after_sequence") + "'"));
  EventStreamOptions options;
  options.format = call.query.flag("sse", true) ? StreamFormat::sse : StreamFormat::ndjson;
  options.qualified_names = call.query.flag("include_qualified_name", true);
  options.metadata = call.query.flag("include_metadata", false);
  options.heartbeat = call.app.heartbeat;
  if (options.format == StreamFormat::sse)
    if (const auto seen = python_integer(call.exchange->header("Last-Event-ID")))
      cursor = Cursor{Cursor::Kind::sequence, std::max<std::int64_t>(*seen, from_the_start)};

  if (!row) return call.respond(problem(404, std::string(what) + " not found"));
  const auto last = call.app.service.store().last_event(row->run_id);
  runtime::StreamRequest request{.handler_id = row->handler_id,
                                 .run_id = row->run_id,
                                 .after = resolve(call, *cursor, *row, last),
                                 .include_internal = call.query.flag("include_internal", false)};
  const bool nothing_left = !last || last->sequence <= request.after;
  if (nothing_left && (row->terminal() || (last && last->terminal))) return call.respond({.status = 204});
  stream_events(call.exchange, call.app.service, request, options);
}

/// As they come, or with stream=false a page of those that are there.
void show_events(const Call& call, const std::optional<HandlerRow>& row, std::string_view what) {
  if (row && !call.query.flag("stream", true)) return get_events_page(call, *row);
  stream_run(call, row, what);
}

void send_event(const Call& call, std::optional<IdempotencyKey> key, const Respond& respond) {
  const auto body = parse_json(call.exchange->body(), limits_for_strangers);
  if (!body) return respond(problem(400, "Error processing request: " + body.error().message));
  if (!body->is_object())
    return respond(problem(400, "Error processing request: '" + std::string(python_type_name(*body)) + "' object has no attribute 'get'"));
  const auto* given = body->find("event");
  if (!given || !given->truthy()) return respond(problem(400, "Event data is required"));
  const auto row = call.app.service.store().find_handler(call.names[0]);
  if (!row) return respond(problem(404, "Handler not found"));
  if (row->terminal()) return respond(problem(409, "Workflow already completed"));
  const auto workflow = call.app.service.find_workflow(*row);
  if (!workflow) return respond(problem(500, "Workflow " + row->workflow_name + " not registered"));
  auto event = parse_event(*given, workflow->registry);
  if (!event) return respond(problem(400, event.error().message));
  call.app.service.send_event(
      row->handler_id, std::move(*event), step_name(*body), [respond](const Expected<bool>& sent) { respond(sent_or_refused(sent)); },
      std::move(key));
}

}  // namespace

void get_events(const Call& call) { show_events(call, call.app.service.store().find_handler(call.names[0]), "Handler"); }
void get_run_events(const Call& call) { show_events(call, call.app.service.store().find_run(call.names[0]), "Run"); }

void post_event(const Call& call) {
  const auto act = [&](std::optional<IdempotencyKey> key, const Respond& respond) { send_event(call, std::move(key), respond); };
  const auto repeat = [](const HandlerRow&, const Respond& respond) { respond(sent_or_refused(true)); };
  answer_once(call, act, repeat);
}

}  // namespace weir::http
