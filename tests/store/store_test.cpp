// The store contract, run against every store.
#include <doctest/doctest.h>

#include "rows.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

using namespace weir;
using namespace store_rows;

namespace {

void end(Store& store, const std::string& id, const std::string& run, NamedStates states = {}) {
  CHECK(store.commit({.run_id = run, .events = {}, .handler = row(id, run, HandlerStatus::completed), .states = std::move(states)}).ok());
}

std::string refusal_of(const std::function<void()>& action) {
  try {
    action();
    return "";
  } catch (const StoreError& error) { return error.what(); }
}

}  // namespace

TEST_CASE("a handler id is free, taken while it runs, and free again with the state it left") {
  const Kind kind = any_kind();
  const auto store = kind.open();
  REQUIRE(store->begin_run(row("h", "r1")).ok());
  const auto refused = store->begin_run(row("h", "r2"));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message == "Handler 'h' is already running");
  end(*store, "h", "r1", {{"", Object{{"n", 1}}}, {"extra", Object{{"m", 2}}}});
  CHECK(store->find_states("h").at("extra") == Object{{"m", 2}});
  const auto again = store->begin_run(row("h", "r2"));
  REQUIRE(again.ok());
  CHECK(again->states.at("") == Object{{"n", 1}});
  CHECK(again->workflow_name == "w");
  CHECK(store->find_handler("h")->run_id == "r2");
}

TEST_CASE("a commit of an earlier run does not touch the handler's present one") {
  const Kind kind = any_kind();
  const auto store = kind.open();
  REQUIRE(store->begin_run(row("h", "r1")).ok());
  end(*store, "h", "r1");
  REQUIRE(store->begin_run(row("h", "r2")).ok());
  end(*store, "h", "r1");
  CHECK(store->find_handler("h")->status == HandlerStatus::running);
}

TEST_CASE("events are read after a cursor, in order, in pages") {
  const Kind kind = any_kind();
  const auto store = kind.open();
  REQUIRE(store->begin_run(row("h", "r")).ok());
  REQUIRE(store->commit({.run_id = "r", .events = {event(0), event(1), event(2, true)}, .handler = {}, .states = {}}).ok());
  CHECK(store->read_events("r", -1, 2).size() == 2);
  CHECK(store->read_events("r", 1, 10).at(0).payload->json() == "e2");
  CHECK(store->read_events("r", 2, 10).empty());
  CHECK(store->read_events("nope", -1, 10).empty());
  CHECK(store->last_event("r")->terminal);
  CHECK_FALSE(store->last_event("nope"));
  CHECK(*store->claim_first_read("r"));
  CHECK_FALSE(*store->claim_first_read("r"));
}

TEST_CASE("handlers are listed in creation order, filtered by name and status; an empty list matches nothing") {
  const Kind kind = any_kind();
  const auto store = kind.open();
  for (int i = 0; i < 50; ++i)
    REQUIRE(store->begin_run(row("h" + std::to_string(i), "r" + std::to_string(i), HandlerStatus::running, i % 2 ? "odd" : "even")).ok());
  end(*store, "h3", "r3");
  const auto all = store->list_handlers({});
  REQUIRE(all.size() == 50);
  CHECK(all[7].handler_id == "h7");
  CHECK(store->list_handlers({.workflow_names = std::vector<std::string>{"even"}, .statuses = {}}).size() == 25);
  CHECK(store->list_handlers({.workflow_names = {}, .statuses = std::vector{HandlerStatus::completed}}).size() == 1);
  CHECK(store->list_handlers({.workflow_names = {}, .statuses = std::vector<HandlerStatus>{}}).empty());
}

