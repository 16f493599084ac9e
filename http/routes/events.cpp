// Following a run's events, and sending events into it (contract 1.9, 1.10).
#include "http/answers/app.hpp"
#include "http/answers/background.hpp"
#include "http/answers/parameters.hpp"
#include "http/answers/preferences.hpp"
#include "http/answers/translate.hpp"
#include "http/streams/event_stream.hpp"

#include <algorithm>
#include <cctype>
#include <stdexcept>

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
  const auto number = whole_number(*raw);
  if (!number) return std::nullopt;
  return Cursor{Cursor::Kind::sequence, std::max(*number, from_the_start)};
}

/// A stream that has been asked for, on its way to where it begins.
struct Wanted {
  HandlerRow row;
  Cursor cursor;
  EventStreamOptions options;
  std::optional<EventRow> last;
};

void stream_after(const Call& call, const Wanted& wanted, std::int64_t after) {
  const auto& [row, cursor, options, last] = wanted;
  const runtime::StreamRequest request{
      .handler_id = row.handler_id, .run_id = row.run_id, .after = after, .include_internal = call.query.flag("include_internal", false)};
  const bool nothing_left = !last || last->sequence <= after;
  if (nothing_left && (row.terminal() || (last && last->terminal))) return call.respond({.status = 204});
  const bool long_past = row.terminal() && last && last->sequence > budget::loop_events_max;
  const auto stream = [request, options](const Call& taken) { stream_events(taken, request, options); };
  long_past && !call.app.lookups->here() ? off_the_loop(call, Work::lookup, stream) : stream(call);
}

/// Everything to a run's first reader, which the store notes, only new events to later ones.
void stream_by_turn(const Call& call, const Wanted& wanted, std::int64_t newest) {
  with_store(call, Work::change, [wanted, newest](const Call& taken) {
    const auto claimed = taken.app.service.store().claim_first_read(wanted.row.run_id);
    if (!claimed) return taken.respond(failure(claimed.error()));
    const auto after = *claimed ? from_the_start : newest;
    with_store(taken, Work::lookup, [wanted, after](const Call& back) { stream_after(back, wanted, after); });
  });
}

void begin_stream(const Call& call, const Wanted& wanted) {
  const auto newest = wanted.last ? wanted.last->sequence : wanted.row.first_sequence - 1;
  const auto& cursor = wanted.cursor;
  if (cursor.kind == Cursor::Kind::now) return stream_after(call, wanted, newest);
  if (cursor.kind == Cursor::Kind::sequence)
    // The sequence goes on over a handler's runs. A cursor ahead of a live one is of a handler of that id that was purged: begin anew.
    return stream_after(call, wanted, cursor.sequence > newest && !wanted.row.terminal() ? from_the_start : cursor.sequence);
  switch (call.app.default_cursor) {
    case DefaultCursor::start: return stream_after(call, wanted, from_the_start);
    case DefaultCursor::now: return stream_after(call, wanted, newest);
    case DefaultCursor::automatic: return stream_by_turn(call, wanted, newest);
  }
}

/// An event as it was posted.
struct Posted {
  Value event;
  std::string step;     ///< empty: for every step that takes it
  bool strict = false;  ///< to be refused when nothing takes it
  std::optional<IdempotencyKey> key;
};

/// Throws std::invalid_argument.
std::string step_name(const Value& body) {
  const auto* step = body.find("step");
  if (!step || step->is_null()) return {};
  if (step->is_string() && step->as_string().empty())
    throw std::invalid_argument("Step '' does not exist: leave \"step\" out to send the event to every step that takes it");
  if (!step->truthy()) return {};
  return step->is_string() ? step->as_string() : python_repr(*step);
}

Response sent_or_refused(const Expected<bool>& taken) {
  if (taken) return json(*taken ? R"({"status":"sent"})" : R"({"status":"sent","unhandled":true})");  // clients ignore an extra key
  const auto& error = taken.error();
  const bool foreseen = error.code == Code::conflict || error.code == Code::unavailable || error.code == Code::resource_exhausted;
  return foreseen ? failure(error) : problem(500, "Failed to send event: " + error.message);
}

EventStreamOptions stream_options(const Call& call) {
  EventStreamOptions options;
  options.format = call.query.flag("sse", true) ? StreamFormat::sse : StreamFormat::ndjson;
  options.qualified_names = call.query.flag("include_qualified_name", true);
  options.metadata = call.query.flag("include_metadata", false);
  options.heartbeat = call.app.heartbeat;
  return options;
}

