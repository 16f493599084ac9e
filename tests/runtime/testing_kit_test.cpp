// weir/testing.hpp: authors' tests on virtual time.
#include <doctest/doctest.h>

#include "flows.hpp"

#include <weir/testing.hpp>

using namespace flows;
using weir::Context;
using weir::StartEvent;
using weir::StopEvent;
using weir::Task;
using weir::testing::WorkflowTest;

namespace {
struct Hasty : JokeFlow {
  Hasty() { timeout(45s); }
};
}  // namespace

TEST_CASE("a scripted person answers every question; days take no time") {
  WorkflowTest test(std::make_shared<Hasty>());
  int asked = 0;
  test.answer<Review>([&](const Review&) { return Verdict{++asked == 3, "better"}; }, 10h);
  const auto begin = std::chrono::steady_clock::now();
  const auto run = test.run(Topic{"cats"});
  CHECK(run.error == "Workflow timed out after 45.0s");  // the workflow allows less than the person takes
  CHECK(run.elapsed == 45s);
  asked = 0;
  WorkflowTest quick(std::make_shared<JokeFlow>());
  quick.answer<Review>([&](const Review&) { return Verdict{++asked == 3, "better"}; }, 10s);
  const auto done = quick.run(Topic{"cats"});
  CHECK(done.result<Joke>().text == "better #3 in 3");
  CHECK(done.elapsed == 30s);
  CHECK(done.count<Review>() == 3);
  CHECK(done.times_run("write") == 3);
  CHECK(done.type_counts() == std::map<std::string, int>{{"Joke", 1}, {"Review", 3}});
  CHECK(done.state<int>("rounds") == 3);
  CHECK(std::chrono::steady_clock::now() - begin < 20s);
}

TEST_CASE("runs and waits have no timeout unless one is set: a person may take a year") {
  WorkflowTest test(std::make_shared<Coroutine>([](Context& ctx) -> Task<StopEvent> {
    const weir::WaitOptions asking{.publish = Review{"?"}};
    const auto verdict = co_await ctx.wait_for_event<Verdict>(asking);
    const auto again = co_await ctx.wait_for_event<Verdict>();
    co_return StopEvent{verdict.note + again.note};
  }));
  test.send_at(8760h, Verdict{true, "at "}).send_at(17520h, Verdict{true, "last"});
  const auto run = test.run(StartEvent());
  CHECK(run.result<std::string>() == "at last");
  CHECK(run.elapsed == 17520h);
}

TEST_CASE("retries, sleeps, timeouts of steps and waits happen on virtual time, the same every time") {
  const auto body = [](Context& ctx) -> Task<StopEvent> {
    if (ctx.retry_info().retry_number < 2) throw std::runtime_error("cold");
    co_await ctx.sleep(2h);
    const weir::WaitOptions briefly{.timeout = 30min};
    bool answered = true;
    try {
      co_await ctx.wait_for_event<Verdict>(briefly);
    } catch (const weir::WaitTimeout&) { answered = false; }
    const auto number = co_await ctx.blocking([] { return 7; });
    co_return StopEvent{weir::Value(weir::Value::Array{answered, number})};
  };
  WorkflowTest test(std::make_shared<Coroutine>(body, weir::Retry{.max_attempts = 3, .initial = 1h, .max = 1h, .jitter = 5min}, 24h));
  const auto one = test.run(StartEvent()), two = test.run(StartEvent());
  CHECK(to_json(one.result<weir::Value>()) == "[false,7]");
  CHECK(one.elapsed >= 4h + 30min);
  CHECK(one.elapsed <= 4h + 40min);
  CHECK(one.elapsed == two.elapsed);
}

TEST_CASE("what is missing is said: an answer nobody scripted, a loop without end, a failure") {
  WorkflowTest silent(std::make_shared<JokeFlow>());
  struct Endless : weir::Workflow {
    Endless() {
      step<&Endless::ask>();
      step<&Endless::finish>();
      no_timeout();
    }
    Review ask(const Topic&) { return {"?"}; }
    Joke finish(const Verdict&) { return {"."}; }
  };
  WorkflowTest waiting(std::make_shared<Endless>());
  const auto run = waiting.run(Topic{});
  CHECK(run.status == weir::HandlerStatus::running);
  CHECK_THROWS_WITH_AS(run.result<Joke>(), "the run has not ended: it waits for Verdict; script it with answer() or send_at()",
                       weir::RunFailed);
  struct Loop : weir::Workflow {
    Loop() { step<&Loop::go>(); }
    std::variant<Note, StopEvent> go(const std::variant<StartEvent, Note>&) { return Note{1}; }
  };
  WorkflowTest loop(std::make_shared<Loop>());
  CHECK_THROWS_WITH_AS(loop.run(StartEvent(), 1000), "the run goes on after 1000 ticks: does it loop for ever?", std::runtime_error);
  WorkflowTest failing(std::make_shared<Plain>([](Context&) -> StopEvent { throw std::runtime_error("no"); }));
  CHECK_THROWS_WITH_AS(failing.run(StartEvent()).result<int>(), "no", weir::RunFailed);
  CHECK_THROWS_WITH_AS(silent.run(StartEvent()), "the workflow starts with Topic, not with StartEvent", std::invalid_argument);
}

TEST_CASE("events can be sent and runs cancelled at a time, with a state to begin with") {
  WorkflowTest test(std::make_shared<Coroutine>([](Context& ctx) -> Task<StopEvent> {
    const weir::WaitOptions patiently{.publish = Review{"?"}};
    const auto verdict = co_await ctx.wait_for_event<Verdict>(patiently);
    co_return StopEvent{verdict.note + std::to_string(ctx.store().get("n", 0))};
  }));
  test.with_state(weir::Object{{"n", 4}}).send_at(5s, Verdict{true, "late"});
  CHECK(test.run(StartEvent()).result<std::string>() == "late4");
  test.cancel_at(1s);
  const auto run = test.run(StartEvent());
  CHECK(run.status == weir::HandlerStatus::cancelled);
  CHECK(run.elapsed == 1s);
}

TEST_CASE("blocking steps, resources and children run in the kit as they are") {
  struct Inner : weir::Workflow {
    Inner() {
      step<&Inner::ask>();
      step<&Inner::finish>();
    }
    Review ask(const Topic& topic) { return {topic.subject}; }
    Joke finish(const Verdict& verdict) { return {verdict.note}; }
  };
  struct Outer : weir::Workflow {
    Outer() {
      step<&Outer::begin>().blocking();
      step<&Outer::end>();
      child<Inner>("inner").forward_stream();
      resource<std::vector<int>>([] { return std::vector<int>{1, 2}; }).named("numbers");
    }
    Topic begin(const StartEvent&) { return {"inner topic"}; }
    StopEvent end(const Joke& joke, weir::Resource<std::vector<int>> numbers) { return {joke.text + std::to_string(numbers->size())}; }
  };
  WorkflowTest test(std::make_shared<Outer>());
  test.answer<Review>([](const Review& review) { return Verdict{true, review.text == "inner topic" ? "yes" : "no"}; }, 1s);
  const auto run = test.run(StartEvent());
  CHECK(run.result<std::string>() == "yes2");
  CHECK(run.count<Review>() == 1);
}
