// The SQLite store: one file, one process. Writers queue behind one connection, readers use another and never wait for a
// disk to sync.
#include <weir/store.hpp>

#include "checkpointer.hpp"
#include "condition.hpp"
#include "connection_pool.hpp"
#include "listing.hpp"
#include "migrations.hpp"
#include "persistence/commit_order.hpp"
#include "persistence/handler_query.hpp"
#include "process_lock.hpp"
#include "reading.hpp"
#include "writing.hpp"

#include <weir/assert.hpp>

#include <chrono>
#include <limits>
#include <mutex>
#include <new>

namespace weir {
namespace {

using namespace sqlite_detail;

constexpr std::size_t readers_max = 2;   // of rows that are known by their ids
constexpr std::size_t scanners_max = 2;  // of what may look at many rows

class SqliteStore final : public Store {
  /// Opens the file for writing first, so that a reader finds the tables.
  const std::string& prepared(const std::string& path, SqliteOptions options) {
    writer_.execute(options.sync == SqliteSync::full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    prepare_for_writing(writer_, path);
    writer_.wait_for_locks(options.lock_timeout);
    return path;
  }

  /// Who has been waiting while the database was found unavailable is told the same: it need not try, and wait, once more.
  std::optional<Error> refusal(std::chrono::steady_clock::time_point asked) const {
    if (condition_.damaged()) return Condition::damage();
    return unavailable_ && unavailable_->second > asked ? std::optional(unavailable_->first) : std::nullopt;
  }

  Error found_unavailable(const Error& error) {
    if (error.code == Code::unavailable) unavailable_ = std::pair(error, std::chrono::steady_clock::now());
    return error;
  }

  /// In a transaction, which is undone when the work fails.
  template <class T, class F>
  Expected<T> writing(F&& work) {
    assert_may_block();
    const auto asked = std::chrono::steady_clock::now();
    const std::lock_guard lock(writer_mutex_);
    if (auto refused = refusal(asked)) return *refused;
    if (auto refused = checkpointer_.refusal()) return found_unavailable(*refused);
    const auto before = checkpointer_.commits();
    auto out = in_transaction<T>(std::forward<F>(work));
    if (!out || checkpointer_.commits() == before) return out;
    condition_.succeeded(Condition::Doing::writing);
    checkpointer_.transaction_ended();
    return out;
  }

  template <class T, class F>
  Expected<T> in_transaction(F&& work) {
    try {
      Transaction transaction(writer_);
      Expected<T> done = work(writer_);
      if (done) transaction.commit();
      return done;
    } catch (const DatabaseError& error) {
      checkpointer_.transaction_failed();
      return found_unavailable(condition_.failed(Condition::Doing::writing, error));
    } catch (const std::bad_alloc&) { return Error{Code::unavailable, "out of memory"}; } catch (const std::exception& error) {
      return Error{Code::internal, std::string("the write could not be put into words: ") + error.what()};
    }
  }

  template <class F>
  auto reading_with(ConnectionPool& connections, F&& work) const {
    assert_may_block();
    try {
      const auto lease = connections.take();
      auto out = work(*lease);
      condition_.succeeded(Condition::Doing::reading);
      return out;
    } catch (const DatabaseError& error) {
      const auto failed = condition_.failed(Condition::Doing::reading, error);
      throw StoreFailure(failed.code, failed.message);
    }
  }
  template <class F>
  void scanning(F&& work) const {
    reading_with(scanners_, [&](Connection& db) {
      work(db);
      return true;
    });
  }
  template <class Walk, class F>
  void in_turns(Walk& walk, F&& before_each) const {
    while (!walk.done()) {
      before_each();
      scanning([&](Connection& db) { walk.turn(db); });
    }
  }
  template <class F>
  auto reading(F&& work) const {
    return reading_with(readers_, std::forward<F>(work));
  }

public:
  SqliteStore(const std::string& path, SqliteOptions options)
      : lock_(path), writer_(path, false), readers_(prepared(path, options), readers_max, options.lock_timeout),
        scanners_(path, scanners_max, options.lock_timeout), checkpointer_(path, options.wal_bytes_target, writer_, condition_) {}
  ~SqliteStore() override {
    if (condition_.damaged()) writer_.leave_the_file_alone();
  }

  bool durable() const noexcept override { return true; }
  bool damaged() const noexcept override { return condition_.damaged(); }
  void on_trouble(std::function<void(const StoreTrouble&)> listener) override { condition_.listen(std::move(listener)); }

  Expected<Inheritance> begin_run(const HandlerRow& row) override {
    return writing<Inheritance>([&](Connection& db) { return sqlite_detail::begin_run(db, row); });
  }
  Expected<bool> commit(Commit commit) override {
    return writing<bool>([&](Connection& db) { return write(db, commit); });
  }

  /// One transaction for all. When one of them can never succeed, one for each, so that only the guilty ones fail.
  std::vector<Expected<bool>> commit_all(const std::vector<Commit>& commits) override {
    std::vector<Expected<bool>> out;
    const auto together = writing<bool>([&](Connection& db) -> Expected<bool> {
      out = in_order(commits, [&](const Commit& commit) { return write(db, commit); });
      return true;
    });
    WEIR_ASSERT(!together || out.size() == commits.size(), "each commit of a group has an answer");
    if (together) return out;
    const auto code = together.error().code;
    if (code == Code::unavailable || code == Code::data_loss) return std::vector<Expected<bool>>(commits.size(), together);
    return Store::commit_all(commits);
  }

  /// The same value again: a transaction of one page.
  Expected<bool> probe() override {
    return writing<bool>([](Connection& db) -> Expected<bool> {
      db.execute("PRAGMA user_version = " + std::to_string(db.pragma("user_version")));
      return true;
    });
  }

  Expected<bool> note_at_work(bool at_work) override {
    return writing<bool>([&](Connection& db) -> Expected<bool> { return sqlite_detail::note_at_work(db, at_work); });
  }
  Expected<bool> claim_first_read(std::string_view run_id) override {
    return writing<bool>([&](Connection& db) -> Expected<bool> { return sqlite_detail::claim_first_read(db, run_id); });
  }
  Expected<bool> purge(std::string_view handler_id) override {
    return writing<bool>([&](Connection& db) -> Expected<bool> { return sqlite_detail::purge(db, std::string(handler_id)); });
  }
  Expected<std::size_t> expire(const Retention& retention, Time now, std::size_t limit) override {
    if (condition_.damaged()) return Condition::damage();
    std::vector<std::string> orphans;
    try {
      scanning([&](Connection& db) { orphans = next_orphans(db, limit); });
    } catch (const StoreFailure& failure) { return Error{failure.code, failure.what()}; }
    if (orphans.empty() && !retention.any()) return std::size_t{0};
    return writing<std::size_t>([&](Connection& db) -> Expected<std::size_t> {
      return purge_orphans(db, orphans) + sqlite_detail::expire(db, retention, now, limit);
    });
  }
  Expected<bool> compact() override {
    constexpr std::int64_t pages = 256;
    return writing<bool>([&](Connection& db) -> Expected<bool> {
      db.query("PRAGMA incremental_vacuum(" + std::to_string(pages) + ")").run();
      return db.pragma("freelist_count") > 0;
    });
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
  std::vector<HandlerRow> list_handlers(const HandlerFilter& filter, const Cancellation& cancellation) const override {
    HandlerSearch search({.filter = filter, .newest_first = false, .limit = std::numeric_limits<std::size_t>::max()},
                         HandlerSearch::Total::not_needed);
    in_turns(search, [&] { throw_if_over(cancellation); });
    return std::move(search).page().rows;
  }
  HandlerPage find_handlers(const HandlerQuery& query) const override {
    HandlerSearch search(query, HandlerSearch::Total::counted);
    do scanning([&](Connection& db) { search.turn(db); });
    while (!search.done() && !query.cancellation.over());
    return std::move(search).page();
  }
  std::vector<HandlerCount> count_handlers(const Cancellation& cancellation) const override {
    HandlerCounts counts;
    in_turns(counts, [&] { throw_if_over(cancellation); });
    return counts.result();
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
  /// Of some parents, behind those that were looked at last.
  std::vector<std::string> next_orphans(Connection& db, std::size_t limit) {
    const std::lock_guard lock(orphans_mutex_);
    return find_orphans(db, orphans_behind_, limit);
  }

  ProcessLock lock_;
  mutable Condition condition_;
  std::mutex writer_mutex_;
  Connection writer_;
  std::optional<std::pair<Error, std::chrono::steady_clock::time_point>> unavailable_;  ///< as a write has found it last
  mutable ConnectionPool readers_, scanners_;
  Checkpointer checkpointer_;
  std::mutex orphans_mutex_;
  std::string orphans_behind_;
};

}  // namespace

std::shared_ptr<Store> sqlite(const std::string& path, SqliteOptions options) {
  try {
    return std::make_shared<SqliteStore>(path, options);
  } catch (const DatabaseError& error) { throw StoreError(error.what()); }
}

}  // namespace weir
