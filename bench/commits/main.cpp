// What durability costs beside the disk: serves the comparison's workflows on a file until SIGTERM, remembering every group
// of commits; then a bare program's loop writes the same rows in the same groups into a second file. Prints one JSON line.
// weir-bench-commits PORT FOLDER
#include "bench/server/workflows.hpp"

#include <sqlite3.h>

#include <weir/weir.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <unordered_map>

namespace {

using weir::Commit;
using Groups = std::vector<std::vector<Commit>>;

/// A durable store that keeps what it was told to write.
class Remembering final : public weir::Store {
public:
  explicit Remembering(std::shared_ptr<weir::Store> inner) : inner_(std::move(inner)) {}
  const Groups& groups() const { return groups_; }

  bool durable() const noexcept override { return true; }
  std::vector<weir::Expected<bool>> commit_all(const std::vector<Commit>& commits) override {  // one thread calls this
    groups_.push_back(commits);
    return inner_->commit_all(commits);
  }
  weir::Expected<weir::Inheritance> begin_run(const weir::HandlerRow& row) override { return inner_->begin_run(row); }
  weir::Expected<bool> commit(Commit commit) override { return inner_->commit(std::move(commit)); }
  std::optional<weir::HandlerRow> find_handler(std::string_view id) const override { return inner_->find_handler(id); }
  std::optional<weir::HandlerRow> find_run(std::string_view id) const override { return inner_->find_run(id); }
  std::optional<weir::UsedKey> find_key(std::string_view key) const override { return inner_->find_key(key); }
  weir::NamedStates find_states(std::string_view id) const override { return inner_->find_states(id); }
  std::vector<weir::HandlerRow> list_handlers(const weir::HandlerFilter& filter, const weir::Cancellation& cancellation) const override {
    return inner_->list_handlers(filter, cancellation);
  }
  std::vector<weir::EventRow> read_events(std::string_view run, std::int64_t after, std::size_t limit) const override {
    return inner_->read_events(run, after, limit);
  }
  std::optional<weir::EventRow> last_event(std::string_view run) const override { return inner_->last_event(run); }
  weir::Journal read_journal(std::string_view run) const override { return inner_->read_journal(run); }
  weir::Expected<bool> claim_first_read(std::string_view run) override { return inner_->claim_first_read(run); }
  weir::Expected<bool> purge(std::string_view id) override { return inner_->purge(id); }
  weir::Expected<std::size_t> expire(const weir::Retention& retention, weir::Time now, std::size_t limit) override {
    return inner_->expire(retention, now, limit);
  }

private:
  std::shared_ptr<weir::Store> inner_;
  Groups groups_;
};

void check(int code, sqlite3* db) {
  if (code == SQLITE_OK || code == SQLITE_DONE) return;
  std::fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(db));
  std::exit(1);
}

/// A prepared statement that takes its values in order.
class Statement {
public:
  Statement(sqlite3* db, const char* sql) : db_(db) { check(sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr), db); }
  ~Statement() { sqlite3_finalize(statement_); }
  template <class... V>
  void run(const V&... values) {
    int column = 0;
    (bind(++column, values), ...);
    check(sqlite3_step(statement_), db_);
    sqlite3_reset(statement_);
  }

private:
  void bind(int column, std::int64_t value) { sqlite3_bind_int64(statement_, column, value); }
  void bind(int column, std::string_view text) {
    sqlite3_bind_text(statement_, column, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
  }
  void bind(int column, weir::Time time) { bind(column, std::int64_t{time.time_since_epoch().count()}); }

  sqlite3* db_;
  sqlite3_stmt* statement_ = nullptr;
};

/// The bare program: knows its row numbers by heart, looks nothing up, and does nothing else.
class Bare {
public:
  explicit Bare(const std::string& path) : db_(opened(path)) {}

