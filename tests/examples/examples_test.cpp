// The examples, tested as their authors would: with weir/testing.hpp.
#include <doctest/doctest.h>

#include "examples/approval.hpp"
#include "examples/auction.hpp"
#include "examples/etl.hpp"
#include "examples/greeting.hpp"
#include "examples/joke.hpp"
#include "examples/long_loop.hpp"
#include "examples/orders.hpp"
#include "examples/triage.hpp"
#include "tests/store/temporary.hpp"

#include <weir/testing.hpp>

#include <fstream>

using namespace examples;
using namespace std::chrono_literals;
using weir::testing::WorkflowTest;

TEST_CASE("greeting: progress first, then a greeting by name") {
  WorkflowTest test(std::make_shared<GreetingFlow>());
  const auto run = test.run(Name{"Ada"});
  CHECK(run.result<examples::Greeting>().text == "Hello, Ada!");
  CHECK(run.all<Progress>().at(0).percent == 50);
}

TEST_CASE("joke: a reader who is hard to please gets another draft each time, and nobody waits for him longer than an hour") {
  WorkflowTest test(std::make_shared<JokeFlow>());
  int asked = 0;
  test.answer<Question>([&](const Question&) { return Verdict{++asked == 3, "cat"}; }, 10min);
  const auto run = test.run(Topic{"chicken"});
  CHECK(run.result<Joke>().text == "Why did the cat cross the road? To get to the other side.");
  CHECK(run.result<Joke>().rounds == 3);
  CHECK(run.elapsed == 30min);
  WorkflowTest silent(std::make_shared<JokeFlow>());
  CHECK(silent.run(Topic{"chicken"}).error == "Workflow timed out after 3600.0s");
}

TEST_CASE("approval: small expenses pass, large ones wait for a person however long") {
  WorkflowTest small(std::make_shared<ApprovalFlow>());
  CHECK(small.run(Expense{"Ada", 99}).result<Outcome>().text == "approved without a review");
  WorkflowTest large(std::make_shared<ApprovalFlow>());
  large.answer<ApprovalNeeded>([](const ApprovalNeeded& asked) { return Decision{asked.amount < 1000, "Bob", "too much"}; }, 24h * 30);
  CHECK(large.run(Expense{"Ada", 500}).result<Outcome>().text == "Bob approved the expense of Ada");
  CHECK(large.run(Expense{"Ada", 5000}).result<Outcome>().text == "Bob rejected the expense of Ada: too much");
  WorkflowTest silent(std::make_shared<ApprovalFlow>());
  CHECK(silent.run(Expense{"Ada", 500}).waiting_for == std::vector<std::string>{"Decision"});
}

TEST_CASE("auction: bids that come at once are taken one by one; a minute of silence ends it") {
  WorkflowTest test(std::make_shared<Auction>());
  for (const auto& bid : {Bid{"Ada", 5}, Bid{"Bob", 7}, Bid{"Ada", 6}}) test.send_at(10s, bid);
  test.send_at(30s, Bid{"Eve", 8});
  const auto run = test.run(Lot{"vase"});
  CHECK(run.all<Price>().size() == 3);
  CHECK(run.result<Sold>().bidder == "Eve");
  CHECK(run.result<Sold>().amount == 8);
  CHECK(run.elapsed == 90s);
}

TEST_CASE("triage: every file of a folder is read once and sorted") {
  const TemporaryFolder folder;
  const auto write = [&](const std::string& name, const std::string& text) { std::ofstream(folder.file(name)) << text; };
  write("a.txt", "urgent: fire");
  write("b.txt", "what time is it?");
  write("c.txt", "hello");
  write("d.txt", "Invoice 17");
  write("e.txt", "urgent!");
  WorkflowTest test(std::make_shared<TriageFlow>());
  const auto run = test.run(Folder{folder.file("")});
  const std::map<std::string, std::vector<std::string>> sorted{
      {"urgent", {"a.txt", "e.txt"}}, {"question", {"b.txt"}}, {"other", {"c.txt"}}, {"invoice", {"d.txt"}}};
  CHECK(run.result<Report>().files == sorted);
  CHECK(run.times_run("classify") == 5);
  CHECK(run.count<Finding>() == 5);
  CHECK(test.run(Folder{folder.file("nowhere")}).error == "'" + folder.file("nowhere") + "' is no folder");
}

