// The SQLite store: one file, one process. Writers queue behind one connection, readers use another and never wait for a
// disk to sync.
#include <weir/store.hpp>

#include "database.hpp"
#include "migrations.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>

namespace weir {
namespace {

using sqlite_detail::Connection;
using sqlite_detail::DatabaseError;
using sqlite_detail::Query;
using sqlite_detail::Transaction;

std::int64_t stored(Time time) { return time.time_since_epoch().count(); }
Time time_of(std::int64_t microseconds) { return Time(Duration(microseconds)); }

/// Holds the file for this process: SQLite alone would let a second server run the same runs.
class ProcessLock {
public:
  explicit ProcessLock(const std::string& path) : descriptor_(::open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (descriptor_ < 0)
      throw DatabaseError("cannot open '" + path + ".lock': " + std::strerror(errno) +
                          ". Does its directory exist, and may this user write there?");
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
    ::close(descriptor_);
    throw DatabaseError("the database '" + path + "' is used by another process: stop that one, or give another path");
  }
  ~ProcessLock() { ::close(descriptor_); }
  ProcessLock(const ProcessLock&) = delete;
  ProcessLock& operator=(const ProcessLock&) = delete;

private:
  int descriptor_;
};

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

constexpr const char* handler_columns =
    "handler_id, workflow_name, workflow_version, workflow_graph, parent_handler_id, run_id, status, error, result, started_at, updated_at, "
    "completed_at";

HandlerRow handler_of(const Query& query) {
  HandlerRow row;
  row.handler_id = query.text(0);
  row.workflow_name = query.text(1);
  row.workflow_version = query.text(2);
  row.workflow_graph = query.text(3);
  row.parent_handler_id = query.text(4);
  row.run_id = query.text(5);
  row.status = static_cast<HandlerStatus>(query.integer(6));
  row.error = query.text(7);
  row.result = query.text(8);
  row.started_at = time_of(query.integer(9));
  row.updated_at = time_of(query.integer(10));
  if (!query.is_null(11)) row.completed_at = time_of(query.integer(11));
  return row;
}

class SqliteStore final : public Store {
public:
  SqliteStore(const std::string& path, SqliteOptions options) : lock_(path), writer_(path, false), reader_(prepared(path, options), true) {}

  bool durable() const noexcept override { return true; }

  Expected<Inheritance> begin_run(const HandlerRow& row) override {
    return writing<Inheritance>([&](Connection& db) -> Expected<Inheritance> {
      Transaction transaction(db);
      auto left = begin(db, row);
      if (left) transaction.commit();
      return left;
    });
  }

  Expected<bool> commit(Commit commit) override {
    return writing<bool>([&](Connection& db) -> Expected<bool> {
      Transaction transaction(db);
      auto written = write(db, commit);
      if (written) transaction.commit();
      return written;
    });
  }

  /// One transaction for all; when that fails, one for each, so that only the guilty ones fail.
  std::vector<Expected<bool>> commit_all(std::vector<Commit> commits) override {
    const auto together = writing<bool>([&](Connection& db) -> Expected<bool> {
      Transaction transaction(db);
      for (const auto& commit : commits)
        if (auto written = write(db, commit); !written) return written;
      transaction.commit();
      return true;
    });
    if (together) return std::vector<Expected<bool>>(commits.size(), true);
    return Store::commit_all(std::move(commits));
  }

  std::optional<HandlerRow> find_handler(std::string_view handler_id) const override {
    const std::lock_guard lock(reader_mutex_);
    auto query = reader_.query(std::string("SELECT ") + handler_columns + " FROM handlers WHERE handler_id = ?");
    if (!query.bind(handler_id).step()) return std::nullopt;
    return handler_of(query);
  }

  NamedStates find_states(std::string_view handler_id) const override {
    const std::lock_guard lock(reader_mutex_);
    auto query = reader_.query("SELECT handler FROM handlers WHERE handler_id = ?");
    return query.bind(handler_id).step() ? states(reader_, query.integer(0)) : NamedStates();
  }

