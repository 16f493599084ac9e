// One handler looked at closely: GET /handlers/ID?detail=true, /handlers/ID/state, /handlers/ID/export.
#include "http/answers/app.hpp"
#include "http/answers/background.hpp"
#include "http/answers/parameters.hpp"
#include "http/answers/pieces.hpp"
#include "http/answers/translate.hpp"
#include "http/streams/logged_event.hpp"
#include "row_reader.hpp"

#include <cctype>

namespace weir::http {
namespace {

/// The newest event up to `last` that asked for input, if it is not far back.
std::optional<EventRow> find_question(const Store& store, const std::string& run_id, std::int64_t last) {
  constexpr std::int64_t looked_at = 200;
  std::optional<EventRow> found;
  for (EventReader reader(store, run_id, last > looked_at ? last - looked_at : -1, last); !reader.done();)
    for (auto& row : reader.next())
      if (!row.internal && row.payload->json().find("\"InputRequiredEvent\"") != std::string::npos) found = std::move(row);
  return found;
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
  out += ",\"unhandled\":" + (row.unhandled.empty() ? R"({"count":0,"newest":[]})" : row.unhandled);
  out += ",\"wake_at\":" + (row.wake_at ? "\"" + timestamp(*row.wake_at) + "\"" : "null");
  out += ",\"workflow_version\":" + to_json(Value(row.workflow_version));
  out += ",\"rerun_of\":" + (earlier ? to_json(Value(earlier->handler_id)) : "null");
  out += ",\"rerun_after\":" + (rerun_of && rerun_of->after ? std::to_string(*rerun_of->after) : "null");
  out += ",\"current_steps\":" + to_json(Value(Value::Array(running_steps.begin(), running_steps.end())));
  return out + ",\"last_sequence\":" + std::to_string(last) + "}";
}

/// A run as a file.
class Export final : public Pieces {
public:
  Export(const Store& store, const std::string& run_id, std::string head, std::int64_t last)
      : head_(std::move(head)), reader_(store, run_id, -1, last) {}

  bool append(std::string& out) override {
    if (!head_.empty()) out += std::exchange(head_, {}) + ",\"events\":[";
    for (const auto& row : reader_.next()) {
      if (std::exchange(any_, true)) out += ',';
      append_logged_event(out, row);
    }
    if (reader_.done()) out += "]}";
    return !reader_.done();
  }

private:
  std::string head_;
  EventReader reader_;
  bool any_ = false;
};

std::string export_head(const App& app, const HandlerRow& row) {
  std::string out =
      "{\"weir_export\":1,\"exported_at\":\"" + timestamp(app.service.now()) + "\",\"handler\":" + detail_json(app.service.store(), row);
  const auto workflow = app.service.find_workflow(row);
  out += ",\"representation\":" + (workflow ? workflow->detailed_representation_json : "null");
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
  const auto answer = [row](const Call& taken, const std::vector<std::string>& running_steps) {
    taken.respond(json(detail_json(taken.app.service.store(), row, running_steps)));
  };
  if (row.terminal()) return answer(call, {});
  // It is told on a thread that must not wait for the store.
  const auto told = [call, answer, workers = call.app.lookups](const std::vector<std::string>& running_steps) {
    off_the_loop(workers, call, [answer, running_steps](const Call& taken) { answer(taken, running_steps); });
  };
  if (!call.app.service.find_running_steps(row.handler_id, budget::look_time_max, told)) answer(call, {});
}

void get_handler_state(const Call& call) {
  with_store(call, Work::lookup, [](const Call& taken) {
    const auto& store = taken.app.service.store();
    const auto row = store.find_handler(taken.names[0]);
    if (!row) return taken.respond(problem(404, "Handler not found"));
    const auto last = store.last_event(row->run_id);
    const auto at = number(taken.query, "at").value_or(last ? last->sequence : -1);
    const auto states = store.find_states_at(row->run_id, at);
    if (!states) return taken.respond(problem(404, "What the run kept after event " + std::to_string(at) + " is no longer known"));
    Object named;
    for (const auto& [name, state] : *states) named.set(name, state);
    taken.respond(json(to_json(Value(Object{{"handler_id", row->handler_id}, {"at", at}, {"states", std::move(named)}}))));
  });
}

void get_handler_export(const Call& call) {
  off_the_loop(call, Work::search, [](const Call& taken) {
    const auto& store = taken.app.service.store();
    const auto row = store.find_handler(taken.names[0]);
    if (!row) return taken.respond(problem(404, "Handler not found"));
    const auto last = store.last_event(row->run_id);
    Response head;
    head.headers = {{"content-disposition", "attachment; filename=\"" + safe(row->workflow_name + "-" + row->handler_id) + ".weir.json\""}};
    auto file = std::make_unique<Export>(store, row->run_id, export_head(taken.app, *row), last ? last->sequence : -1);
    answer_in_pieces(taken, std::move(file), false, std::move(head), 2 * row->result.size());  // the row, and it as text
  });
}

}  // namespace weir::http
