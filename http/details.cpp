// One handler looked at closely: GET /handlers/ID?detail=true, /handlers/ID/state, /handlers/ID/export.
#include "app.hpp"
#include "logged_event.hpp"
#include "translate.hpp"

#include <algorithm>

namespace weir::http {
namespace {

/// The newest event up to `last` that asked for input, if it is not far back.
std::optional<EventRow> find_question(const Store& store, const std::string& run_id, std::int64_t last) {
  constexpr std::int64_t looked_at = 200;
  auto rows = store.read_events(run_id, std::max<std::int64_t>(-1, last - looked_at), looked_at);
  const auto asks = [&](const EventRow& event) {
    return event.sequence <= last && !event.internal && event.payload->json().find("\"InputRequiredEvent\"") != std::string::npos;
  };
  const auto found = std::find_if(rows.rbegin(), rows.rend(), asks);
  return found == rows.rend() ? std::nullopt : std::optional(std::move(*found));
}

/// Of a run that waits. A fork may have been asked before it began.
std::string question_json(const Store& store, const HandlerRow& row, std::int64_t last, const std::optional<Rerun>& rerun_of) {
  auto found = row.waiting_for.empty() ? std::nullopt : find_question(store, row.run_id, last);
  if (!found && !row.waiting_for.empty() && rerun_of && rerun_of->after) found = find_question(store, rerun_of->run_id, *rerun_of->after);
  if (!found) return "null";
  std::string out;
  append_logged_event(out, *found);
  return out;
}

std::string detail_json(const Store& store, const HandlerRow& row, const std::vector<std::string>& running_steps = {}) {
  std::string out;
  JsonWriter writer(out);
  write_handler_item(writer, row, true);
  out.pop_back();  // more keys follow
  const auto newest = store.last_event(row.run_id);
  const auto last = newest ? newest->sequence : -1;
  const auto origin = store.find_origin(row.run_id);
  const auto& rerun_of = origin.rerun_of;
  const auto earlier = rerun_of ? store.find_run(rerun_of->run_id) : std::nullopt;
  out += ",\"input\":" + origin.input.value_or("null");
  out += ",\"question\":" + question_json(store, row, last, rerun_of);
  out += ",\"wake_at\":" + (row.wake_at ? "\"" + timestamp(*row.wake_at) + "\"" : "null");
  out += ",\"workflow_version\":" + to_json(Value(row.workflow_version));
  out += ",\"rerun_of\":" + (earlier ? to_json(Value(earlier->handler_id)) : "null");
  out += ",\"rerun_after\":" + (rerun_of && rerun_of->after ? std::to_string(*rerun_of->after) : "null");
  out += ",\"current_steps\":" + to_json(Value(Value::Array(running_steps.begin(), running_steps.end())));
  return out + ",\"last_sequence\":" + std::to_string(last) + "}";
}

/// Writes a run piece by piece, at the reader's pace.
class Export : public std::enable_shared_from_this<Export> {
public:
  Export(ExchangePtr exchange, const Store& store, std::string run_id)
      : exchange_(std::move(exchange)), store_(store), run_id_(std::move(run_id)) {}

  void begin(std::string head) { write(std::move(head) + ",\"events\":["); }

private:
  void write(std::string text) {
    exchange_->write(std::move(text), [self = shared_from_this()](bool sent) {
      if (sent) self->next();
    });
  }
  void next() {
    const auto rows = store_.read_events(run_id_, after_, 500);
    if (rows.empty()) return exchange_->end_stream("]}");
    std::string text;
    for (const auto& row : rows) {
      if (row.sequence > 0) text += ',';
      append_logged_event(text, row);
    }
    after_ = rows.back().sequence;
    write(std::move(text));
  }

  ExchangePtr exchange_;
  const Store& store_;
  std::string run_id_;
  std::int64_t after_ = -1;
};

std::string export_head(const App& app, const HandlerRow& row) {
  std::string out =
      "{\"weir_export\":1,\"exported_at\":\"" + timestamp(app.service.now()) + "\",\"handler\":" + detail_json(app.service.store(), row);
  const auto workflow = app.service.find_workflow(row);
  out += ",\"representation\":" + (workflow ? workflow->representation_json : "null");
  out += ",\"schema\":" + (workflow ? workflow->schema_json : "null");
  return out + ",\"event_schemas\":" + (workflow ? workflow->events_json : "null");
}

/// For a file's name.
std::string safe(std::string text) {
  for (char& c : text)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') c = '_';
  return text;
}

}  // namespace

void get_handler_detail(const Call& call, const HandlerRow& row) {
  const auto& store = call.app.service.store();
  const auto answer = [&store, row, exchange = call.exchange](const std::vector<std::string>& running_steps) {
    exchange->respond(json(detail_json(store, row, running_steps)));
  };
  if (row.terminal() || !call.app.service.find_running_steps(row.handler_id, answer)) answer({});
}

void get_handler_state(const Call& call) {
  const auto& store = call.app.service.store();
  const auto row = store.find_handler(call.names[0]);
  if (!row) return call.respond(problem(404, "Handler not found"));
  const auto last = store.last_event(row->run_id);
  const auto given = call.query.last("at");
  const auto at = given ? python_integer(*given) : std::optional<long long>(last ? last->sequence : -1);
  if (!at) return call.respond(problem(400, "at must be an event's sequence, got '" + *given + "'"));
  const auto states = store.find_states_at(row->run_id, *at);
  if (!states) return call.respond(problem(404, "What the run kept after event " + std::to_string(*at) + " is no longer known"));
  Object named;
  for (const auto& [name, state] : *states) named.set(name, state);
  call.respond(json(to_json(Value(Object{{"handler_id", row->handler_id}, {"at", std::int64_t{*at}}, {"states", std::move(named)}}))));
}

void get_handler_export(const Call& call) {
  const auto& store = call.app.service.store();
  const auto row = store.find_handler(call.names[0]);
  if (!row) return call.respond(problem(404, "Handler not found"));
  Response head;
  head.headers = {{"content-disposition", "attachment; filename=\"" + safe(row->workflow_name + "-" + row->handler_id) + ".weir.json\""}};
  call.exchange->begin_stream(std::move(head));
  if (call.exchange->method() == "HEAD") return;
  std::make_shared<Export>(call.exchange, store, row->run_id)->begin(export_head(call.app, *row));
}

}  // namespace weir::http