  std::vector<HandlerRow> list_handlers(const HandlerFilter& filter) const override {
    const auto wanted = [](const auto& list, const auto& value) {
      return !list || std::find(list->begin(), list->end(), value) != list->end();
    };
    std::vector<HandlerRow> out;
    const std::lock_guard lock(reader_mutex_);
    // With a filter on one status the index finds the rows; the rest is looked at here.
    const bool one = filter.statuses && filter.statuses->size() == 1;
    auto query =
        reader_.query(std::string("SELECT ") + handler_columns + " FROM handlers" + (one ? " WHERE status = ?" : "") + " ORDER BY handler");
    if (one) query.bind(static_cast<std::int64_t>(filter.statuses->front()));
    while (query.step()) {
      auto row = handler_of(query);
      if (wanted(filter.workflow_names, row.workflow_name) && wanted(filter.statuses, row.status)) out.push_back(std::move(row));
    }
    return out;
  }

  std::vector<EventRow> read_events(std::string_view run_id, std::int64_t after, std::size_t limit) const override {
    std::vector<EventRow> out;
    const std::lock_guard lock(reader_mutex_);
    auto query = reader_.query(
        "SELECT sequence, at, internal, terminal, body FROM events WHERE run = (SELECT run FROM runs WHERE run_id = ?) AND sequence > ? "
        "ORDER BY sequence LIMIT ?");
    query.bind(run_id).bind(after).bind(static_cast<std::int64_t>(limit));
    while (query.step()) out.push_back(event_of(query));
    return out;
  }

  std::optional<EventRow> last_event(std::string_view run_id) const override {
    const std::lock_guard lock(reader_mutex_);
    auto query = reader_.query(
        "SELECT sequence, at, internal, terminal, body FROM events WHERE run = (SELECT run FROM runs WHERE run_id = ?) "
        "ORDER BY sequence DESC LIMIT 1");
    if (!query.bind(run_id).step()) return std::nullopt;
    return event_of(query);
  }

  std::vector<TickRow> read_journal(std::string_view run_id) const override {
    std::vector<TickRow> out;
    const std::lock_guard lock(reader_mutex_);
    auto query =
        reader_.query("SELECT sequence, at, body FROM ticks WHERE run = (SELECT run FROM runs WHERE run_id = ?) ORDER BY sequence");
    query.bind(run_id);
    while (query.step()) out.push_back({query.integer(0), time_of(query.integer(1)), std::string(query.text(2))});
    return out;
  }

  bool claim_first_read(std::string_view run_id) override {
    const auto claimed = writing<bool>([&](Connection& db) -> Expected<bool> {
      db.query("UPDATE runs SET first_read_claimed = 1 WHERE run_id = ? AND first_read_claimed = 0").bind(run_id).run();
      return db.changes() == 1;
    });
    return claimed && *claimed;
  }

  bool purge(std::string_view handler_id) override {
    const auto purged = writing<bool>([&](Connection& db) -> Expected<bool> {
      Transaction transaction(db);
      const bool found = remove(db, std::string(handler_id));
      transaction.commit();
      return found;
    });
    return purged && *purged;
  }

private:
  static Expected<Inheritance> begin(Connection& db, const HandlerRow& row) {
    Inheritance left;
    auto known = db.query("SELECT handler, status, workflow_name FROM handlers WHERE handler_id = ?");
    const bool exists = known.bind(row.handler_id).step();
    if (exists && static_cast<HandlerStatus>(known.integer(1)) == HandlerStatus::running)
      return Error{Code::conflict, "Handler '" + row.handler_id + "' is already running"};
    std::int64_t handler = exists ? known.integer(0) : 0;
    if (exists) {
      left = {states(db, handler), std::string(known.text(2))};
      update(db, handler, row);
    } else {
      handler = insert(db, row);
    }
    db.query("INSERT INTO runs (run_id, handler) VALUES (?, ?)").bind(row.run_id).bind(handler).run();
    return left;
  }

  static Expected<bool> write(Connection& db, const Commit& commit) {
    if (commit.begin)
      if (auto begun = begin(db, *commit.begin); !begun) return begun.error();
    auto found = db.query("SELECT run, runs.handler, handlers.run_id FROM runs JOIN handlers USING (handler) WHERE runs.run_id = ?");
    if (!found.bind(commit.run_id).step()) return true;  // purged meanwhile
    const auto run = found.integer(0), handler = found.integer(1);
    const bool present = found.text(2) == commit.run_id;
    for (const auto& tick : commit.ticks)
      db.query("INSERT INTO ticks (run, sequence, at, body) VALUES (?, ?, ?, ?)")
          .bind(run)
          .bind(tick.sequence)
          .bind(stored(tick.at))
          .bind(tick.text)
          .run();
    for (const auto& event : commit.events)
      db.query("INSERT INTO events (run, sequence, at, internal, terminal, body) VALUES (?, ?, ?, ?, ?, ?)")
          .bind(run)
          .bind(event.sequence)
          .bind(stored(event.at))
          .bind(std::int64_t{event.internal})
          .bind(std::int64_t{event.terminal})
          .bind(event.payload->json())
          .run();
    if (present && commit.handler) update(db, handler, *commit.handler);
    if (present && commit.states) write_states(db, handler, *commit.states);
    return true;
  }

