// The store contract, run against the memory store.
#include <doctest/doctest.h>

#include <weir/store.hpp>

using namespace weir;

namespace {

struct Text final : EventPayload {
  explicit Text(std::string given) : text(std::move(given)) {}
  std::string_view json() const override { return text; }
  std::string_view frame() const override { return text; }
  std::string json_without_qualified_name() const override { return text; }
  std::string text;
};

HandlerRow row(const std::string& id, const std::string& run, HandlerStatus status = HandlerStatus::running,
               const std::string& workflow = "w") {
  HandlerRow out;
  out.handler_id = id;
  out.run_id = run;
  out.workflow_name = workflow;
  out.status = status;
  return out;
}

EventRow event(std::int64_t sequence, bool terminal = false) {
  return {sequence, Time(), false, terminal, std::make_shared<Text>("e" + std::to_string(sequence))};
}

void end(Store& store, const std::string& id, const std::string& run, NamedStates states = {}) {
  CHECK(store.commit({.run_id = run, .events = {}, .handler = row(id, run, HandlerStatus::completed), .states = std::move(states)}).ok());
}

}  // namespace

TEST_CASE("a handler id is free, taken while it runs, and free again with the state it left") {
  const auto store = memory();
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
  const auto store = memory();
  REQUIRE(store->begin_run(row("h", "r1")).ok());
  end(*store, "h", "r1");
  REQUIRE(store->begin_run(row("h", "r2")).ok());
  end(*store, "h", "r1");
  CHECK(store->find_handler("h")->status == HandlerStatus::running);
}

TEST_CASE("events are read after a cursor, in order, in pages") {
  const auto store = memory();
  REQUIRE(store->commit({.run_id = "r", .events = {event(0), event(1), event(2, true)}, .handler = {}, .states = {}}).ok());
  CHECK(store->read_events("r", -1, 2).size() == 2);
  CHECK(store->read_events("r", 1, 10).at(0).payload->json() == "e2");
  CHECK(store->read_events("r", 2, 10).empty());
  CHECK(store->read_events("nope", -1, 10).empty());
  CHECK(store->last_event("r")->terminal);
  CHECK_FALSE(store->last_event("nope"));
  CHECK(store->claim_first_read("r"));
  CHECK_FALSE(store->claim_first_read("r"));
}

TEST_CASE("handlers are listed in creation order, filtered by name and status; an empty list matches nothing") {
  const auto store = memory();
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

TEST_CASE("purging removes the handler and the events of all its runs") {
  const auto store = memory();
  for (const char* run : {"r1", "r2"}) {
    REQUIRE(store->begin_run(row("h", run)).ok());
    REQUIRE(store->commit({.run_id = run, .events = {event(0)}, .handler = row("h", run, HandlerStatus::failed), .states = {}}).ok());
  }
  CHECK(store->purge("h"));
  CHECK_FALSE(store->purge("h"));
  CHECK(store->read_events("r1", -1, 10).empty());
  CHECK(store->read_events("r2", -1, 10).empty());
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