  void write(const Groups& groups) {
    Statement begin(db_, "BEGIN IMMEDIATE"), commit(db_, "COMMIT");
    for (const auto& group : groups) {
      begin.run();
      for (const auto& one : group) write(one);
      commit.run();
    }
  }

private:
  void write(const Commit& commit) {
    if (commit.begin) {
      const auto& row = *commit.begin;
      insert_handler_.run(row.handler_id, row.workflow_name, row.workflow_version, row.workflow_graph, row.run_id, row.started_at,
                          row.updated_at);
      const auto handler = sqlite3_last_insert_rowid(db_);
      insert_run_.run(row.run_id, std::int64_t{handler});
      rows_[row.run_id] = {handler, sqlite3_last_insert_rowid(db_)};
    }
    const auto [handler, run] = rows_.at(commit.run_id);
    for (const auto& tick : commit.ticks) insert_tick_.run(run, tick.sequence, tick.at, tick.text);
    for (const auto& event : commit.events)
      insert_event_.run(run, event.sequence, event.at, std::int64_t{event.internal}, std::int64_t{event.terminal}, event.payload->json());
    if (commit.handler)
      update_handler_.run(static_cast<std::int64_t>(commit.handler->status), commit.handler->result, commit.handler->updated_at,
                          commit.handler->updated_at, handler);
    if (commit.states)
      for (const auto& [name, state] : *commit.states) insert_state_.run(handler, name, weir::to_json(state));
  }

  static sqlite3* opened(const std::string& path) {
    weir::sqlite(path);  // the same tables
    sqlite3* db = nullptr;
    check(sqlite3_open(path.c_str(), &db), db);
    for (const char* pragma : {"PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON", "PRAGMA cache_size = -16384"})
      check(sqlite3_exec(db, pragma, nullptr, nullptr, nullptr), db);
    return db;
  }

  struct Rows {
    std::int64_t handler, run;
  };
  sqlite3* db_;
  std::unordered_map<std::string, Rows> rows_;
  Statement insert_handler_{
      db_,
      "INSERT INTO handlers (handler_id, workflow_name, workflow_version, workflow_graph, run_id, started_at, updated_at, "
      "parent_handler_id, status, error, result) VALUES (?, ?, ?, ?, ?, ?, ?, '', 0, '', '')"};
  Statement insert_run_{db_, "INSERT INTO runs (run_id, handler) VALUES (?, ?)"};
  Statement insert_tick_{db_, "INSERT INTO ticks (run, sequence, at, body) VALUES (?, ?, ?, ?)"};
  Statement insert_event_{db_, "INSERT INTO events (run, sequence, at, internal, terminal, body) VALUES (?, ?, ?, ?, ?, ?)"};
  Statement update_handler_{db_, "UPDATE handlers SET status = ?, result = ?, updated_at = ?, completed_at = ? WHERE handler = ?"};
  Statement insert_state_{db_, "INSERT OR REPLACE INTO states (handler, name, body) VALUES (?, ?, ?)"};
};

}  // namespace

int main(int, char** argv) {
  const std::string folder = argv[2];
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const auto store = std::make_shared<Remembering>(weir::sqlite(folder + "/commits.db"));
  weir::ServerOptions options{.store = store, .port = static_cast<std::uint16_t>(std::atoi(argv[1]))};
  weir::WorkflowServer server(std::move(options));
  bench_workflows::add_all(server);
  server.start();
  int signal = 0;
  sigwait(&signals, &signal);
  server.stop();

  const auto& groups = store->groups();
  std::size_t commits = 0, runs = 0;
  for (const auto& group : groups)
    for (const auto& commit : group) {
      ++commits;
      if (commit.begin) ++runs;
    }
  Bare bare(folder + "/bare.db");
  const auto begin = std::chrono::steady_clock::now();
  bare.write(groups);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::printf("{\"runs\":%zu,\"commits\":%zu,\"groups\":%zu,\"bare_seconds\":%.3f}\n", runs, commits, groups.size(), seconds.count());
}