  /// Opens the file for writing first, so that a reader finds the tables.
  const std::string& prepared(const std::string& path, SqliteOptions options) {
    writer_.execute("PRAGMA journal_mode = WAL");
    writer_.execute(options.sync == SqliteSync::full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    writer_.execute("PRAGMA foreign_keys = ON");
    sqlite_detail::migrate(writer_, path);
    return path;
  }

  template <class T, class F>
  Expected<T> writing(F&& work) {
    const std::lock_guard lock(writer_mutex_);
    try {
      return work(writer_);
    } catch (const DatabaseError& error) { return Error{Code::internal, error.what()}; }
  }

  static Query& bind_changing(Query& query, const HandlerRow& row) {
    query.bind(row.workflow_name).bind(row.workflow_version).bind(row.workflow_graph).bind(row.parent_handler_id).bind(row.run_id);
    query.bind(static_cast<std::int64_t>(row.status))
        .bind(row.error)
        .bind(row.result)
        .bind(stored(row.started_at))
        .bind(stored(row.updated_at));
    return query.bind(row.completed_at ? std::optional(stored(*row.completed_at)) : std::nullopt);
  }
  static void update(Connection& db, std::int64_t handler, const HandlerRow& row) {
    auto query = db.query(
        "UPDATE handlers SET workflow_name = ?, workflow_version = ?, workflow_graph = ?, parent_handler_id = ?, run_id = ?, status = ?, "
        "error = ?, result = ?, started_at = ?, updated_at = ?, completed_at = ? WHERE handler = ?");
    bind_changing(query, row).bind(handler).run();
  }
  static std::int64_t insert(Connection& db, const HandlerRow& row) {
    auto query = db.query(
        "INSERT INTO handlers (workflow_name, workflow_version, workflow_graph, parent_handler_id, run_id, status, error, result, started_at, "
        "updated_at, completed_at, handler_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    bind_changing(query, row).bind(row.handler_id).run();
    return db.last_insert();
  }

  static NamedStates states(Connection& db, std::int64_t handler) {
    NamedStates out;
    auto query = db.query("SELECT name, body FROM states WHERE handler = ?");
    query.bind(handler);
    while (query.step())
      if (auto body = parse_json(query.text(1)); body && body->is_object()) out[std::string(query.text(0))] = body->as_object();
    return out;
  }
  static void write_states(Connection& db, std::int64_t handler, const NamedStates& states) {
    db.query("DELETE FROM states WHERE handler = ?").bind(handler).run();
    for (const auto& [name, state] : states)
      db.query("INSERT INTO states (handler, name, body) VALUES (?, ?, ?)").bind(handler).bind(name).bind(to_json(state)).run();
  }

  static EventRow event_of(const Query& query) {
    return {query.integer(0), time_of(query.integer(1)), query.integer(2) != 0, query.integer(3) != 0,
            std::make_shared<StoredEvent>(query.integer(0), query.text(4))};
  }

  static bool remove(Connection& db, const std::string& handler_id) {
    std::vector<std::string> children;
    {
      auto query = db.query("SELECT handler_id FROM handlers WHERE parent_handler_id = ?");
      query.bind(handler_id);
      while (query.step()) children.emplace_back(query.text(0));
    }
    for (const auto& child : children) remove(db, child);
    db.query("DELETE FROM handlers WHERE handler_id = ?").bind(handler_id).run();
    return db.changes() > 0;
  }

  ProcessLock lock_;
  std::mutex writer_mutex_;
  Connection writer_;
  mutable std::mutex reader_mutex_;
  mutable Connection reader_;
};

}  // namespace

std::shared_ptr<Store> sqlite(const std::string& path, SqliteOptions options) {
  try {
    return std::make_shared<SqliteStore>(path, options);
  } catch (const DatabaseError& error) { throw StoreError(error.what()); }
}

}  // namespace weir
