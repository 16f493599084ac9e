// What a store says when its disk, its file or one of its rows is at fault, and that it goes on afterwards.
#include "faulty_vfs.hpp"
#include "length_limit.hpp"
#include "rows.hpp"
#include "troubles.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <thread>

using namespace weir;
using namespace store_rows;

namespace {

/// What comes of a read.
std::optional<Code> failure_of(const std::function<void()>& read) {
  try {
    read();
    return std::nullopt;
  } catch (const StoreFailure& failure) { return failure.code; }
}

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Hands the commit in until it is written, as a runtime does.
int write(Store& store, const Commit& commit) {
  for (int attempt = 1; attempt <= 50; ++attempt) {
    const auto written = store.commit(commit);
    if (written) return attempt;
    REQUIRE(written.error().code == Code::unavailable);
  }
  FAIL("it was never written");
  return 0;
}

}  // namespace

TEST_CASE("each way in which a disk fails has a sentence without paths and SQL, the log hears once what it is, and the store goes on") {
  for (const auto& [code, message] : {
           std::pair{SQLITE_FULL, "the database's disk is full"},
           std::pair{SQLITE_IOERR_WRITE, "the database's disk cannot be read or written"},
           std::pair{SQLITE_IOERR_FSYNC, "the database's disk cannot be read or written"},
           std::pair{SQLITE_READONLY, "the database can only be read"},
           std::pair{SQLITE_READONLY_DBMOVED, "the database can only be read"},
           std::pair{SQLITE_CANTOPEN, "the database's files cannot be opened"},
           std::pair{SQLITE_IOERR_NOMEM, "the database is out of memory"},
           std::pair{SQLITE_PERM, "the database's files may not be used"},
           std::pair{SQLITE_PROTOCOL, "the database is locked by another program"},
           std::pair{SQLITE_INTERRUPT, "the database was interrupted"},
       }) {
    CAPTURE(code);
    const TemporaryFolder folder;
    faulty_vfs::Installed disk;
    const auto store = sqlite(folder.file("weir.db"));
    Troubles troubles(store);
    REQUIRE(store->commit(first(row("h", "r"))).ok());
    disk.break_writes(code);
    for (int i = 0; i < 3; ++i) {
      const auto refused = store->commit(later("r", 2));
      REQUIRE_FALSE(refused.ok());
      CHECK(refused.error().code == Code::unavailable);
      CHECK(refused.error().message == message);
    }
    CHECK(store->last_event("r")->sequence == 0);
    CHECK(troubles.told().size() == 1);
    CHECK(troubles.count("the database cannot be written: " + std::string(message)) == 1);
    CHECK(troubles.count("weir.db") == 1);
    disk.break_writes(SQLITE_OK);
    CHECK(store->commit(later("r", 2)).ok());
    CHECK(store->read_journal("r").ticks.size() == 2);
    CHECK(troubles.count("the database can be written again") == 1);
    CHECK_FALSE(store->damaged());
  }
}

TEST_CASE("all writes fail as values, of one kind, and all work again") {
  const TemporaryFolder folder;
  faulty_vfs::Installed disk;
  const auto store = sqlite(folder.file("weir.db"));
  REQUIRE(store->commit(first(row("h", "r"))).ok());
  auto ended = row("other", "o", HandlerStatus::completed);
  ended.completed_at = Time();
  REQUIRE(store->commit(first(row("other", "o"))).ok());
  REQUIRE(store->commit({.run_id = "o", .events = {}, .handler = ended, .states = {}}).ok());
  const auto try_all = [&] {
    std::vector<std::optional<Error>> out;
    const auto note = [&](const auto& result) { out.push_back(result ? std::nullopt : std::optional(result.error())); };
    note(store->begin_run(row("new", "n")));
    note(store->commit(later("r", 2)));
    for (const auto& result : store->commit_all({later("r", 3), later("o", 2)})) note(result);
    note(store->claim_first_read("r"));
    note(store->expire({.completed = Duration(1)}, Time(std::chrono::hours(1)), 10));
    note(store->purge("h"));
    return out;
  };
  for (const bool by_lock : {false, true}) {
    if (by_lock) disk.break_locks(SQLITE_BUSY);
    else disk.break_writes(SQLITE_FULL);
    for (const auto& failed : try_all()) {
      REQUIRE(failed);
      CHECK(failed->code == Code::unavailable);
    }
    disk.break_locks(SQLITE_OK);
    disk.break_writes(SQLITE_OK);
  }
  for (const auto& failed : try_all()) CHECK_FALSE(failed);
  CHECK(store->compact().ok());
  CHECK(store->list_handlers({}).size() == 1);
}

