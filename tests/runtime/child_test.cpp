// Workflows that run other workflows as steps.
#include <doctest/doctest.h>

#include "flows.hpp"
#include "tests/store/temporary.hpp"

#include <future>

using namespace flows;
using weir::Context;
using weir::Runtime;
using weir::StartEvent;
using weir::StopEvent;

namespace {

struct Order {
  using kind = StartEvent;
  int amount = 0;
};
struct Receipt {
  using kind = StopEvent;
  int paid;
};
struct Progress {
  int percent;
};

struct Billing : weir::Workflow {
  Billing() {
    step<&Billing::pay>();
    step<&Billing::confirm>();
  }
  std::variant<Review, Receipt> pay(Context& ctx, const Order& order) {
    ctx.write_event_to_stream(Progress{50});
    if (order.amount < 0) throw std::out_of_range("negative amount");
    if (order.amount >= 100) return Review{"really?"};
    return Receipt{order.amount};
  }
  Receipt confirm(const Verdict& verdict) { return {verdict.approved ? 100 : 0}; }
};

/// Starts one child for each amount and adds up what they were paid.
struct Orders : weir::Workflow {
  explicit Orders(bool forward = false) {
    step<&Orders::split>();
    step<&Orders::total>();
    auto built = child<Billing>("billing").num_workers(2);
    if (forward) built.forward_stream();
  }
  std::vector<Order> split(const StartEvent& start) {
    std::vector<Order> out;
    for (const auto& amount : start.get<std::vector<int>>("amounts", {})) out.push_back({amount});
    return out;
  }
  StopEvent total(const std::vector<Receipt>& receipts) {
    int sum = 0;
    for (const auto& receipt : receipts) sum += receipt.paid;
    return {sum};
  }
};

/// Its first run does not end by itself.
struct Stuck : weir::Workflow {
  std::atomic<int> runs = 0;
  Stuck() { step<&Stuck::pay>(); }
  weir::Task<Receipt> pay(Context& ctx, const Order& order) {
    if (++runs == 1) co_await ctx.sleep(1h);
    co_return Receipt{order.amount};
  }
};

/// Tries again only what took too long.
struct Impatient : weir::Workflow {
  explicit Impatient(std::shared_ptr<Stuck> stuck) {
    step<&Impatient::begin>();
    step<&Impatient::end>();
    const auto too_late = [](const weir::ExceptionInfo& error) { return error.exception_type == "builtins.TimeoutError"; };
    child<Stuck>("stuck", std::move(stuck)).timeout(200ms).retry({.max_attempts = 20, .initial = 0ms, .retry_if = too_late});
  }
  Order begin(const StartEvent&) { return {7}; }
  StopEvent end(const Receipt& receipt) { return {receipt.paid}; }
};

/// The run that is not the parent's, "p".
weir::Run only_child(const weir::Store& store, Runtime& runtime) {
  for (const auto& row : store.list_handlers({}))
    if (row.handler_id != "p") return *runtime.find_run(row.handler_id);
  throw std::logic_error("there is no child");
}

StartEvent amounts(std::initializer_list<weir::Value> list) { return StartEvent(weir::Object{{"amounts", weir::Value::Array(list)}}); }

}  // namespace

TEST_CASE("a child's start event starts it, its stop event comes back, also from a whole fan-out of children") {
  const auto store = weir::memory();
  Runtime runtime({.store = store});
  runtime.add_workflow<Orders>("orders");
  const auto run = runtime.start("orders", amounts({1, 2, 3, 4, 5}), "parent");
  CHECK(run.result<int>() == 15);
  const auto handlers = store->list_handlers({});
  CHECK(handlers.size() == 6);
  for (const auto& row : handlers) {
    CHECK(row.status == weir::HandlerStatus::completed);
    if (row.handler_id != "parent") {
      CHECK(row.handler_id.starts_with("parent.billing."));
      CHECK(row.workflow_name == "orders.billing");
    }
  }
  CHECK(runtime.workflow_names() == std::vector<std::string>{"orders"});
  CHECK(runtime.representation("orders.billing").find("confirm") != std::string::npos);
}