void stream_run(const Call& call, const std::optional<HandlerRow>& row, std::string_view what) {
  auto cursor = cursor_parameter(call.query);
  if (!cursor) return call.respond(problem(400, "Invalid after_sequence: '" + shortened(*call.query.last("after_sequence")) + "'"));
  const auto options = stream_options(call);
  if (options.format == StreamFormat::sse)
    if (const auto seen = whole_number(call.exchange->header("Last-Event-ID")))
      cursor = Cursor{Cursor::Kind::sequence, std::max(*seen, from_the_start)};
  if (!row) return call.respond(problem(404, std::string(what) + " not found"));
  begin_stream(call, {*row, *cursor, options, call.app.service.store().last_event(row->run_id)});
}

/// As they come, or with stream=false a page of those that are there.
void show_events(const Call& call, const std::optional<HandlerRow>& row, std::string_view what) {
  if (!row || call.query.flag("stream", true)) return stream_run(call, row, what);
  off_the_loop(call, Work::search, [row = *row](const Call& taken) { get_events_page(taken, row); });
}

runtime::EventReply answering(const Call& call, bool strict) {
  return [respond = call.responder(), strict](const Expected<bool>& taken) {
    auto response = sent_or_refused(taken);
    if (strict) response.headers.emplace_back("preference-applied", "handling=strict");
    respond(std::move(response));
  };
}

runtime::EventRequest request_for(const std::string& handler_id, EventBox event, const Posted& posted) {
  return {.handler_id = handler_id, .event = std::move(event), .step = posted.step, .strict = posted.strict, .key = posted.key};
}

/// To a run that is in memory: the store need not be asked. False when there is none, and nothing has happened.
bool deliver_to_live(const Call& call, const Posted& posted) {
  auto& service = call.app.service;
  const auto workflow = service.find_live_workflow(call.names[0]);
  if (!workflow) return false;
  auto event = parse_event(posted.event, workflow->registry);
  if (!event) {
    call.respond(problem(400, event.error().message));
    return true;
  }
  return service.send_event_to_live(request_for(call.names[0], std::move(*event), posted), answering(call, posted.strict));
}

void deliver(const Call& call, const Posted& posted) {
  auto& service = call.app.service;
  const auto row = service.store().find_handler(call.names[0]);
  if (!row) return call.respond(problem(404, "Handler not found"));
  if (row->terminal()) return call.respond(problem(409, "Workflow already completed"));
  const auto workflow = service.find_workflow(*row);
  if (!workflow) return call.respond(problem(500, "Workflow " + row->workflow_name + " not registered"));
  auto event = parse_event(posted.event, workflow->registry);
  if (!event) return call.respond(problem(400, event.error().message));
  service.send_event(request_for(row->handler_id, std::move(*event), posted), answering(call, posted.strict));
}

void send_event(const Call& call, const std::optional<IdempotencyKey>& key) {
  const auto body = parse_json(call.exchange->body(), limits_for_strangers);
  if (!body) return call.respond(problem(400, "Error processing request: " + body.error().message));
  if (!body->is_object())
    return call.respond(
        problem(400, "Error processing request: '" + std::string(python_type_name(*body)) + "' object has no attribute 'get'"));
  const auto* given = body->find("event");
  if (!given || !given->truthy()) return call.respond(problem(400, "Event data is required"));
  const Posted posted{
      .event = *given, .step = step_name(*body), .strict = prefers_strict_handling(call.exchange->joined_header("Prefer")), .key = key};
  if (deliver_to_live(call, posted)) return;
  with_store(call, Work::lookup, [posted](const Call& taken) { deliver(taken, posted); });
}

}  // namespace

void get_events(const Call& call) {
  with_store(watched(call), Work::lookup,
             [](const Call& taken) { show_events(taken, taken.app.service.store().find_handler(taken.names[0]), "Handler"); });
}
void get_run_events(const Call& call) {
  with_store(watched(call), Work::lookup,
             [](const Call& taken) { show_events(taken, taken.app.service.store().find_run(taken.names[0]), "Run"); });
}

void post_event(const Call& call) {
  answer_once(call, &send_event,
              [](const Call& taken, const HandlerRow&, const UsedKey& used) { taken.respond(sent_or_refused(!used.unhandled)); });
}

}  // namespace weir::http
