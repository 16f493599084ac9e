#include "rows.hpp"

namespace weir::sqlite_detail {
namespace {

/// An event that was read from the file.
class StoredEvent final : public EventPayload {
public:
  StoredEvent(std::int64_t sequence, std::string_view body) : prefix_("id: " + std::to_string(sequence) + "\ndata: ") {
    frame_.reserve(prefix_.size() + body.size() + 2);
    frame_ += prefix_;
    frame_ += body;
    frame_ += "\n\n";
  }
  std::string_view json() const override { return std::string_view(frame_).substr(prefix_.size(), frame_.size() - prefix_.size() - 2); }
  std::string_view frame() const override { return frame_; }
  std::string json_without_qualified_name() const override {
    auto envelope = parse_json(json());
    if (!envelope || !envelope->is_object()) return std::string(json());
    envelope->as_object().set("qualified_name", Value());
    return to_json(*envelope);
  }

private:
  std::string prefix_, frame_;
};

std::optional<Time> optional_time(const Query& query, int column) {
  return query.is_null(column) ? std::nullopt : std::optional(time_of(query.integer(column)));
}

}  // namespace

const std::string handler_columns =
    "handler_id, workflow_name, workflow_version, workflow_graph, parent_handler_id, run_id, status, error, result, started_at, updated_at, "
    "completed_at, idle_since, wake_at, waiting_for, resumes, quarantined, first_sequence, budgets_exceeded, unhandled";

HandlerStatus status_of(std::int64_t stored) {
  if (stored < 0 || stored > static_cast<std::int64_t>(HandlerStatus::cancelled)) throw impossible_row("status " + std::to_string(stored));
  return static_cast<HandlerStatus>(stored);
}

HandlerRow handler_of(const Query& query) {
  HandlerRow row;
  row.handler_id = query.text(0);
  row.workflow_name = query.text(1);
  row.workflow_version = query.text(2);
  row.workflow_graph = query.text(3);
  row.parent_handler_id = query.text(4);
  row.run_id = query.text(5);
  row.status = status_of(query.integer(6));
  row.error = query.text(7);
  row.result = query.text(8);
  row.started_at = time_of(query.integer(9));
  row.updated_at = time_of(query.integer(10));
  row.completed_at = optional_time(query, 11);
  row.idle_since = optional_time(query, 12);
  row.wake_at = optional_time(query, 13);
  row.waiting_for = query.text(14);
  row.resumes = query.integer(15);
  row.quarantined = query.integer(16) != 0;
  row.first_sequence = query.integer(17);
  row.budgets_exceeded = query.text(18);
  row.unhandled = query.text(19);
  return row;
}

EventRow event_of(const Query& query) {
  return {query.integer(0),
          time_of(query.integer(1)),
          query.integer(2) != 0,
          query.integer(3) != 0,
          std::make_shared<StoredEvent>(query.integer(0), query.text(4)),
          query.integer(5),
          query.integer(6),
          query.is_null(7) ? nullptr : std::make_shared<const std::string>(query.text(7))};
}

NamedStates states_of(Connection& db, std::int64_t handler) {
  NamedStates out;
  auto query = db.query("SELECT name, body FROM states WHERE handler = ?");
  query.bind(handler);
  while (query.step()) {
    auto body = parse_json(query.text(1));
    if (!body || !body->is_object()) throw impossible_row("a state that is no JSON object");
    out[std::string(query.text(0))] = body->as_object();
  }
  return out;
}

}  // namespace weir::sqlite_detail