TEST_CASE("when a group of commits cannot be written none of them is, and the same group is written once when it can") {
  const TemporaryFolder folder;
  faulty_vfs::Installed disk;
  const auto store = sqlite(folder.file("weir.db"));
  std::vector<Commit> group;
  for (const std::string n : {"1", "2", "3"}) {
    group.push_back(first(row("h" + n, "r" + n)));
    group.push_back(later("r" + n, 2));
  }
  disk.break_writes(SQLITE_FULL);
  for (int i = 0; i < 2; ++i) {
    const int before = disk.operations();
    const auto results = store->commit_all(group);
    REQUIRE(results.size() == group.size());
    for (const auto& result : results) CHECK(result.error().code == Code::unavailable);
    CHECK(disk.operations() - before <= 2);  // not one try for each
    CHECK(store->list_handlers({}).empty());
  }
  disk.break_writes(SQLITE_OK);
  for (const auto& result : store->commit_all(group)) CHECK(result.ok());
  for (const std::string n : {"1", "2", "3"}) CHECK(store->read_journal("r" + n).ticks.size() == 2);
}

TEST_CASE("of a group in which one commit can never succeed that one fails, what builds on it too, and the log hears why") {
  const TemporaryFolder folder;
  const auto store = sqlite(folder.file("weir.db"));
  Troubles troubles(store);
  for (const std::string n : {"1", "2", "3"}) REQUIRE(store->commit(first(row("h" + n, "r" + n))).ok());
  struct Unspeakable final : EventPayload {
    std::string_view json() const override { throw std::runtime_error("no words"); }
    std::string_view frame() const override { throw std::runtime_error("no words"); }
    std::string json_without_qualified_name() const override { throw std::runtime_error("no words"); }
  };
  Commit guilty = later("r2", 1);
  SUBCASE("a tick that is there already") {}
  SUBCASE("an event that cannot be put into words") {
    guilty = {.run_id = "r2", .events = {{1, Time(), false, false, std::make_shared<Unspeakable>()}}, .handler = {}, .states = {}};
  }
  const auto results = store->commit_all({later("r1", 2), guilty, later("r2", 2), later("r3", 2)});
  CHECK(results[0].ok());
  REQUIRE_FALSE(results[1].ok());
  CHECK(results[1].error().code == Code::internal);
  CHECK(results[1].error().message.find("INSERT") == std::string::npos);
  REQUIRE_FALSE(results[2].ok());
  CHECK(results[2].error().message == results[1].error().message);
  CHECK(results[3].ok());
  for (const auto& [run, ticks] : {std::pair("r1", 2u), std::pair("r2", 1u), std::pair("r3", 2u)})
    CHECK(store->read_journal(run).ticks.size() == ticks);
  CHECK_FALSE(store->damaged());
  CHECK(store->commit(later("r2", 2)).ok());
}

