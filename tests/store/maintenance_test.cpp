// What `weir db` says of a file, and files of earlier formats.
#include <doctest/doctest.h>

#include "persistence/sqlite/maintenance.hpp"
#include "temporary.hpp"

#include <weir/store.hpp>

#include <fstream>
#include <sstream>

using namespace weir;
using namespace weir::sqlite_detail;

namespace {

struct Text final : EventPayload {
  std::string_view json() const override { return "{}"; }
  std::string_view frame() const override { return "{}"; }
  std::string json_without_qualified_name() const override { return "{}"; }
};

/// A file with one ended and one waiting handler.
std::string sample(const TemporaryFolder& folder) {
  const auto path = folder.file("weir.db");
  const auto store = sqlite(path);
  for (const std::string id : {"ended", "waiting"}) {
    HandlerRow row;
    row.handler_id = id;
    row.run_id = "run of " + id;
    REQUIRE(store->begin_run(row).ok());
    const bool ends = id == "ended";
    if (ends) row.status = HandlerStatus::completed;
    else row.idle_since = row.wake_at = Time(std::chrono::hours(1));
    REQUIRE(
        store
            ->commit({.run_id = row.run_id,
                      .ticks = {{1, Time(), "one"}, {2, Time(), "two"}},
                      .events = {{0, Time(), false, false, std::make_shared<Text>()}, {1, Time(), false, ends, std::make_shared<Text>()}},
                      .handler = row,
                      .states = {}})
            .ok());
  }
  return path;
}

}  // namespace

TEST_CASE("a sound file has no problems; what contradicts itself is named") {
  const TemporaryFolder folder;
  const auto path = sample(folder);
  CHECK(check(path).empty());
  for (const auto& [damage, problem] : {
           std::pair{"DELETE FROM events WHERE sequence = 0 AND run = 1", "run whose events have a gap: run of ended"},
           std::pair{"UPDATE events SET terminal = 0", "ended handler whose last event does not say so: ended"},
           std::pair{"DELETE FROM ticks WHERE sequence = 1 AND run = 2", "run whose journal has a gap: run of waiting"},
           std::pair{"DELETE FROM ticks WHERE run = 2", "unfinished run without a journal: run of waiting"},
           std::pair{"UPDATE handlers SET parent_handler_id = 'nobody' WHERE handler_id = 'ended'", "handler whose parent is gone: ended"},
           std::pair{"UPDATE handlers SET idle_since = NULL", "run that is to wake up but is not idle: run of waiting"},
           std::pair{"PRAGMA foreign_keys = OFF; DELETE FROM runs WHERE run = 1", "handler without its present run: ended"},
       }) {
    CAPTURE(damage);
    run_sql(path, damage);
    const auto problems = check(path);
    CHECK(std::find(problems.begin(), problems.end(), problem) != problems.end());
  }
}

TEST_CASE("figures are counted, also while a server has the file") {
  const TemporaryFolder folder;
  const auto path = sample(folder);
  const auto server = sqlite(path);
  const auto figures = stats(path);
  const auto figure = [&](const char* name) { return figures.find(name)->as_integer(); };
  CHECK(figure("handlers_completed") == 1);
  CHECK(figure("handlers_running") == 1);
  CHECK(figure("handlers_waiting") == 1);
  CHECK(figure("events") == 4);
  CHECK(figure("ticks") == 4);
  CHECK(figure("file_bytes") > 0);
  CHECK(figures.find("next_wake")->as_string() == "1970-01-01T01:00:00Z");
  CHECK(check(path).empty());
  CHECK_THROWS_WITH_AS(migrate_file(path), doctest::Contains("is used by another process"), std::runtime_error);
}

TEST_CASE("a file of the first format is brought to this one, by migrate or by a server, and keeps what it had") {
  const TemporaryFolder folder;
  const auto path = folder.file("weir.db");
  std::ostringstream schema;
  schema << std::ifstream(WEIR_SCHEMA "/0001_runs.sql").rdbuf();
  run_sql(path, (schema.str() + R"(
    PRAGMA application_id = 0x57656972;
    PRAGMA user_version = 1;
    INSERT INTO handlers VALUES (1, 'h', 'w', '', '', '', 'r', 0, '', '', 5, 5, NULL);
    INSERT INTO runs VALUES (1, 'r', 1, 0);
    INSERT INTO ticks VALUES (1, 1, 5, 'one');
    INSERT INTO events VALUES (1, 0, 5, 0, 0, '{}');
  )")
                    .c_str());
  CHECK(check(path).at(0).starts_with("format 1 is not this program's"));
  CHECK(stats(path).find("handlers_running")->as_integer() == 1);
  SUBCASE("migrate") {
    CHECK(migrate_file(path).from == 1);
    CHECK(migrate_file(path).from == 6);
  }
  SUBCASE("a server") {}
  const auto store = sqlite(path);
  CHECK(check(path).empty());
  CHECK(store->find_run("r")->handler_id == "h");
  CHECK(store->read_journal("r").ticks.at(0).text == "one");
  CHECK_FALSE(store->find_handler("h")->idle_since);
  CHECK(*store->compact() == false);
}

TEST_CASE("a path without a file, and a file that is no database, are told") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(check(folder.file("none.db")), doctest::Contains("there is no database"));
  std::ofstream(folder.file("text.db")) << std::string(5000, 'x');
  CHECK_THROWS_WITH(stats(folder.file("text.db")), doctest::Contains("text.db' is no SQLite database"));
}
