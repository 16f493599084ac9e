#include "reading.hpp"

namespace weir::sqlite_detail {
namespace {

const std::string run_by_id = "(SELECT run FROM runs WHERE run_id = ?)";

}  // namespace

std::optional<HandlerRow> find_handler(Connection& db, std::string_view handler_id) {
  auto query = db.query("SELECT " + handler_columns + " FROM handlers WHERE handler_id = ?");
  if (!query.bind(handler_id).step()) return std::nullopt;
  return handler_of(query);
}

std::optional<HandlerRow> find_run(Connection& db, std::string_view run_id) {
  auto query = db.query(
      "SELECT h.handler_id, r.workflow_name, r.workflow_version, '', h.parent_handler_id, r.run_id, coalesce(r.status, 0), r.error, r.result, "
      "coalesce(r.started_at, 0), coalesce(r.updated_at, 0), r.completed_at, NULL, NULL, '', 0, 0, r.first_sequence, '', '', h.run_id = r.run_id FROM runs r JOIN handlers h USING (handler) "
      "WHERE r.run_id = ?");
  if (!query.bind(run_id).step()) return std::nullopt;
  const bool present = query.integer(handler_columns_count) != 0;
  return present ? find_handler(db, std::string(query.text(0))) : handler_of(query);
}

std::optional<UsedKey> find_key(Connection& db, std::string_view key) {
  auto query = db.query("SELECT fingerprint, run_id, unhandled FROM idempotency_keys JOIN runs USING (run) WHERE key = ?");
  if (!query.bind(key).step()) return std::nullopt;
  return UsedKey{std::string(query.text(0)), std::string(query.text(1)), query.integer(2) != 0};
}

NamedStates find_states(Connection& db, std::string_view handler_id) {
  auto query = db.query("SELECT handler FROM handlers WHERE handler_id = ?");
  return query.bind(handler_id).step() ? states_of(db, query.integer(0)) : NamedStates();
}

std::vector<std::string> find_orphans(Connection& db, std::string& behind, std::size_t limit) {
  constexpr std::int64_t parents_at_once = 1000;
  std::vector<std::string> parents, out;
  auto query = db.query(
      "SELECT DISTINCT parent_handler_id FROM handlers WHERE parent_handler_id > ? AND parent_handler_id <> '' ORDER BY 1 LIMIT ?");
  query.bind(behind).bind(parents_at_once);
  while (query.step()) parents.emplace_back(query.text(0));
  behind = parents.size() < parents_at_once ? std::string() : parents.back();
  for (const auto& parent : parents) {
    if (find_handler(db, parent)) continue;
    auto children = db.query("SELECT handler_id FROM handlers WHERE parent_handler_id = ? AND parent_handler_id <> '' LIMIT ?");
    children.bind(parent).bind(static_cast<std::int64_t>(limit - out.size()));
    while (children.step()) out.emplace_back(children.text(0));
    if (out.size() < limit) continue;
    behind = parent;
    break;
  }
  return out;
}

RunOrigin find_origin(Connection& db, std::string_view run_id) {
  RunOrigin out;
  auto query = db.query("SELECT input, rerun_of, rerun_after FROM runs WHERE run_id = ?");
  if (!query.bind(run_id).step()) return out;
  if (!query.is_null(0)) out.input = query.text(0);
  if (!query.is_null(1)) out.rerun_of = Rerun{std::string(query.text(1))};
  if (out.rerun_of && !query.is_null(2)) out.rerun_of->after = query.integer(2);
  return out;
}

std::optional<NamedStates> find_states_at(Connection& db, std::string_view run_id, std::int64_t sequence) {
  auto known = db.query("SELECT 1 FROM runs WHERE run_id = ?");
  if (!known.bind(run_id).step()) return std::nullopt;
  auto query = db.query("SELECT body FROM state_history WHERE run = " + run_by_id + " AND sequence <= ? ORDER BY sequence DESC LIMIT 1");
  NamedStates out;
  if (!query.bind(run_id).bind(sequence).step()) return out;
  if (query.text(0).empty()) return std::nullopt;  // too large to be kept
  const auto body = parse_json(query.text(0));
  if (!body || !body->is_object()) throw impossible_row("states that are no JSON object");
  for (const auto& [name, state] : body->as_object()) {
    if (!state.is_object()) throw impossible_row("a state that is no JSON object");
    out[name] = state.as_object();
  }
  return out;
}

std::vector<EventRow> read_events(Connection& db, std::string_view run_id, std::int64_t after, std::size_t limit) {
  auto query = db.query("SELECT sequence, at, internal, terminal, body, span, caused_by, trace FROM events WHERE run = " + run_by_id +
                        " AND sequence > ? ORDER BY sequence LIMIT ?");
  query.bind(run_id).bind(after).bind(static_cast<std::int64_t>(limit));
  std::vector<EventRow> out;
  while (query.step()) out.push_back(event_of(query));
  return out;
}

std::optional<EventRow> last_event(Connection& db, std::string_view run_id) {
  auto query = db.query("SELECT sequence, at, internal, terminal, body, span, caused_by, trace FROM events WHERE run = " + run_by_id +
                        " ORDER BY sequence DESC LIMIT 1");
  if (!query.bind(run_id).step()) return std::nullopt;
  return event_of(query);
}

Journal read_journal(Connection& db, std::string_view run_id) {
  Journal out;
  auto snapshot = db.query("SELECT sequence, body FROM snapshots WHERE run = " + run_by_id);
  if (snapshot.bind(run_id).step()) out.snapshot = SnapshotRow{snapshot.integer(0), std::string(snapshot.text(1))};
  auto query = db.query("SELECT sequence, at, body FROM ticks WHERE run = " + run_by_id + " ORDER BY sequence");
  query.bind(run_id);
  while (query.step()) {
    const auto before = !out.ticks.empty() ? out.ticks.back().sequence : out.snapshot ? out.snapshot->sequence : 0;
    if (query.integer(0) != before + 1) throw impossible_row("a journal without its tick " + std::to_string(before + 1));
    out.ticks.push_back({query.integer(0), time_of(query.integer(1)), std::string(query.text(2))});
  }
  return out;
}

std::optional<Time> next_wake(Connection& db, Time after) {
  auto query = db.query("SELECT min(wake_at) FROM handlers WHERE wake_at > ?");
  if (!query.bind(stored(after)).step() || query.is_null(0)) return std::nullopt;
  return time_of(query.integer(0));
}

std::vector<std::string> find_wakes(Connection& db, Time after, Time until) {
  auto query = db.query("SELECT handler_id FROM handlers WHERE wake_at > ? AND wake_at <= ? ORDER BY wake_at");
  query.bind(stored(after)).bind(stored(until));
  std::vector<std::string> out;
  while (query.step()) out.emplace_back(query.text(0));
  return out;
}

}  // namespace weir::sqlite_detail