TEST_CASE("a write that is larger than the database can hold fails alone, and can be told from the others in the log") {
  // What SQLite is built for is a billion bytes: connections that are opened from here on take less.
  const LengthLimit limit(100'000);
  const TemporaryFolder folder;
  const auto store = sqlite(folder.file("weir.db"));
  Troubles troubles(store);
  for (const std::string n : {"1", "2"}) REQUIRE(store->commit(first(row("h" + n, "r" + n))).ok());
  const auto results = store->commit_all({later("r1", 2), later("r2", 2, std::string(200'000, 'x')), later("r2", 3), later("r1", 3)});
  for (const auto i : {0u, 3u}) CHECK(results[i].ok());
  for (const auto i : {1u, 2u}) {
    REQUIRE_FALSE(results[i].ok());
    CHECK(results[i].error().code == Code::internal);
    CHECK(results[i].error().message == "the write is larger than the database can hold");
  }
  CHECK(store->read_journal("r1").ticks.size() == 3);
  CHECK(store->read_journal("r2").ticks.size() == 1);
  CHECK(troubles.count("the database could not be written: the write is larger than the database can hold. INSERT INTO ticks") >= 1);
  CHECK_FALSE(store->damaged());
  CHECK(store->commit(later("r2", 2)).ok());
}

TEST_CASE("a file that stops being a database while it is open is damage: reads and writes say so, the log once, with its path") {
  const TemporaryFolder folder;
  const auto path = folder.file("weir.db");
  REQUIRE(sqlite(path)->commit(first(row("h", "r"))).ok());
  const auto store = sqlite(path);
  Troubles troubles(store);
  run_sql(path, "PRAGMA wal_checkpoint(TRUNCATE)");  // the first page is read from the file
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file << "no database here";
  }
  try {
    (void)store->find_handler("h");
    FAIL("the file was read");
  } catch (const StoreFailure& failure) {
    CHECK(failure.code == Code::data_loss);
    CHECK(std::string(failure.what()) == "the database is damaged: its file is no database any more");
  }
  const auto refused = store->commit(later("r", 2));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Code::data_loss);
  CHECK(refused.error().message == "the database is damaged: nothing more is written to it");
  CHECK(store->damaged());
  REQUIRE(troubles.told().size() == 1);
  CHECK(troubles.told()[0].level == StoreTrouble::Level::error);
  CHECK(troubles.count("the database is damaged, nothing more is written to it. Found by: ") == 1);
  CHECK(troubles.count(path) == 1);
}

TEST_CASE("whichever write, truncation or sync fails, for a while: what is handed in again is there once") {
  const auto script = [](Store& store) {
    for (const std::string n : {"1", "2"}) {
      write(store, first(row("h" + n, "r" + n)));
      write(store, later("r" + n, 2, std::string(20000, 'x')));
      write(store, {.run_id = "r" + n, .snapshot = SnapshotRow{2, "state"}, .events = {}, .handler = {}, .states = NamedStates{{"", {}}}});
      write(store, later("r" + n, 3));
    }
  };
  int operations = 0, opened = 0;
  {
    const TemporaryFolder folder;
    const faulty_vfs::Installed disk;
    const auto store = sqlite(folder.file("weir.db"));
    opened = disk.operations();
    script(*store);
    operations = disk.operations();
  }
  REQUIRE(operations - opened > 10);
  const std::vector codes{SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC, SQLITE_IOERR_TRUNCATE, SQLITE_BUSY};
  for (int nth = opened + 1; nth <= operations; ++nth)
    for (const int times : {1, 30}) {
      const int code = codes[static_cast<std::size_t>(nth + times) % codes.size()];
      CAPTURE(code);
      CAPTURE(times);
      CAPTURE(nth);
      const TemporaryFolder folder;
      const auto path = folder.file("weir.db");
      {
        faulty_vfs::Installed disk;
        const auto store = sqlite(path);
        disk.fail(nth, times, code);
        script(*store);
        disk.fail(0, 0, SQLITE_OK);
        CHECK_FALSE(store->damaged());
      }
      const auto store = sqlite(path);
      for (const std::string n : {"1", "2"}) {
        const auto journal = store->read_journal("r" + n);
        CHECK(journal.snapshot->sequence == 2);
        CHECK(journal.ticks.size() == 1);
        CHECK(store->read_events("r" + n, -1, 10).size() == 3);
      }
    }
}

TEST_CASE("reads that the disk does not answer throw that it is unavailable, and are answered when it does") {
  const TemporaryFolder folder;
  faulty_vfs::Installed disk;
  {
    const auto store = sqlite(folder.file("weir.db"));
    REQUIRE(store->commit(first(row("h", "r"))).ok());
  }
  for (const int code : {SQLITE_IOERR_READ, SQLITE_IOERR_NOMEM, SQLITE_IOERR_LOCK}) {
    CAPTURE(code);
    const auto store = sqlite(folder.file("weir.db"));
    Troubles troubles(store);
    disk.break_reads(code);
    CHECK(failure_of([&] { (void)store->last_event("r"); }) == Code::unavailable);
    CHECK(failure_of([&] { (void)store->list_handlers({}); }) == Code::unavailable);
    CHECK(failure_of([&] { (void)store->find_handlers({}); }) == Code::unavailable);
    CHECK(troubles.count("the database cannot be read: ") == 1);
    disk.break_reads(SQLITE_OK);
    CHECK(store->last_event("r")->sequence == 0);
    CHECK(store->find_handlers({}).total == 1);
    CHECK(troubles.count("the database can be read again") == 1);
  }
}

TEST_CASE("while another program has the file locked everybody who waits is told within one wait") {
  const TemporaryFolder folder;
  faulty_vfs::Installed disk;
  const auto store = sqlite(folder.file("weir.db"), {.lock_timeout = std::chrono::milliseconds(100)});
  REQUIRE(store->commit(first(row("h", "r"))).ok());
  disk.break_locks(SQLITE_BUSY);
  std::atomic<int> unavailable = 0;
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 20; ++i)
      clients.emplace_back([&] {
        const auto claimed = store->claim_first_read("r");
        if (!claimed && claimed.error().code == Code::unavailable) ++unavailable;
      });
  }
  CHECK(unavailable == 20);
  disk.break_locks(SQLITE_OK);
  CHECK(*store->claim_first_read("r"));
}

TEST_CASE("after damage nothing is written, not even when the store is closed, and what can be read is read") {
  const TemporaryFolder folder;
  const auto path = folder.file("weir.db");
  {
    const auto store = sqlite(path);
    REQUIRE(store->commit(first(row("sound", "s"))).ok());
    REQUIRE(store->commit(first(row("hurt", "h"))).ok());
    REQUIRE(store->commit({.run_id = "h", .events = {}, .handler = {}, .states = NamedStates{{"", Object{{"n", 1}}}}}).ok());
  }
  std::function<void(Store&)> look = [](Store& store) { (void)store.find_handler("hurt"); };
  std::function<Expected<bool>(Store&)> touch;
  SUBCASE("a status that there is not") { run_sql(path, "UPDATE handlers SET status = 9 WHERE handler_id = 'hurt'"); }
  SUBCASE("bytes for text") { run_sql(path, "UPDATE handlers SET error = x'00ff' WHERE handler_id = 'hurt'"); }
  SUBCASE("text for a time") { run_sql(path, "UPDATE handlers SET started_at = 'yesterday' WHERE handler_id = 'hurt'"); }
  SUBCASE("a state that is no object") {
    run_sql(path, "UPDATE states SET body = '{'");
    look = [](Store& store) { (void)store.find_states("hurt"); };
  }
  SUBCASE("a journal with a gap") {
    run_sql(path, "UPDATE ticks SET sequence = 7 WHERE run = 2");
    look = [](Store& store) { (void)store.read_journal("h"); };
  }
  SUBCASE("a page") {
    // The events' table is one page: its content becomes nonsense.
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    REQUIRE(sqlite3_prepare_v2(database, "SELECT rootpage FROM sqlite_schema WHERE name = 'events'", -1, &statement, nullptr) == SQLITE_OK);
    REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
    const auto page = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp((page - 1) * 4096);
    file << std::string(4096, '\x7f');
    SUBCASE("that is read") {
      look = [](Store& store) { (void)store.read_events("h", -1, 10); };
    }
    SUBCASE("that is to be written") {
      touch = [](Store& store) { return store.commit(later("h", 2)); };
    }
  }
  const auto before = content(path);
  {
    faulty_vfs::Installed disk;
    const auto store = sqlite(path);
    Troubles troubles(store);
    REQUIRE_FALSE(store->damaged());
    if (touch) CHECK(touch(*store).error().code == Code::data_loss);
    else CHECK(failure_of([&] { look(*store); }) == Code::data_loss);
    CHECK(store->damaged());
    const int operations = disk.operations();
    const auto refused = store->commit(first(row("new", "n")));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Code::data_loss);
    CHECK(refused.error().message == "the database is damaged: nothing more is written to it");
    for (const auto& result : store->commit_all({first(row("new", "n")), later("s", 2)})) CHECK(result.error().code == Code::data_loss);
    CHECK(store->purge("sound").error().code == Code::data_loss);
    CHECK(store->claim_first_read("s").error().code == Code::data_loss);
    CHECK(store->expire({}, Time(), 10).error().code == Code::data_loss);
    CHECK(store->compact().error().code == Code::data_loss);
    CHECK(store->find_handler("sound")->run_id == "s");
    CHECK(disk.operations() == operations);
    CHECK(troubles.told().size() == 1);
    CHECK(troubles.told().at(0).level == StoreTrouble::Level::error);
  }
  CHECK(content(path) == before);
}
