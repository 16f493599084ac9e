#include "writing.hpp"

#include "reading.hpp"

#include "persistence/handler_query.hpp"
#include "persistence/state_history.hpp"

namespace weir::sqlite_detail {
namespace {

Query& bind_changing(Query& query, const HandlerRow& row) {
  query.bind(row.workflow_name).bind(row.workflow_version).bind(row.workflow_graph).bind(row.parent_handler_id).bind(row.run_id);
  query.bind(static_cast<std::int64_t>(row.status)).bind(row.error).bind(row.result);
  query.bind(stored(row.started_at)).bind(stored(row.updated_at)).bind(stored(row.completed_at));
  query.bind(stored(row.idle_since)).bind(stored(row.wake_at)).bind(row.waiting_for);
  return query.bind(row.resumes)
      .bind(std::int64_t{row.quarantined})
      .bind(row.first_sequence)
      .bind(row.budgets_exceeded)
      .bind(row.unhandled);
}

void update(Connection& db, std::int64_t handler, const HandlerRow& row) {
  auto query = db.query(
      "UPDATE handlers SET workflow_name = ?, workflow_version = ?, workflow_graph = ?, parent_handler_id = ?, run_id = ?, status = ?, "
      "error = ?, result = ?, started_at = ?, updated_at = ?, completed_at = ?, idle_since = ?, wake_at = ?, waiting_for = ?, "
      "resumes = ?, quarantined = ?, first_sequence = ?, budgets_exceeded = ?, unhandled = ? WHERE handler = ?");
  bind_changing(query, row).bind(handler).run();
}

/// Within a run only these change: no index of the others is touched.
void update_progress(Connection& db, std::int64_t handler, const HandlerRow& row) {
  db.query(
        "UPDATE handlers SET status = ?, error = ?, result = ?, updated_at = ?, completed_at = ?, idle_since = ?, wake_at = ?, waiting_for = ?, "
        "resumes = ?, quarantined = ?, budgets_exceeded = ?, unhandled = ? WHERE handler = ?")
      .bind(static_cast<std::int64_t>(row.status))
      .bind(row.error)
      .bind(row.result)
      .bind(stored(row.updated_at))
      .bind(stored(row.completed_at))
      .bind(stored(row.idle_since))
      .bind(stored(row.wake_at))
      .bind(row.waiting_for)
      .bind(row.resumes)
      .bind(std::int64_t{row.quarantined})
      .bind(row.budgets_exceeded)
      .bind(row.unhandled)
      .bind(handler)
      .run();
}

std::int64_t insert(Connection& db, const HandlerRow& row) {
  auto query = db.query(
      "INSERT INTO handlers (workflow_name, workflow_version, workflow_graph, parent_handler_id, run_id, status, error, result, started_at, "
      "updated_at, completed_at, idle_since, wake_at, waiting_for, resumes, quarantined, first_sequence, budgets_exceeded, unhandled, handler_id) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  bind_changing(query, row).bind(row.handler_id).run();
  return db.last_insert();
}

/// The handler's row is about to become another run's.
void keep_earlier_run(Connection& db, std::int64_t handler) {
  db.query(
        "UPDATE runs SET (workflow_name, workflow_version, status, error, result, started_at, updated_at, completed_at) = (SELECT "
        "workflow_name, workflow_version, status, error, result, started_at, updated_at, completed_at FROM handlers WHERE handler = ?1) "
        "WHERE run_id = (SELECT run_id FROM handlers WHERE handler = ?1)")
      .bind(handler)
      .run();
}

void write_states(Connection& db, std::int64_t handler, const NamedStates& states) {
  db.query("DELETE FROM states WHERE handler = ?").bind(handler).run();
  for (const auto& [name, state] : states)
    db.query("INSERT INTO states (handler, name, body) VALUES (?, ?, ?)").bind(handler).bind(name).bind(to_json(state)).run();
}

void insert_history(Connection& db, std::int64_t run, std::int64_t sequence, const std::string& body) {
  db.query("INSERT OR REPLACE INTO state_history (run, sequence, body) VALUES (?, ?, ?)").bind(run).bind(sequence).bind(body).run();
}

/// Drops the oldest entries but for an empty one in their place. Returns what the others count for.
std::int64_t shorten_history(Connection& db, std::int64_t run, std::int64_t newest, std::int64_t bytes) {
  constexpr auto bytes_left = static_cast<std::int64_t>(state_history::bytes_left);
  std::optional<std::int64_t> first, last;
  auto oldest = db.query("SELECT sequence, length(CAST(body AS BLOB)) FROM state_history WHERE run = ? AND sequence < ? ORDER BY sequence");
  oldest.bind(run).bind(newest);
  while (bytes > bytes_left && oldest.step()) {
    last = oldest.integer(0);
    if (!first) first = last;
    bytes -= static_cast<std::int64_t>(state_history::cost(static_cast<std::size_t>(oldest.integer(1))));
  }
  if (!first) return bytes;
  db.query("DELETE FROM state_history WHERE run = ? AND sequence <= ?").bind(run).bind(*last).run();
  insert_history(db, run, *first, "");
  return bytes + static_cast<std::int64_t>(state_history::cost(0));
}

void write_history(Connection& db, std::int64_t run, std::int64_t sequence, const NamedStates& states) {
  Object body;
  for (const auto& [name, state] : states) body.set(name, state);
  auto text = to_json(body);
  if (text.size() > state_history::entry_bytes_max) text.clear();
  auto known = db.query("SELECT state_bytes FROM runs WHERE run = ?");
  auto bytes = known.bind(run).step() ? known.integer(0) : 0;
  auto replaced = db.query("SELECT length(CAST(body AS BLOB)) FROM state_history WHERE run = ? AND sequence = ?");
  if (replaced.bind(run).bind(sequence).step())
    bytes -= static_cast<std::int64_t>(state_history::cost(static_cast<std::size_t>(replaced.integer(0))));
  insert_history(db, run, sequence, text);
  bytes += static_cast<std::int64_t>(state_history::cost(text.size()));
  if (bytes > static_cast<std::int64_t>(state_history::bytes_max)) bytes = shorten_history(db, run, sequence, bytes);
  db.query("UPDATE runs SET state_bytes = ? WHERE run = ?").bind(bytes).bind(run).run();
}

void forget_events(Connection& db, std::int64_t run, std::int64_t before) {
  db.query("DELETE FROM events WHERE run = ? AND sequence < ?").bind(run).bind(before).run();
  db.query("UPDATE runs SET kept_from = max(kept_from, ?) WHERE run = ?").bind(before).bind(run).run();
}

void write_journal(Connection& db, std::int64_t run, const Commit& commit) {
  for (const auto& tick : commit.ticks)
    db.query("INSERT INTO ticks (run, sequence, at, body) VALUES (?, ?, ?, ?)")
        .bind(run)
        .bind(tick.sequence)
        .bind(stored(tick.at))
        .bind(tick.text)
        .run();
  if (!commit.snapshot) return;
  db.query("DELETE FROM ticks WHERE run = ? AND sequence <= ?").bind(run).bind(commit.snapshot->sequence).run();
  db.query("INSERT OR REPLACE INTO snapshots (run, sequence, body) VALUES (?, ?, ?)")
      .bind(run)
      .bind(commit.snapshot->sequence)
      .bind(commit.snapshot->text)
      .run();
}

std::vector<std::string> texts(Query query) {
  std::vector<std::string> out;
  while (query.step()) out.emplace_back(query.text(0));
  return out;
}

}  // namespace

Expected<Inheritance> begin_run(Connection& db, const HandlerRow& row) {
  Inheritance left;
  auto known = db.query("SELECT handler, status, workflow_name, run_id, first_sequence FROM handlers WHERE handler_id = ?");
  const bool exists = known.bind(row.handler_id).step();
  if (exists && status_of(known.integer(1)) == HandlerStatus::running) return already_running(row);
  if (!row.parent_handler_id.empty() && !db.query("SELECT 1 FROM handlers WHERE handler_id = ?").bind(row.parent_handler_id).step())
    return parent_is_gone(row);
  std::int64_t handler = exists ? known.integer(0) : 0;
  if (exists) {
    const auto last = last_event(db, known.text(3));
    left = {states_of(db, handler), std::string(known.text(2)), last ? last->sequence + 1 : known.integer(4)};
    keep_earlier_run(db, handler);
    update(db, handler, row);
  } else {
    handler = insert(db, row);
  }
  const auto input = row.input ? std::optional<std::string_view>(row.input->json()) : std::nullopt;
  const auto rerun_of = row.rerun_of ? std::optional<std::string_view>(row.rerun_of->run_id) : std::nullopt;
  db.query("INSERT INTO runs (run_id, handler, input, rerun_of, rerun_after, first_sequence, kept_from) VALUES (?, ?, ?, ?, ?, ?6, ?6)")
      .bind(row.run_id)
      .bind(handler)
      .bind_or_null(input)
      .bind_or_null(rerun_of)
      .bind(row.rerun_of ? row.rerun_of->after : std::nullopt)
      .bind(row.first_sequence)
      .run();
  return left;
}

Expected<bool> write(Connection& db, const Commit& commit) {
  if (commit.begin)
    if (auto begun = begin_run(db, *commit.begin); !begun) return begun.error();
  auto found = db.query("SELECT run, runs.handler, handlers.run_id FROM runs JOIN handlers USING (handler) WHERE runs.run_id = ?");
  if (!found.bind(commit.run_id).step()) return true;  // purged meanwhile
  const auto run = found.integer(0), handler = found.integer(1);
  const bool present = found.text(2) == commit.run_id;
  write_journal(db, run, commit);
  for (const auto& event : commit.events)
    db.query("INSERT INTO events (run, sequence, at, internal, terminal, body, span, caused_by, trace) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(run)
        .bind(event.sequence)
        .bind(stored(event.at))
        .bind(std::int64_t{event.internal})
        .bind(std::int64_t{event.terminal})
        .bind(event.payload->json())
        .bind(event.span)
        .bind(event.caused_by)
        .bind_or_null(event.trace ? std::optional<std::string_view>(*event.trace) : std::nullopt)
        .run();
  if (commit.forget_events_before > 0) forget_events(db, run, commit.forget_events_before);
  for (const auto& key : commit.keys)
    db.query("INSERT OR IGNORE INTO idempotency_keys (key, fingerprint, run, unhandled) VALUES (?, ?, ?, ?)")
        .bind(key.key)
        .bind(key.fingerprint)
        .bind(run)
        .bind(std::int64_t{key.unhandled})
        .run();
  if (present && commit.handler) update_progress(db, handler, *commit.handler);
  if (present && commit.states) write_states(db, handler, *commit.states);
  if (commit.states) write_history(db, run, commit.states_after, *commit.states);
  return true;
}

bool note_at_work(Connection& db, bool at_work) {
  auto noted = db.query("SELECT at_work FROM process");
  const bool before = noted.step() && noted.integer(0) != 0;
  if (before != at_work) db.query("UPDATE process SET at_work = ?").bind(std::int64_t{at_work}).run();
  return before;
}

bool claim_first_read(Connection& db, std::string_view run_id) {
  db.query("UPDATE runs SET first_read_claimed = 1 WHERE run_id = ? AND first_read_claimed = 0").bind(run_id).run();
  return db.changes() == 1;
}

bool purge(Connection& db, const std::string& handler_id) {
  std::vector<std::string> ids{handler_id};
  for (std::size_t i = 0; i < ids.size(); ++i) {
    auto children = db.query("SELECT handler_id FROM handlers WHERE parent_handler_id = ? AND parent_handler_id <> ''");
    children.bind(ids[i]);
    for (auto& child : texts(std::move(children))) ids.push_back(std::move(child));
  }
  bool found = false;
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
    db.query("DELETE FROM handlers WHERE handler_id = ?").bind(*id).run();
    found = db.changes() > 0;
  }
  return found;
}

std::size_t purge_orphans(Connection& db, const std::vector<std::string>& handler_ids) {
  std::size_t gone = 0;
  for (const auto& id : handler_ids) {
    auto query = db.query(
        "SELECT 1 FROM handlers h WHERE handler_id = ? AND parent_handler_id <> '' AND NOT EXISTS (SELECT 1 FROM handlers p WHERE "
        "p.handler_id = h.parent_handler_id)");
    const bool orphan = query.bind(id).step();
    if (orphan && purge(db, id)) ++gone;
  }
  return gone;
}

std::size_t expire(Connection& db, const Retention& retention, Time now, std::size_t limit) {
  std::size_t gone = 0;
  for (const auto status : {HandlerStatus::completed, HandlerStatus::failed, HandlerStatus::cancelled}) {
    const auto& kept = kept_for(retention, status);
    if (!kept) continue;
    auto handlers = db.query(
        "SELECT handler_id FROM handlers WHERE completed_at < ? AND status = ? AND parent_handler_id = '' ORDER BY completed_at LIMIT ?");
    handlers.bind(stored(later(now, -*kept))).bind(static_cast<std::int64_t>(status)).bind(static_cast<std::int64_t>(limit));
    for (const auto& id : texts(std::move(handlers))) gone += purge(db, id) ? 1 : 0;
    db.query("DELETE FROM runs WHERE run IN (SELECT run FROM runs WHERE completed_at < ? AND status = ? ORDER BY completed_at LIMIT ?)")
        .bind(stored(later(now, -*kept)))
        .bind(static_cast<std::int64_t>(status))
        .bind(static_cast<std::int64_t>(limit))
        .run();
    gone += static_cast<std::size_t>(db.changes());
  }
  return gone;
}

}  // namespace weir::sqlite_detail