TEST_CASE("a child's stream is shown on the parent's when asked for, but for its end") {
  Runtime runtime;
  runtime.add_workflow<Orders>("quiet");
  runtime.add_workflow<Orders>("shown", true);
  const auto types = [&](const char* name) {
    std::vector<std::string> out;
    const auto run = runtime.start(name, amounts({7}));
    for (const auto& event : run.events()) out.push_back(event.event.type().name);
    CHECK(run.result<int>() == 7);
    return out;
  };
  CHECK(types("quiet") == std::vector<std::string>{"StopEvent"});
  CHECK(types("shown") == std::vector<std::string>{"Progress", "StopEvent"});
}

TEST_CASE("a child may wait for a person") {
  const auto store = weir::memory();
  Runtime runtime({.store = store});
  runtime.add_workflow<Orders>("orders", true);
  const auto run = runtime.start("orders", amounts({100}), "p");
  auto events = run.events();
  REQUIRE(events.next()->as<Progress>());
  REQUIRE(events.next()->as<Review>()->text == "really?");
  CHECK(only_child(*store, runtime).send_event(Verdict{true}).ok());
  CHECK(run.result<int>() == 100);
  // Who follows the parent may answer there, too.
  const auto second = runtime.start("orders", amounts({100, 200}), "q");
  auto shown = second.events();
  for (int reviews = 0; reviews < 2;) reviews += shown.next()->as<Review>() ? 1 : 0;
  CHECK(second.send_event(Verdict{true}).ok());
  CHECK(second.result<int>() == 200);
  CHECK(*store->purge("q"));
  for (const auto& row : store->list_handlers({})) CHECK_FALSE(row.handler_id.starts_with("q"));
}

TEST_CASE("a child that fails is a step that fails") {
  struct Careful : weir::Workflow {
    Careful() {
      step<&Careful::begin>();
      step<&Careful::end>();
      catch_error<&Careful::fix>({"billing"});
      child<Billing>("billing");
    }
    Order begin(const StartEvent&) { return {-1}; }
    StopEvent end(const Receipt&) { return {"paid"}; }
    StopEvent fix(const weir::StepFailedEvent& failed) {
      return {failed.step_name + ": " + failed.exception.exception_type + ": " + failed.exception.exception_message};
    }
  };
  Runtime runtime;
  runtime.add_workflow<Careful>("careful");
  runtime.add_workflow<Orders>("orders");
  CHECK(runtime.start("careful", StartEvent()).result<std::string>() == "billing: std.out_of_range: negative amount");
  CHECK(runtime.start("orders", amounts({-5})).wait().error == "negative amount");
}

TEST_CASE("children end with their parent") {
  const auto store = weir::memory();
  Runtime runtime({.store = store});
  runtime.add_workflow<Orders>("orders", true);
  const auto run = runtime.start("orders", amounts({100}), "p");
  auto events = run.events();
  while (!events.next()->as<Review>()) {}
  const auto child = only_child(*store, runtime);
  CHECK(run.cancel());
  CHECK(child.wait().status == weir::HandlerStatus::cancelled);
}

TEST_CASE("a child that took too long is cancelled, and the next attempt has a run of its own") {
  for (const bool durable : {false, true}) {
    CAPTURE(durable);
    const TemporaryFolder folder;
    Runtime runtime({.store = durable ? weir::sqlite(folder.file("weir.db")) : weir::memory()});
    const auto stuck = std::make_shared<Stuck>();
    runtime.add_workflow<Impatient>("impatient", stuck);
    CHECK(runtime.start("impatient", StartEvent(), "p").result<int>() == 7);
    CHECK(stuck->runs >= 2);
  }
}

TEST_CASE("a child without a start or a stop, and one that shares its parent's events, is refused") {
  struct Empty : weir::Workflow {};
  struct Parent : weir::Workflow {
    Parent() { child<Empty>("c"); }
  };
  CHECK_THROWS_AS(Parent(), weir::WorkflowError);
  struct Same : weir::Workflow {
    Same() {
      step<&Same::begin>();
      child<Billing>("billing");
    }
    Receipt begin(const StartEvent&) { return {}; }
  };
  Runtime runtime;
  CHECK_THROWS_WITH_AS(
      runtime.add_workflow<Same>("same"),
      "Child workflow 'billing' uses Receipt, as workflow 'Same' itself does: give the child start and stop event types of its own.",
      weir::WorkflowError);
}