TEST_CASE("handlers are found in pages, newest or oldest first, by state, time and text; counts go by workflow") {
  const auto kind = any_kind();
  const auto store = kind.open();
  const auto add = [&](int number, HandlerStatus status) {
    auto begun = row("h" + std::to_string(number), "r" + std::to_string(number), HandlerStatus::running, number % 2 ? "odd" : "even");
    begun.started_at = Time(std::chrono::seconds(number));
    CHECK(store->begin_run(begun).ok());
    begun.status = status;
    begun.error = status == HandlerStatus::failed ? "the Pot broke" : "";
    begun.waiting_for = status == HandlerStatus::running ? R"([{"event_type":"Answer","step":"ask"}])" : "";
    if (status == HandlerStatus::running) begun.idle_since = Time(std::chrono::seconds(9));
    CHECK(store->commit({.run_id = begun.run_id, .events = {}, .handler = begun, .states = std::nullopt}).ok());
  };
  for (int number = 0; number < 5; ++number) add(number, number == 3 ? HandlerStatus::failed : HandlerStatus::completed);
  add(5, HandlerStatus::running);
  const auto ids = [](const HandlerPage& page) {
    std::string out;
    for (const auto& found : page.rows) out += found.handler_id;
    return out;
  };
  const auto first = store->find_handlers({.limit = 4});
  CHECK(ids(first) == "h5h4h3h2");
  CHECK(first.total == 6);
  CHECK(first.rows[0].waiting_for == R"([{"event_type":"Answer","step":"ask"}])");
  const auto second = store->find_handlers({.limit = 4, .cursor = first.next});
  CHECK(ids(second) == "h1h0");
  CHECK(second.next.empty());
  const auto oldest = store->find_handlers({.newest_first = false, .limit = 5});
  CHECK(ids(oldest) == "h0h1h2h3h4");
  CHECK(ids(store->find_handlers({.newest_first = false, .limit = 5, .cursor = oldest.next})) == "h5");
  CHECK(ids(store->find_handlers({.text = "pot BROKE"})) == "h3");
  CHECK(ids(store->find_handlers({.text = "H4"})) == "h4");
  CHECK(ids(store->find_handlers({.since = Time(std::chrono::seconds(1)), .until = Time(std::chrono::seconds(3))})) == "h2h1");
  HandlerFilter idle_odd{.workflow_names = std::vector<std::string>{"odd"}, .statuses = std::nullopt, .idle = true};
  CHECK(ids(store->find_handlers({.filter = idle_odd})) == "h5");
  const auto awaiting = [](bool awaits) {
    return HandlerFilter{.workflow_names = std::nullopt, .statuses = std::nullopt, .awaits_event = awaits};
  };
  CHECK(ids(store->find_handlers({.filter = awaiting(true)})) == "h5");
  CHECK(store->find_handlers({.filter = awaiting(false)}).total == 5);
  CHECK(store->list_handlers(awaiting(true)).size() == 1);
  CHECK_THROWS_WITH_AS((void)store->find_handlers({.cursor = "x"}), doctest::Contains("got 'x'"), std::invalid_argument);
  std::size_t counted = 0;
  for (const auto& entry : store->count_handlers()) counted += entry.workflow_name == "odd" ? entry.count : 0;
  CHECK(counted == 3);
  auto set_aside = row("h5", "r5", HandlerStatus::running, "odd");
  set_aside.quarantined = true;
  CHECK(store->commit({.run_id = "r5", .events = {}, .handler = set_aside, .states = std::nullopt}).ok());
  const auto aside = [](bool is) { return HandlerFilter{.workflow_names = std::nullopt, .statuses = std::nullopt, .quarantined = is}; };
  CHECK(ids(store->find_handlers({.filter = aside(true)})) == "h5");
  CHECK(store->find_handlers({.filter = aside(false)}).total == 5);
  counted = 0;
  for (const auto& entry : store->count_handlers()) counted += entry.quarantined ? entry.count : 0;
  CHECK(counted == 1);
}

