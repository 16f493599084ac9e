// The write-ahead log: it begins anew while commits go on, and what keeps it from that is told.
#include "faulty_vfs.hpp"
#include "rows.hpp"
#include "tests/until.hpp"
#include "troubles.hpp"

#include <doctest/doctest.h>

#include <sqlite3.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

using namespace weir;
using namespace store_rows;

namespace {

constexpr std::int64_t small = 64 * 1024;
constexpr std::chrono::seconds patience{60};

/// Changes whenever the log begins anew.
std::string generation(const std::string& path) {
  std::ifstream log(path + "-wal", std::ios::binary);
  std::string header(32, '\0');
  log.read(header.data(), 32);
  return header.substr(16, 8);
}

class Writer {
public:
  explicit Writer(std::shared_ptr<Store> store) : store_(std::move(store)) { REQUIRE(store_->commit(first(row("h", "r"))).ok()); }

  /// Commits until something is so.
  bool until(const std::function<bool()>& so) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!so()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      REQUIRE(store_->commit(later("r", ++tick_, std::string(3000, 'x'))).ok());
    }
    return true;
  }
  /// How many were made. The last one tried was not.
  int commits_until_refused() {
    for (int made = 0; made < 10000; ++made)
      if (!store_->commit(later("r", ++tick_, std::string(3000, 'x')))) {
        --tick_;
        return made;
      }
    return 0;
  }
  std::int64_t ticks() const { return tick_; }

private:
  std::shared_ptr<Store> store_;
  std::int64_t tick_ = 1;
};

/// Another program's read transaction.
class Reader {
public:
  explicit Reader(const std::string& path) {
    REQUIRE(sqlite3_open(path.c_str(), &database_) == SQLITE_OK);
    REQUIRE(sqlite3_exec(database_, "BEGIN; SELECT count(*) FROM ticks", nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  ~Reader() { sqlite3_close(database_); }

private:
  sqlite3* database_ = nullptr;
};

}  // namespace

TEST_CASE("while commits go on the write-ahead log begins anew, again and again, and nothing is lost") {
  const TemporaryFolder folder;
  const auto path = folder.file("weir.db");
  std::int64_t written = 0;
  {
    const auto store = sqlite(path, {.sync = SqliteSync::normal, .wal_bytes_target = small});
    Writer writer(store);
    for (int i = 0; i < 5; ++i) {
      const auto before = generation(path);
      CHECK(writer.until([&] { return generation(path) != before; }));
    }
    written = writer.ticks();
    CHECK(store->read_journal("r").ticks.size() == static_cast<std::size_t>(written));
  }
  CHECK(sqlite(path)->read_journal("r").ticks.size() == static_cast<std::size_t>(written));
}

TEST_CASE("reads that never stop do not keep the write-ahead log from beginning anew") {
  const TemporaryFolder folder;
  const auto path = folder.file("weir.db");
  const auto store = sqlite(path, {.sync = SqliteSync::normal, .wal_bytes_target = small});
  Writer writer(store);
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&](const std::stop_token& end) {
      while (!end.stop_requested()) (void)store->read_events("r", -1, 100);
    });
  for (int i = 0; i < 3; ++i) {
    const auto before = generation(path);
    CHECK(writer.until([&] { return generation(path) != before; }));
  }
}

TEST_CASE("somebody else's read transaction that holds the log is told with size and age, again as it doubles, and when it is over") {
  const TemporaryFolder folder;
  const auto path = folder.file("weir.db");
  const auto store = sqlite(path, {.sync = SqliteSync::normal, .wal_bytes_target = small});
  Troubles troubles(store);
  Writer writer(store);
  const std::string held = "has held the database's write-ahead log for";
  {
    const Reader reader(path);
    CHECK(writer.until([&] { return troubles.count(held) == 2; }));
    for (const auto& trouble : troubles.told()) {
      CHECK(trouble.level == StoreTrouble::Level::warning);
      CHECK(trouble.text.find(" MiB and cannot be copied back") != std::string::npos);
    }
  }
  CHECK(writer.until([&] { return troubles.count("is not held any more") == 1; }));
  const auto before = generation(path);
  CHECK(writer.until([&] { return generation(path) != before; }));
  CHECK(store->read_journal("r").ticks.size() == static_cast<std::size_t>(writer.ticks()));
}

TEST_CASE("a log that cannot be copied back does not grow, and is copied back first when there is space again") {
  const TemporaryFolder folder;
  const auto path = folder.file("weir.db");
  faulty_vfs::Installed disk;
  const auto store = sqlite(path, {.sync = SqliteSync::normal, .wal_bytes_target = small});
  Writer writer(store);
  disk.break_database_writes(SQLITE_FULL);
  CHECK(writer.commits_until_refused() > 0);
  const auto stuck_at = std::filesystem::file_size(path + "-wal");
  CHECK(stuck_at < 8 * small);
  for (int i = 0; i < 20; ++i) {
    const auto probed = store->probe();
    REQUIRE_FALSE(probed.ok());
    CHECK(probed.error().code == Code::unavailable);
  }
  CHECK(std::filesystem::file_size(path + "-wal") == stuck_at);
  disk.break_database_writes(SQLITE_OK);
  const auto before = generation(path);
  CHECK(store->probe().ok());
  CHECK(generation(path) != before);
  CHECK(store->read_journal("r").ticks.size() == static_cast<std::size_t>(writer.ticks()));
}

TEST_CASE("a log that an earlier process has left is copied back without a commit") {
  const TemporaryFolder folder, left;
  {
    const auto store = sqlite(folder.file("weir.db"));
    Writer writer(store);
    CHECK(writer.until([&] { return std::filesystem::file_size(folder.file("weir.db-wal")) > 8 * small; }));
    for (const char* name : {"weir.db", "weir.db-wal"}) std::filesystem::copy_file(folder.file(name), left.file(name));
  }
  const auto path = left.file("weir.db");
  const auto before = std::filesystem::file_size(path);
  const auto store = sqlite(path, {.wal_bytes_target = small});
  until("the log is copied back", [&] { return std::filesystem::file_size(path) > before; });
}
