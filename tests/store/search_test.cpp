// Long searches: they can be given up, and go on from where they were.
#include "rows.hpp"
#include "tests/until.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <thread>

using namespace weir;
using namespace store_rows;

namespace {

constexpr int handlers = 700;

/// Every hundredth has failed, every seventh waits.
std::shared_ptr<Store> filled(const Kind& kind) {
  const auto store = kind.open();
  std::vector<Commit> begins, ends;
  for (int i = 0; i < handlers; ++i) {
    const auto n = std::to_string(i);
    auto begun = row("h" + n, "r" + n, HandlerStatus::running, i % 2 ? "odd" : "even");
    begins.push_back(first(begun));
    if (i % 100 == 0) begun.error = "needle";
    if (i % 100 == 0) begun.status = HandlerStatus::failed;
    else if (i % 7 == 0) begun.idle_since = Time();
    ends.push_back({.run_id = begun.run_id, .events = {}, .handler = begun, .states = {}});
  }
  for (const auto& result : store->commit_all(std::move(begins))) REQUIRE(result.ok());
  for (const auto& result : store->commit_all(std::move(ends))) REQUIRE(result.ok());
  return store;
}

const Cancellation none{.deadline = std::chrono::steady_clock::time_point()};

}  // namespace

TEST_CASE("a search whose time is over says so, and gets through everything, each row once, when it is continued") {
  const auto kind = any_kind();
  const auto store = filled(kind);
  for (const bool newest_first : {true, false}) {
    CAPTURE(newest_first);
    HandlerQuery query{.text = "needle", .newest_first = newest_first, .limit = 4, .cancellation = none};
    std::vector<std::string> found;
    int pages = 0, broken_off = 0;
    do {
      const auto page = store->find_handlers(query);
      for (const auto& hit : page.rows) found.push_back(hit.handler_id);
      if (!page.complete) CHECK_FALSE(page.next.empty());
      if (!page.complete) CHECK_FALSE(page.total_is_exact);
      CHECK(page.rows.size() <= 4);
      CHECK(page.total <= 7);
      broken_off += page.complete ? 0 : 1;
      query.cursor = page.next;
      REQUIRE(++pages < 100);
    } while (!query.cursor.empty());
    std::vector<std::string> expected{"h0", "h100", "h200", "h300", "h400", "h500", "h600"};
    if (newest_first) std::reverse(expected.begin(), expected.end());
    CHECK(found == expected);
    CHECK(broken_off > 0);
  }
}

TEST_CASE("searches find what looking at every row finds, by whatever they are asked for") {
  const auto kind = any_kind();
  const auto store = filled(kind);
  const auto all = store->list_handlers({});
  REQUIRE(all.size() == handlers);
  using Statuses = std::vector<HandlerStatus>;
  for (const auto& statuses :
       {std::optional<Statuses>(), std::optional(Statuses{HandlerStatus::running}), std::optional(Statuses{HandlerStatus::failed}),
        std::optional(Statuses{HandlerStatus::running, HandlerStatus::failed}), std::optional(Statuses{})})
    for (const auto idle : {std::optional<bool>(), std::optional(true), std::optional(false)})
      for (const std::string text : {"", "needle", "h1"}) {
        const HandlerFilter filter{.workflow_names = std::vector<std::string>{"even", "neither"}, .statuses = statuses, .idle = idle};
        std::vector<std::string> expected, listed, paged;
        for (const auto& one : all) {
          const bool wanted = one.workflow_name == "even" && (!statuses || std::count(statuses->begin(), statuses->end(), one.status)) &&
                              (!idle || *idle == one.idle_since.has_value());
          if (wanted) listed.push_back(one.handler_id);
          if (wanted && (one.handler_id + one.error).find(text) != std::string::npos) expected.push_back(one.handler_id);
        }
        std::vector<std::string> from_list;
        for (const auto& one : store->list_handlers(filter)) from_list.push_back(one.handler_id);
        CHECK(from_list == listed);
        HandlerQuery query{.filter = filter, .text = text, .newest_first = false, .limit = 50};
        do {
          const auto page = store->find_handlers(query);
          CHECK(page.complete);
          CHECK(page.total == expected.size());
          CHECK(page.total_is_exact);
          for (const auto& one : page.rows) paged.push_back(one.handler_id);
          query.cursor = page.next;
        } while (!query.cursor.empty());
        CHECK(paged == expected);
      }
}

TEST_CASE("reads that have no part of an answer to give say that they were given up, or had no time") {
  const auto kind = any_kind();
  const auto store = filled(kind);
  const auto code_of = [](const std::function<void()>& read) -> std::optional<Code> {
    try {
      read();
      return std::nullopt;
    } catch (const StoreFailure& failure) { return failure.code; }
  };
  CHECK(code_of([&] { (void)store->list_handlers({}, none); }) == Code::deadline_exceeded);
  CHECK(code_of([&] { (void)store->count_handlers(none); }) == Code::deadline_exceeded);
  std::stop_source gone;
  gone.request_stop();
  CHECK(code_of([&] { (void)store->list_handlers({}, {.given_up = gone.get_token()}); }) == Code::cancelled);
  CHECK_FALSE(store->find_handlers({.text = "nothing like it", .cancellation = {.given_up = gone.get_token()}}).complete);
  std::size_t counted = 0;
  for (const auto& entry : store->count_handlers()) counted += entry.count;
  CHECK(counted == handlers);
  CHECK_FALSE(store->damaged());
}

TEST_CASE("many long searches at once leave other reads and commits their turns") {
  const Kind kind{true, std::make_shared<TemporaryFolder>()};
  const auto store = filled(kind);
  std::stop_source end;
  std::atomic<int> rounds = 0;
  std::vector<std::jthread> searches;
  for (int i = 0; i < 8; ++i)
    searches.emplace_back([&] {
      while (!end.stop_requested()) {
        (void)store->find_handlers({.text = "nothing like it", .cancellation = {.given_up = end.get_token()}});
        ++rounds;
      }
    });
  for (int i = 0; i < 50; ++i) {
    CHECK(store->commit(later("r1", i + 2)).ok());
    CHECK(store->find_handlers({.limit = 5}).rows.size() == 5);
    CHECK(store->last_event("r1")->sequence == i + 1);
  }
  until("the searches have gone round", [&] { return rounds >= 8; });
  end.request_stop();
}