TEST_CASE("a run's input, an event's trace and what steps kept after any event are known") {
  const auto kind = any_kind();
  const auto store = kind.open();
  auto begun = row("h", "r");
  begun.input = std::make_shared<Text>(R"({"value":1})");
  begun.rerun_of = weir::Rerun{"earlier", 7};
  CHECK(store->begin_run(begun).ok());
  CHECK(store->find_origin("r").input == R"({"value":1})");
  CHECK(store->find_origin("r").rerun_of->run_id == "earlier");
  CHECK(store->find_origin("r").rerun_of->after == 7);
  CHECK_FALSE(store->find_origin("other").input);
  CHECK(store->begin_run(row("h2", "r2")).ok());
  CHECK_FALSE(store->find_origin("r2").rerun_of);
  auto traced = event(0);
  traced.trace = std::make_shared<const std::string>(R"({"attempt":2})");
  const auto keep = [](int value) { return NamedStates{{"", Object{{"n", value}}}}; };
  CHECK(store->commit({.run_id = "r", .events = {traced}, .handler = std::nullopt, .states = keep(1), .states_after = 0}).ok());
  CHECK(store->commit({.run_id = "r", .events = {event(1), event(2)}, .handler = std::nullopt, .states = keep(2), .states_after = 2}).ok());
  CHECK(*store->read_events("r", -1, 10).at(0).trace == R"({"attempt":2})");
  CHECK_FALSE(store->read_events("r", -1, 10).at(1).trace);
  CHECK(store->find_states_at("r", -1)->empty());
  for (const auto& [sequence, value] : {std::pair(0, 1), std::pair(1, 1), std::pair(2, 2), std::pair(9, 2)})
    CHECK(store->find_states_at("r", sequence)->at("").find("n")->as_integer() == value);
  // Nobody is shown an earlier state for one that was too large to be kept.
  const NamedStates large{{"", Object{{"text", std::string(300'000, 'x')}}}};
  CHECK(store->commit({.run_id = "r", .events = {event(3)}, .handler = std::nullopt, .states = large, .states_after = 3}).ok());
  CHECK_FALSE(store->find_states_at("r", 3));
  CHECK(store->find_states_at("r", 2));
}

TEST_CASE("what steps kept in the past is bounded by bytes: the oldest goes, and is not taken for what was there before it") {
  const auto kind = any_kind();
  const auto store = kind.open();
  REQUIRE(store->begin_run(row("h", "r")).ok());
  const auto file_bytes = [&] { return kind.durable ? std::filesystem::file_size(kind.folder->file("weir.db")) : 0; };
  constexpr int changes = 300;
  const auto keep = [](int value) { return NamedStates{{"", Object{{"n", value}, {"text", std::string(60'000, 'x')}}}}; };
  for (int i = 0; i < changes; ++i)
    for (const int value : {-1, i})  // the first of two changes behind one event is nobody's
      REQUIRE(store->commit({.run_id = "r", .events = {}, .handler = std::nullopt, .states = keep(value), .states_after = i}).ok());
  CHECK(store->find_states_at("r", -1)->empty());
  CHECK_FALSE(store->find_states_at("r", 0));
  CHECK_FALSE(store->find_states_at("r", changes / 2));
  CHECK_FALSE(store->find_states_at("r", changes - 80));
  for (int i = changes - 50; i < changes; ++i) {
    const auto states = store->find_states_at("r", i);
    REQUIRE(states);
    CHECK(states->at("").find("n")->as_integer() == i);
  }
  CHECK(file_bytes() < 12u * 1024 * 1024);
}

TEST_CASE("the oldest events of a run may be forgotten, and its others are read as before") {
  const auto kind = any_kind();
  const auto store = kind.open();
  REQUIRE(store->begin_run(row("h", "r")).ok());
  std::vector<EventRow> events;
  for (int i = 0; i < 10; ++i) events.push_back(event(i));
  REQUIRE(store->commit({.run_id = "r", .events = events, .handler = {}, .states = {}}).ok());
  Commit forgets{.run_id = "r", .events = {event(10)}, .handler = {}, .states = {}};
  forgets.forget_events_before = 7;
  REQUIRE(store->commit(forgets).ok());
  const auto sequences = [&](std::int64_t after, std::size_t limit) {
    std::vector<std::int64_t> out;
    for (const auto& found : store->read_events("r", after, limit)) out.push_back(found.sequence);
    return out;
  };
  CHECK(sequences(-1, 10) == std::vector<std::int64_t>{7, 8, 9, 10});
  CHECK(sequences(3, 2) == std::vector<std::int64_t>{7, 8});
  CHECK(sequences(8, 10) == std::vector<std::int64_t>{9, 10});
  CHECK(sequences(10, 10).empty());
  CHECK(store->last_event("r")->sequence == 10);
}

TEST_CASE("the next run of a handler begins behind the events of the one before") {
  const auto kind = any_kind();
  const auto store = kind.open();
  REQUIRE(store->begin_run(row("h", "r1")).ok());
  REQUIRE(store->commit({.run_id = "r1", .events = {event(0), event(1)}, .handler = row("h", "r1", HandlerStatus::completed), .states = {}})
              .ok());
  auto second = row("h", "r2");
  second.first_sequence = 2;
  const auto left = store->begin_run(second);
  REQUIRE(left.ok());
  CHECK(left->first_sequence == 2);
  CHECK(store->find_handler("h")->first_sequence == 2);
  CHECK(store->find_run("r1")->first_sequence == 0);
  CHECK_FALSE(store->last_event("r2"));
  REQUIRE(store->commit({.run_id = "r2", .events = {event(2)}, .handler = row("h", "r2", HandlerStatus::failed), .states = {}}).ok());
  CHECK(store->read_events("r2", 1, 5).at(0).sequence == 2);
  CHECK(store->read_events("r2", -1, 5).size() == 1);
  CHECK(store->begin_run(row("h", "r3"))->first_sequence == 3);
}

TEST_CASE("purging removes the handler and the events of all its runs") {
  const Kind kind = any_kind();
  const auto store = kind.open();
  for (const char* run : {"r1", "r2"}) {
    REQUIRE(store->begin_run(row("h", run)).ok());
    REQUIRE(store->commit({.run_id = run, .events = {event(0)}, .handler = row("h", run, HandlerStatus::failed), .states = {}}).ok());
  }
  CHECK(*store->purge("h"));
  CHECK_FALSE(*store->purge("h"));
  CHECK(store->read_events("r1", -1, 10).empty());
  CHECK(store->read_events("r2", -1, 10).empty());
}

TEST_CASE("earlier runs of a handler are found by their ids") {
  const Kind kind = any_kind();
  const auto store = kind.open();
  REQUIRE(store->begin_run(row("h", "r1")).ok());
  end(*store, "h", "r1");
  REQUIRE(store->begin_run(row("h", "r2")).ok());
  CHECK(store->find_run("r1")->status == HandlerStatus::completed);
  CHECK(store->find_run("r1")->handler_id == "h");
  CHECK(store->find_run("r1")->run_id == "r1");
  CHECK(store->find_run("r2")->status == HandlerStatus::running);
  CHECK_FALSE(store->find_run("r3"));
}

TEST_CASE("a key is known with the commit that used it, and forgotten with its run") {
  const Kind kind = any_kind();
  const auto store = kind.open();
  REQUIRE(store->begin_run(row("h", "r")).ok());
  CHECK_FALSE(store->find_key("k"));
  REQUIRE(store->commit({.run_id = "r", .keys = {{"k", "print"}}, .events = {event(0)}, .handler = {}, .states = {}}).ok());
  CHECK(store->find_key("k")->fingerprint == "print");
  CHECK(store->find_key("k")->run_id == "r");
  CHECK(*store->purge("h"));
  CHECK_FALSE(store->find_key("k"));
}

TEST_CASE("what ended too long ago goes, by how it ended; children go with their parents, earlier runs by themselves") {
  using namespace std::chrono_literals;
  const Kind kind = any_kind();
  const auto store = kind.open();
  const Time now(100h);
  const auto add = [&](const std::string& id, const std::string& run, HandlerStatus status, Duration ago, const std::string& parent = "") {
    auto begun = row(id, run);
    begun.parent_handler_id = parent;
    REQUIRE(store->begin_run(begun).ok());
    begun.status = status;
    if (status != HandlerStatus::running) begun.completed_at = now - ago;
    REQUIRE(store->commit({.run_id = run, .events = {event(0)}, .handler = begun, .states = {}}).ok());
  };
  add("old", "r1", HandlerStatus::completed, 10h);
  add("old child", "r2", HandlerStatus::completed, 10h, "old");
  add("young", "r3", HandlerStatus::completed, 1h);
  add("old failure", "r4", HandlerStatus::failed, 10h);
  add("running", "r5", HandlerStatus::running, 0h);
  add("child of running", "r6", HandlerStatus::completed, 10h, "running");
  add("again", "r7", HandlerStatus::completed, 10h);
  add("again", "r8", HandlerStatus::completed, 1h);
  CHECK(*store->expire({}, now, 10) == 0);
  CHECK(*store->expire({.completed = 5h, .failed = 50h}, now, 10) == 2);  // "old", and an earlier run of "again"
  for (const char* gone : {"old", "old child"}) CHECK_FALSE(store->find_handler(gone));
  for (const char* kept : {"young", "old failure", "running", "child of running", "again"}) CHECK(store->find_handler(kept));
  CHECK_FALSE(store->find_run("r7"));
  CHECK(store->read_events("r7", -1, 10).empty());
  CHECK(store->find_run("r8"));
  CHECK(*store->expire({.failed = 5h}, now, 10) == 1);
  CHECK_FALSE(store->find_handler("old failure"));
}

TEST_CASE("expiry goes in small steps") {
  using namespace std::chrono_literals;
  const Kind kind = any_kind();
  const auto store = kind.open();
  for (int i = 0; i < 25; ++i) {
    const auto n = std::to_string(i);
    REQUIRE(store->begin_run(row(n, "r" + n)).ok());
    auto ended = row(n, "r" + n, HandlerStatus::completed);
    ended.completed_at = Time(1h);
    REQUIRE(store->commit({.run_id = "r" + n, .events = {}, .handler = ended, .states = {}}).ok());
  }
  CHECK(*store->expire({.completed = 1h}, Time(100h), 10) == 10);
  CHECK(store->list_handlers({}).size() == 15);
}

TEST_CASE("a snapshot takes the place of the ticks up to it") {
  const TemporaryFolder folder;
  const auto store = sqlite(folder.file("weir.db"));
  REQUIRE(store->begin_run(row("h", "r")).ok());
  REQUIRE(store->commit({.run_id = "r", .ticks = {{1, Time(), "1"}, {2, Time(), "2"}}, .events = {}, .handler = {}, .states = {}}).ok());
  REQUIRE(store->commit({.run_id = "r", .snapshot = SnapshotRow{3, "state"}, .events = {}, .handler = {}, .states = {}}).ok());
  REQUIRE(store->commit({.run_id = "r", .ticks = {{4, Time(), "4"}}, .events = {}, .handler = {}, .states = {}}).ok());
  const auto journal = store->read_journal("r");
  CHECK(journal.snapshot->sequence == 3);
  CHECK(journal.snapshot->text == "state");
  REQUIRE(journal.ticks.size() == 1);
  CHECK(journal.ticks[0].sequence == 4);
}

TEST_CASE("runs that wait are told from runs that work, and found by the time they wait for") {
  using namespace std::chrono_literals;
  const TemporaryFolder folder;
  const auto store = sqlite(folder.file("weir.db"));
  for (int i = 0; i < 4; ++i) {
    const auto n = std::to_string(i);
    auto begun = row(n, "r" + n);
    if (i > 0) begun.idle_since = Time(1s);
    if (i > 1) begun.wake_at = Time(std::chrono::seconds(i * 10));
    REQUIRE(store->begin_run(begun).ok());
  }
  CHECK(store->list_handlers({.workflow_names = {}, .statuses = std::vector{HandlerStatus::running}, .idle = false}).size() == 1);
  CHECK(store->list_handlers({.workflow_names = {}, .statuses = {}, .idle = true}).size() == 3);
  CHECK(store->next_wake(Time::min()) == Time(20s));
  CHECK(store->next_wake(Time(20s)) == Time(30s));
  CHECK_FALSE(store->next_wake(Time(30s)));
  CHECK(store->find_wakes(Time::min(), Time(30s)) == std::vector<std::string>{"2", "3"});
  CHECK(store->find_wakes(Time(20s), Time(30s)) == std::vector<std::string>{"3"});
}

TEST_CASE("the file shrinks when what was purged is given back") {
  const TemporaryFolder folder;
  const auto path = folder.file("weir.db");
  {
    const auto store = sqlite(path, {.sync = SqliteSync::normal});
    for (int i = 0; i < 300; ++i) {
      const auto n = std::to_string(i);
      REQUIRE(store->begin_run(row(n, "r" + n)).ok());
      REQUIRE(store->commit({.run_id = "r" + n, .ticks = {{1, Time(), std::string(10000, 'x')}}, .events = {}, .handler = {}, .states = {}})
                  .ok());
    }
  }
  const auto before = std::filesystem::file_size(path);
  {
    const auto store = sqlite(path, {.sync = SqliteSync::normal});
    for (int i = 0; i < 300; ++i) CHECK(*store->purge(std::to_string(i)));
    while (*store->compact()) {}
  }
  CHECK(std::filesystem::file_size(path) < before / 5);
}

TEST_CASE("only so many ended handlers are kept, the oldest go first, running ones stay") {
  const auto store = memory(3);
  REQUIRE(store->begin_run(row("running", "r")).ok());
  for (int i = 0; i < 5; ++i) {
    const auto n = std::to_string(i);
    REQUIRE(store->begin_run(row("h" + n, "r" + n)).ok());
    end(*store, "h" + n, "r" + n);
  }
  CHECK_FALSE(store->find_handler("h1"));
  CHECK(store->find_handler("h2"));
  CHECK(store->find_handler("running"));
}

TEST_CASE("ended handlers are counted, not their runs: the one that ended just now is never dropped") {
  const auto store = memory(3);
  const auto run = [&](const std::string& handler, const std::string& id) {
    REQUIRE(store->begin_run(row(handler, id)).ok());
    end(*store, handler, id);
  };
  run("first", "f");
  for (int i = 0; i < 8; ++i) run("again", "a" + std::to_string(i));
  CHECK(store->find_handler("first"));
  CHECK(store->find_handler("again")->run_id == "a7");
  run("second", "s");
  run("first", "f2");  // the newest from now on
  run("third", "t");
  CHECK_FALSE(store->find_handler("again"));
  CHECK(store->find_handler("first"));
  CHECK(store->find_handler("second"));
  REQUIRE(store->purge("second").ok());
  run("fourth", "u");  // has the place of what was purged
  CHECK(store->find_handler("first"));
  CHECK(store->begin_run(row("first", "f3")).ok());
  for (int i = 0; i < 3; ++i) run("new" + std::to_string(i), "n" + std::to_string(i));
  CHECK(store->find_handler("first")->run_id == "f3");  // at work again
}

TEST_CASE("a durable store has everything when it is opened again") {
  const TemporaryFolder folder;
  const auto path = folder.file("weir.db");
  {
    const auto store = sqlite(path);
    CHECK(store->durable());
    auto begun = row("h", "r1");
    begun.workflow_version = "v1";
    begun.workflow_graph = "a(StartEvent) -> StopEvent\n";
    begun.started_at = Time(Duration(1234567));
    REQUIRE(store->begin_run(begun).ok());
    REQUIRE(store
                ->commit({.run_id = "r1",
                          .ticks = {{1, Time(Duration(5)), "one"}, {2, Time(Duration(6)), "two"}},
                          .events = {event(0)},
                          .handler = {},
                          .states = NamedStates{{"", Object{{"n", 1}}}}})
                .ok());
    CHECK(*store->claim_first_read("r1"));
  }
  const auto store = sqlite(path);
  const auto found = *store->find_handler("h");
  CHECK(found.workflow_version == "v1");
  CHECK(found.workflow_graph == "a(StartEvent) -> StopEvent\n");
  CHECK(found.started_at == Time(Duration(1234567)));
  CHECK(found.status == HandlerStatus::running);
  const auto journal = store->read_journal("r1");
  REQUIRE(journal.ticks.size() == 2);
  CHECK(journal.ticks[1].text == "two");
  CHECK(journal.ticks[1].at == Time(Duration(6)));
  CHECK(store->find_states("h").at("") == Object{{"n", 1}});
  CHECK(store->last_event("r1")->payload->json() == "e0");
  CHECK(store->last_event("r1")->payload->frame() == "id: 0\ndata: e0\n\n");
  CHECK_FALSE(*store->claim_first_read("r1"));
}

TEST_CASE("a commit is applied as a whole or not at all") {
  const TemporaryFolder folder;
  const auto store = sqlite(folder.file("weir.db"));
  REQUIRE(store->begin_run(row("h", "r")).ok());
  REQUIRE(store->commit({.run_id = "r", .ticks = {{1, Time(), "one"}}, .events = {event(0)}, .handler = {}, .states = {}}).ok());
  // The second event's sequence is taken: nothing of this commit may remain.
  const auto refused = store->commit({.run_id = "r",
                                      .ticks = {{2, Time(), "two"}},
                                      .events = {event(1), event(0)},
                                      .handler = row("h", "r", HandlerStatus::completed),
                                      .states = {}});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Code::internal);
  CHECK(refused.error().message == "the write contradicts what the database holds");
  CHECK(store->read_journal("r").ticks.size() == 1);
  CHECK(store->last_event("r")->sequence == 0);
  CHECK(store->find_handler("h")->status == HandlerStatus::running);
  REQUIRE(store->commit({.run_id = "r", .ticks = {{2, Time(), "two"}}, .events = {event(1)}, .handler = {}, .states = {}}).ok());
}

TEST_CASE("a file that another program has locked: a commit waits, then says so, and can be made again") {
  const TemporaryFolder folder;
  const auto path = folder.file("weir.db");
  const auto store = sqlite(path, {.lock_timeout = std::chrono::milliseconds(20)});
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  const auto refused = store->begin_run(row("h", "r"));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Code::unavailable);
  CHECK(refused.error().message == "the database is locked by another program");
  REQUIRE(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(other);
  CHECK(store->begin_run(row("h", "r")).ok());
}

TEST_CASE("a run whose parent is gone is not begun, and nothing of it is written; one whose parent is there goes with it") {
  const auto kind = any_kind();
  const auto store = kind.open();
  REQUIRE(store->begin_run(row("parent", "p")).ok());
  REQUIRE(store->commit(first(child_row("child", "c", "parent"))).ok());
  REQUIRE(store->commit(first(child_row("grandchild", "g", "child"))).ok());
  CHECK(*store->purge("parent"));
  CHECK(store->list_handlers({}).empty());
  for (const bool in_a_commit : {false, true}) {
    const auto begun = child_row("late", "l", "parent");
    const auto refused = in_a_commit               ? store->commit(first(begun))
                         : store->begin_run(begun) ? Expected<bool>(true)
                                                   : store->begin_run(begun).error();
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Code::not_found);
    CHECK(refused.error().message == "Handler 'late' is not begun: its parent 'parent' is gone");
    CHECK_FALSE(store->find_handler("late"));
    CHECK(store->read_events("l", -1, 10).empty());
  }
  REQUIRE(store->begin_run(row("parent", "again")).ok());
  CHECK(store->commit(first(child_row("late", "l", "parent"))).ok());
}

TEST_CASE("of many commits at once those that are refused fail alone, and later ones of the same run with them") {
  const auto kind = any_kind();
  const auto store = kind.open();
  REQUIRE(store->begin_run(row("taken", "t")).ok());
  const auto results = store->commit_all({first(row("a", "a1")), first(row("taken", "t2")), first(child_row("orphan", "o", "nobody")),
                                          later("o", 2), first(row("b", "b1")), first(child_row("child of a", "c", "a"))});
  REQUIRE(results.size() == 6);
  for (const std::size_t well : {0u, 4u, 5u}) CHECK(results[well].ok());
  CHECK(results[1].error().code == Code::conflict);
  CHECK(results[2].error().code == Code::not_found);
  CHECK(results[3].error().code == Code::not_found);
  CHECK(store->list_handlers({}).size() == 4);
  CHECK(store->last_event("a1")->sequence == 0);
  CHECK_FALSE(store->last_event("o"));
}

TEST_CASE("children that an earlier Weir has left without a parent are found, and swept a few at a time whatever the retention") {
  const TemporaryFolder folder;
  const auto path = folder.file("weir.db");
  {
    const auto store = sqlite(path);
    REQUIRE(store->commit(first(row("parent", "p"))).ok());
    REQUIRE(store->commit(first(child_row("kept", "k", "parent"))).ok());
    for (const std::string n : {"1", "2", "3"}) REQUIRE(store->commit(first(child_row("child " + n, "c" + n, "parent"))).ok());
    REQUIRE(store->commit(first(child_row("grandchild", "g", "child 1"))).ok());
  }
  run_sql(path, "UPDATE handlers SET parent_handler_id = 'gone' WHERE handler_id LIKE 'child %'");
  const auto store = sqlite(path);
  CHECK(store->list_handlers({}).size() == 6);
  CHECK(*store->expire({}, Time(), 2) == 2);
  CHECK(*store->expire({}, Time(), 2) + *store->expire({}, Time(), 2) == 1);  // it has begun anew in between
  CHECK(*store->expire({}, Time(), 2) == 0);
  std::string left;
  for (const auto& found : store->list_handlers({})) left += found.handler_id + " ";
  CHECK(left == "parent kept ");
}

TEST_CASE("texts are kept byte for byte, also those that are no UTF-8 or hold NUL characters") {
  const auto kind = any_kind();
  const auto store = kind.open();
  using namespace std::string_literals;
  const auto odd = "a\0b\xff\xc3\x28 \xed\xa0\x80"s;
  const auto begun = row(odd, odd + "run", HandlerStatus::running, odd + "workflow");
  REQUIRE(store->begin_run(begun).ok());
  auto ended = begun;
  ended.status = HandlerStatus::failed;
  ended.error = odd + "error";
  ended.result = odd + "result";
  EventRow happened{
      0, Time(), false, false, std::make_shared<Text>(odd + "event"), 0, 0, std::make_shared<const std::string>(odd + "trace")};
  REQUIRE(store
              ->commit({.run_id = begun.run_id,
                        .ticks = {{1, Time(), odd + "tick"}},
                        .keys = {{odd + "key", odd + "print"}},
                        .events = {happened},
                        .handler = ended,
                        .states = {}})
              .ok());
  CHECK(store->find_handler(odd)->error == odd + "error");
  CHECK(store->find_run(odd + "run")->result == odd + "result");
  CHECK(store->last_event(odd + "run")->payload->json() == odd + "event");
  CHECK(*store->last_event(odd + "run")->trace == odd + "trace");
  CHECK(store->find_key(odd + "key")->fingerprint == odd + "print");
  if (kind.durable) CHECK(store->read_journal(odd + "run").ticks.at(0).text == odd + "tick");
  CHECK_FALSE(store->find_handler("a"));
  CHECK(store->find_handlers({.text = "B\xff"s}).total == 1);
  const auto of_workflow = [](std::string name) { return HandlerFilter{.workflow_names = std::vector{std::move(name)}, .statuses = {}}; };
  CHECK(store->find_handlers({.filter = of_workflow(odd + "workflow")}).total == 1);
  CHECK(store->find_handlers({.filter = of_workflow("a")}).total == 0);
  CHECK(*store->purge(odd));
}

TEST_CASE("files that a store makes are their owner's alone, whatever the umask; those that are there keep their mode") {
  const TemporaryFolder folder;
  const auto mode = [&](const std::string& name) { return static_cast<int>(std::filesystem::status(folder.file(name)).permissions()); };
  for (const ::mode_t mask : {0000, 0277}) {
    const auto name = "weir" + std::to_string(mask) + ".db";
    const auto before = ::umask(mask);
    const auto store = sqlite(folder.file(name));
    REQUIRE(store->begin_run(row("h", "r")).ok());
    ::umask(before);
    for (const char* file : {"", "-wal", "-shm", ".lock"}) CHECK(mode(name + file) == 0600);
  }
  std::ofstream(folder.file("shared.db")).flush();
  ::chmod(folder.file("shared.db").c_str(), 0640);
  const auto store = sqlite(folder.file("shared.db"));
  REQUIRE(store->begin_run(row("h", "r")).ok());
  for (const char* file : {"", "-wal", "-shm"}) CHECK(mode(std::string("shared.db") + file) == 0640);
}

TEST_CASE("a file that cannot be used is refused with what to do") {
  const TemporaryFolder folder;
  const auto path = folder.file("weir.db");
  {
    const auto store = sqlite(path);
    CHECK(refusal_of([&] { sqlite(path); }) == "the database '" + path + "' is used by another process: stop that one, or give another path");
  }
  CHECK(refusal_of([&] { sqlite(folder.file("missing/weir.db")); }).find("Does its directory exist") != std::string::npos);
  CHECK(refusal_of([&] { sqlite("/proc/weir.db"); }).find("may this user write there?") != std::string::npos);  // nobody may, not even root
  std::ofstream(folder.file("text.db")) << std::string(5000, 'x');
  CHECK(refusal_of([&] { sqlite(folder.file("text.db")); }).find("text.db' is no SQLite database") != std::string::npos);
  for (const auto& [statement, problem] : {std::pair{"PRAGMA user_version = 99", "was written by a newer Weir (format 99"},
                                           std::pair{"PRAGMA application_id = 7", "was not made by Weir"}}) {
    run_sql(path, statement);
    CHECK(refusal_of([&] { sqlite(path); }).find(problem) != std::string::npos);
  }
}