namespace {

/// Fails as often as it is told to.
struct ScriptedShop final : Shop {
  int lost_requests = 0;
  bool can_ship = true;
  std::vector<std::string> log;

  std::string did(const std::string& what) {
    if (lost_requests-- > 0) throw std::runtime_error("the connection was lost");
    log.push_back(what);
    return what;
  }
  std::string reserve(const std::string& item, int quantity) override { return did("reserve " + std::to_string(quantity) + " " + item); }
  std::string charge(double amount) override { return did("charge " + std::to_string(static_cast<int>(amount))); }
  std::string ship(const std::string&) override {
    if (!can_ship) throw std::invalid_argument("too large");
    return did("ship");
  }
  void release(const std::string& reservation) override { did("release " + reservation); }
  void refund(const std::string& payment) override { did("refund " + payment); }
};

}  // namespace

TEST_CASE("orders: lost requests are tried again, and nothing is done twice") {
  const auto shop = std::make_shared<ScriptedShop>();
  shop->lost_requests = 3;
  WorkflowTest test(std::make_shared<OrderFlow>(shop));
  CHECK(test.run(PlaceOrder{"tea", 2, 5.0}).result<OrderEnded>().text == "ship");
  CHECK(shop->log == std::vector<std::string>{"reserve 2 tea", "charge 10", "ship"});
}

TEST_CASE("orders: what cannot be shipped is refunded and released; what was never charged is not refunded") {
  const auto shop = std::make_shared<ScriptedShop>();
  shop->can_ship = false;
  WorkflowTest test(std::make_shared<OrderFlow>(shop));
  const auto cancelled = test.run(PlaceOrder{"piano", 1, 900.0}).result<OrderEnded>();
  CHECK(cancelled.text == "ship: too large");
  CHECK(shop->log == std::vector<std::string>{"reserve 1 piano", "charge 900", "refund charge 900", "release reserve 1 piano"});
  const auto down = std::make_shared<ScriptedShop>();
  down->lost_requests = 5;
  WorkflowTest never(std::make_shared<OrderFlow>(down));
  CHECK(never.run(PlaceOrder{"tea", 1, 5.0}).result<OrderEnded>().undone.empty());
}

TEST_CASE("long loop: every turn is shown, and the pauses are slept through") {
  WorkflowTest test(std::make_shared<LongLoop>());
  const auto run = test.run(Count{5, 1000});
  CHECK(run.result<Counted>().turns == 5);
  CHECK(run.count<Turn>() == 5);
  CHECK(run.elapsed == 5s);
}

TEST_CASE("etl: rows are cleaned in batches and written once, also when it runs again") {
  const TemporaryFolder folder;
  const auto source = folder.file("source.db"), target = folder.file("target.db");
  Database raw(source);
  raw.run("CREATE TABLE raw (name TEXT, amount TEXT)");
  for (int i = 0; i < 250; ++i) raw.run("INSERT INTO raw VALUES (?, ?)", {"n" + std::to_string(i), i % 50 == 0 ? "much" : "1.5"});
  WorkflowTest test(std::make_shared<EtlFlow>());
  for (int time = 0; time < 2; ++time) {
    const auto run = test.run(Transfer{source, target});
    CHECK(run.result<Transferred>().written == 245);
    CHECK(run.result<Transferred>().rejected == 5);
    CHECK(run.times_run("transform") == 3);
    std::int64_t cents = 0;
    Database(target).run("SELECT sum(cents) FROM clean", {}, [&](sqlite3_stmt* row) { cents = sqlite3_column_int64(row, 0); });
    CHECK(cents == 245 * 150);
  }
  CHECK(test.run(Transfer{folder.file("none.db"), target}).error == "no such table: raw");
}
