#include "translate.hpp"

#include "without_folders.hpp"

namespace weir::http {
namespace {

void write_members(JsonWriter& out, const HandlerRow& row, std::string_view result) {
  const auto text = [&](std::string_view key, std::string_view value) {
    out.key(key);
    out.string(value);
  };
  text("handler_id", row.handler_id);
  text("workflow_name", row.workflow_name);
  text("run_id", row.run_id);
  out.key("error");
  row.status == HandlerStatus::failed ? out.string(row.error) : out.null();
  out.key("result");
  out.raw(result.empty() ? "null" : result);
  text("status", to_string(row.status));
  text("started_at", timestamp(row.started_at));
  text("updated_at", timestamp(row.updated_at));
  out.key("completed_at");
  row.completed_at ? out.string(timestamp(*row.completed_at)) : out.null();
  // Extra keys: clients ignore those.
  if (row.quarantined) {
    out.key("quarantined");
    out.raw("true");
  }
  if (!row.budgets_exceeded.empty()) text("budgets_exceeded", row.budgets_exceeded);
}

void write_handler(JsonWriter& out, const HandlerRow& row, std::string_view result) {
  out.begin_object();
  write_members(out, row, result);
  out.end_object();
}

/// A plain StopEvent's `result`, a custom stop event's whole value.
std::string unwrapped(const std::string& envelope) {
  const auto parsed = parse_json(envelope);
  if (!parsed) return "null";
  const auto* value = parsed->find("value");
  const auto* name = parsed->find("qualified_name");
  if (!value) return "null";
  if (!name || !name->is_string() || name->as_string() != "workflows.events.StopEvent") return to_json(*value);
  const auto* result = value->find("result");
  return result ? to_json(*result) : "null";
}

}  // namespace

std::string timestamp(Time time) {
  auto text = codec::time_text(time);
  text.replace(text.size() - 1, 1, "+00:00");  // instead of Z
  return text;
}

std::string handler_json(const HandlerRow& row) {
  std::string out;
  out.reserve(512 + row.result.size());
  JsonWriter writer(out);
  write_handler(writer, row, row.result);
  return out;
}

std::string result_json(const HandlerRow& row) {
  std::string out;
  JsonWriter writer(out);
  write_handler(writer, row, row.result.empty() ? "" : unwrapped(row.result));
  return out;
}

void write_handler_item(JsonWriter& out, const HandlerRow& row, bool with_result) {
  out.begin_object();
  write_members(out, row, with_result ? row.result : "");
  out.key("idle_since");
  row.idle_since ? out.string(timestamp(*row.idle_since)) : out.null();
  out.key("waiting_for");
  out.raw(row.waiting_for.empty() ? "[]" : row.waiting_for);
  out.key("parent_handler_id");
  row.parent_handler_id.empty() ? out.null() : out.string(row.parent_handler_id);
  out.end_object();
}

std::string handlers_json(const std::vector<HandlerRow>& rows) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  writer.key("handlers");
  writer.begin_array();
  for (const auto& row : rows) write_handler(writer, row, row.result);
  writer.end_array();
  writer.end_object();
  return out;
}

int polling_status(const HandlerRow& row) {
  switch (row.status) {
    case HandlerStatus::running: return 202;
    case HandlerStatus::completed: return 200;
    case HandlerStatus::failed:
    case HandlerStatus::cancelled: return 500;
  }
  return 500;
}

Response json(std::string body, int status) { return {.status = status, .body = std::move(body)}; }

Response problem(int status, std::string_view detail) {
  std::string body;
  JsonWriter writer(body);
  writer.begin_object();
  writer.key("detail");
  status >= 500 ? writer.string(without_folders(detail)) : writer.string(detail);  // what clients have sent is theirs
  writer.end_object();
  return json(std::move(body), status);
}

}  // namespace weir::http
