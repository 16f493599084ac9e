// The SQLite store: one file, one process. Writers queue behind one connection, readers use another and never wait for a
// disk to sync.
#include <weir/store.hpp>

#include "listing.hpp"
#include "migrations.hpp"
#include "process_lock.hpp"
#include "reading.hpp"
#include "writing.hpp"

#include <mutex>

namespace weir {
namespace {

using namespace sqlite_detail;

class SqliteStore final : public Store {
  /// Opens the file for writing first, so that a reader finds the tables.
  const std::string& prepared(const std::string& path, SqliteOptions options) {
    writer_.wait_for_locks(options.lock_timeout);
    writer_.execute(options.sync == SqliteSync::full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    prepare_for_writing(writer_, path);
    return path;
  }

  /// In a transaction, which is undone when the work fails.
  template <class T, class F>
  Expected<T> writing(F&& work) {
    const std::lock_guard lock(writer_mutex_);
    try {
      Transaction transaction(writer_);
      Expected<T> done = work(writer_);
      if (done) transaction.commit();
      return done;
    } catch (const DatabaseError& error) { return Error{Code::internal, error.what()}; }
  }

  /// Reads that may take long have a connection of their own.
  template <class F>
  auto scanning(F&& work) const {
    const std::lock_guard lock(scanner_mutex_);
    return work(scanner_);
  }

  template <class F>
  auto reading(F&& work) const {
    const std::lock_guard lock(reader_mutex_);
    return work(reader_);
  }

public:
  SqliteStore(const std::string& path, SqliteOptions options)
      : lock_(path), writer_(path, false), reader_(prepared(path, options), true), scanner_(path, true) {}

  bool durable() const noexcept override { return true; }

  Expected<Inheritance> begin_run(const HandlerRow& row) override {
    return writing<Inheritance>([&](Connection& db) { return sqlite_detail::begin_run(db, row); });
  }
  Expected<bool> commit(Commit commit) override {
    return writing<bool>([&](Connection& db) { return write(db, commit); });
  }

  /// One transaction for all; when that fails, one for each, so that only the guilty ones fail.
  std::vector<Expected<bool>> commit_all(const std::vector<Commit>& commits) override {
    const auto together = writing<bool>([&](Connection& db) -> Expected<bool> {
      for (const auto& commit : commits)
        if (auto written = write(db, commit); !written) return written;
      return true;
    });
    if (together) return std::vector<Expected<bool>>(commits.size(), true);
    return Store::commit_all(commits);
  }

  bool claim_first_read(std::string_view run_id) override {
    const auto claimed = writing<bool>([&](Connection& db) -> Expected<bool> { return sqlite_detail::claim_first_read(db, run_id); });
    return claimed && *claimed;
  }
  bool purge(std::string_view handler_id) override {
    const auto purged = writing<bool>([&](Connection& db) -> Expected<bool> { return sqlite_detail::purge(db, std::string(handler_id)); });
    return purged && *purged;
  }
  std::size_t expire(const Retention& retention, Time now, std::size_t limit) override {
    const auto gone =
        writing<std::size_t>([&](Connection& db) -> Expected<std::size_t> { return sqlite_detail::expire(db, retention, now, limit); });
    return gone ? *gone : 0;
  }
  bool compact() override {
    constexpr std::int64_t pages = 256;
    const auto left = writing<bool>([&](Connection& db) -> Expected<bool> {
      db.query("PRAGMA incremental_vacuum(" + std::to_string(pages) + ")").run();
      return db.pragma("freelist_count") > 0;
    });
    return left && *left;
  }

  std::optional<HandlerRow> find_handler(std::string_view handler_id) const override {
    return reading([&](Connection& db) { return sqlite_detail::find_handler(db, handler_id); });
  }
  std::optional<HandlerRow> find_run(std::string_view run_id) const override {
    return reading([&](Connection& db) { return sqlite_detail::find_run(db, run_id); });
  }
  std::optional<UsedKey> find_key(std::string_view key) const override {
    return reading([&](Connection& db) { return sqlite_detail::find_key(db, key); });
  }
  NamedStates find_states(std::string_view handler_id) const override {
    return reading([&](Connection& db) { return sqlite_detail::find_states(db, handler_id); });
  }
  std::vector<HandlerRow> list_handlers(const HandlerFilter& filter) const override {
    return reading([&](Connection& db) { return sqlite_detail::list_handlers(db, filter); });
  }
  HandlerPage find_handlers(const HandlerQuery& query) const override {
    return scanning([&](Connection& db) { return sqlite_detail::find_handlers(db, query); });
  }
  std::vector<HandlerCount> count_handlers() const override {
    return scanning([&](Connection& db) { return sqlite_detail::count_handlers(db); });
  }
  RunOrigin find_origin(std::string_view run_id) const override {
    return reading([&](Connection& db) { return sqlite_detail::find_origin(db, run_id); });
  }
  std::optional<NamedStates> find_states_at(std::string_view run_id, std::int64_t sequence) const override {
    return reading([&](Connection& db) { return sqlite_detail::find_states_at(db, run_id, sequence); });
  }
  std::vector<EventRow> read_events(std::string_view run_id, std::int64_t after, std::size_t limit) const override {
    return reading([&](Connection& db) { return sqlite_detail::read_events(db, run_id, after, limit); });
  }
  std::optional<EventRow> last_event(std::string_view run_id) const override {
    return reading([&](Connection& db) { return sqlite_detail::last_event(db, run_id); });
  }
  Journal read_journal(std::string_view run_id) const override {
    return reading([&](Connection& db) {
      const Snapshotted same_moment(db);  // a snapshot and the ticks after it
      return sqlite_detail::read_journal(db, run_id);
    });
  }
  std::optional<Time> next_wake(Time after) const override {
    return reading([&](Connection& db) { return sqlite_detail::next_wake(db, after); });
  }
  std::vector<std::string> find_wakes(Time after, Time until) const override {
    return reading([&](Connection& db) { return sqlite_detail::find_wakes(db, after, until); });
  }

private:
  ProcessLock lock_;
  std::mutex writer_mutex_;
  Connection writer_;
  mutable std::mutex reader_mutex_;
  mutable Connection reader_;
  mutable std::mutex scanner_mutex_;
  mutable Connection scanner_;
};

}  // namespace

std::shared_ptr<Store> sqlite(const std::string& path, SqliteOptions options) {
  try {
    return std::make_shared<SqliteStore>(path, options);
  } catch (const DatabaseError& error) { throw StoreError(error.what()); }
}

}  // namespace weir
