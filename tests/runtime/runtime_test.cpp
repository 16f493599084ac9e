// Runs through the public face: weir::Runtime and weir::Run.
#include <doctest/doctest.h>

#include "flows.hpp"
#include "tests/until.hpp"

using namespace flows;
using weir::Runtime;
using weir::StartEvent;
using weir::StopEvent;

static std::vector<std::string> types_of(const weir::Run& run, weir::EventOptions options = {}) {
  std::vector<std::string> out;
  for (const auto& event : run.events(options)) out.push_back(event.event.type().name);
  return out;
}

TEST_CASE("a run streams its events in order and returns its typed result") {
  Runtime runtime;
  runtime.add_workflow<Greeting>("greet");
  const auto run = runtime.start("greet", Topic{"Ada", 2});
  CHECK(run.result<Joke>().text == "Hello, Ada");
  CHECK(types_of(run) == std::vector<std::string>{"Note", "Note", "Joke"});
  CHECK(types_of(run, {.after = -1, .include_internal = true}) ==
        std::vector<std::string>{"StepStateChanged", "Note", "Note", "StepStateChanged", "Joke"});
  CHECK(types_of(run, {.after = 2}) == std::vector<std::string>{"Joke"});
  CHECK(run.handler().status == weir::HandlerStatus::completed);
  CHECK(run.handler_id().size() == 10);
}

TEST_CASE("a coroutine step waits for a person, goes on where it waited, and loops") {
  Runtime runtime;
  const auto flow = std::make_shared<JokeFlow>();
  runtime.add_workflow("joke", flow, {});
  const auto run = runtime.start("joke", Topic{"cats"});
  auto events = run.events();
  const auto first = events.next();
  REQUIRE(first->as<Review>());
  CHECK(first->as<Review>()->text == "cats #1");
  CHECK(run.send_event(Verdict{false, "dogs"}).ok());
  const auto second = events.next();
  CHECK(second->as<Review>()->text == "dogs #2");
  CHECK(run.send_event(Verdict{true}).ok());
  CHECK(run.result<Joke>().text == "dogs #2 in 2");
  CHECK(flow->model_calls == 2);
  const auto late = run.send_event(Verdict{true});
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().code == weir::Code::conflict);
}

TEST_CASE("a handler that has ended runs again with its state") {
  Runtime runtime;
  runtime.add_workflow<Plain>("count", [](weir::Context& ctx) {
    ctx.store().set("n", ctx.store().get("n", 0) + 1);
    return StopEvent{ctx.store().get("n")};
  });
  CHECK(runtime.start("count", StartEvent(), "mine").result<int>() == 1);
  CHECK(runtime.start("count", StartEvent(), "mine").result<int>() == 2);
  CHECK(runtime.start("count", StartEvent(), "other").result<int>() == 1);
}

TEST_CASE("whatever a step throws fails its run and nothing else") {
  Runtime runtime;
  struct Odd {};
  runtime.add_workflow<Plain>("standard", [](weir::Context&) -> StopEvent { throw std::out_of_range("too far"); });
  runtime.add_workflow<Plain>("odd", [](weir::Context&) -> StopEvent { throw Odd(); });
  runtime.add_workflow<Plain>("text", [](weir::Context&) -> StopEvent { throw "just text"; });
  runtime.add_workflow<Coroutine>("late", [](weir::Context& ctx) -> weir::Task<StopEvent> {
    co_await ctx.sleep(1ms);
    throw std::runtime_error("after a nap");
  });
  const auto failure = [&](const char* name) {
    const auto run = runtime.start(name, StartEvent());
    CHECK_THROWS_AS(run.result<int>(), weir::RunFailed);
    weir::ExceptionInfo info;
    for (const auto& event : run.events())
      if (const auto* failed = event.as<weir::WorkflowFailedEvent>()) info = failed->exception;
    return info.exception_type + ": " + info.exception_message;
  };
  CHECK(failure("standard") == "std.out_of_range: too far");
  CHECK(failure("odd").find("Odd") != std::string::npos);
  CHECK(failure("text") == "char const*: just text");
  CHECK(failure("late") == "std.runtime_error: after a nap");
  runtime.add_workflow<Greeting>("greet");
  CHECK(runtime.start("greet", Topic()).result<Joke>().text == "Hello, tea");
}

TEST_CASE("retries wait, tell the step what happened, and give up with the last error") {
  Runtime runtime;
  const auto body = [](weir::Context& ctx) -> weir::Task<StopEvent> {
    const auto info = ctx.retry_info();
    ctx.write_event_to_stream(Note{info.retry_number});
    if (info.retry_number > 0) CHECK(info.last_exception->exception_message == "attempt " + std::to_string(info.retry_number - 1));
    if (info.retry_number < 2) throw std::runtime_error("attempt " + std::to_string(info.retry_number));
    co_return StopEvent{info.retry_number};
  };
  runtime.add_workflow<Coroutine>("enough", body, weir::Retry{.max_attempts = 3, .initial = 1ms});
  runtime.add_workflow<Coroutine>("too few", body, weir::Retry{.max_attempts = 2, .initial = 1ms});
  runtime.add_workflow<Coroutine>(
      "not that one", body, weir::Retry{.max_attempts = 3, .initial = 1ms, .retry_if = [](const weir::ExceptionInfo&) { return false; }});
  CHECK(runtime.start("enough", StartEvent()).result<int>() == 2);
  CHECK(runtime.start("too few", StartEvent()).wait().error == "attempt 1");
  CHECK(runtime.start("not that one", StartEvent()).wait().error == "attempt 0");
}

TEST_CASE("a wait that times out throws inside the step, which may catch it") {
  Runtime runtime;
  runtime.add_workflow<Coroutine>("caught", [](weir::Context& ctx) -> weir::Task<StopEvent> {
    const weir::WaitOptions briefly{.timeout = 1ms};
    bool timed_out = false;
    try {
      co_await ctx.wait_for_event<Verdict>(briefly);
    } catch (const weir::WaitTimeout&) { timed_out = true; }
    co_return StopEvent{timed_out};
  });
  runtime.add_workflow<Coroutine>("thrown", [](weir::Context& ctx) -> weir::Task<StopEvent> {
    const weir::WaitOptions briefly{.timeout = 1ms};
    co_await ctx.wait_for_event<Verdict>(briefly);
    co_return StopEvent();
  });
  CHECK(runtime.start("caught", StartEvent()).result<bool>());
  CHECK(runtime.start("thrown", StartEvent()).wait().error == "Timed out waiting for Verdict");
}

TEST_CASE("two waits in one body are answered one after the other, by requirements") {
  Runtime runtime;
  runtime.add_workflow<Coroutine>("two", [](weir::Context& ctx) -> weir::Task<StopEvent> {
    const weir::WaitOptions for_a{.publish = Review{"a"}, .requirements = weir::Object{{"note", "a"}}};
    const weir::WaitOptions for_b{.publish = Review{"b"}, .requirements = weir::Object{{"note", "b"}}};
    const auto a = co_await ctx.wait_for_event<Verdict>(for_a);
    const auto b = co_await ctx.wait_for_event<Verdict>(for_b);
    co_return StopEvent{a.note + b.note};
  });
  const auto run = runtime.start("two", StartEvent());
  auto events = run.events();
  REQUIRE(events.next()->as<Review>()->text == "a");
  CHECK(run.send_event(Verdict{true, "b"}).ok());  // nobody waits for it yet
  CHECK(run.send_event(Verdict{true, "a"}).ok());
  REQUIRE(events.next()->as<Review>()->text == "b");
  CHECK(run.send_event(Verdict{true, "b"}).ok());
  CHECK(run.result<std::string>() == "ab");
}

TEST_CASE("cancelling ends the run at once and destroys what its bodies hold") {
  Runtime runtime;
  const auto token = std::make_shared<int>(1);
  runtime.add_workflow<Coroutine>("sleeper", [token](weir::Context& ctx) -> weir::Task<StopEvent> {
    const auto held = token;
    ctx.write_event_to_stream(Note{1});
    co_await ctx.sleep(1h);
    co_return StopEvent{*held};
  });
  const auto run = runtime.start("sleeper", StartEvent());
  auto events = run.events();
  REQUIRE(events.next());
  CHECK(run.cancel());
  CHECK_FALSE(run.cancel());
  CHECK(run.wait().status == weir::HandlerStatus::cancelled);
  CHECK(events.next()->as<weir::WorkflowCancelledEvent>());
  CHECK_FALSE(events.next());
  CHECK_THROWS_WITH(run.result<int>(), "the run was cancelled");
}

TEST_CASE("a run that takes too long times out") {
  Runtime runtime;
  runtime.add_workflow<Coroutine>(
      "slow",
      [](weir::Context& ctx) -> weir::Task<StopEvent> {
        co_await ctx.sleep(1h);
        co_return StopEvent();
      },
      std::nullopt, weir::Duration(20ms));
  CHECK(runtime.start("slow", StartEvent()).wait().error == "Workflow timed out after 0.02s");
}

TEST_CASE("blocking steps run beside each other, stream while they run, and see the stop token") {
  Runtime runtime;
  std::latch both(2);
  runtime.add_workflow<Blocking>("meet", [&](weir::Context&) {
    both.arrive_and_wait();  // needs a second thread
    return StopEvent{true};
  });
  const auto one = runtime.start("meet", StartEvent()), two = runtime.start("meet", StartEvent());
  CHECK(one.result<bool>());
  CHECK(two.result<bool>());

  runtime.add_workflow<Blocking>("patient", [](weir::Context& ctx) {
    for (int n = 0; n < 100; ++n) ctx.write_event_to_stream(Note{n});
    until("the body is asked to stop", [&] { return ctx.stop_token().stop_requested(); });
    return StopEvent();
  });
  const auto run = runtime.start("patient", StartEvent());
  auto events = run.events();
  REQUIRE(events.next()->as<Note>()->n == 0);  // while the body still runs
  CHECK(run.cancel());
}

TEST_CASE("ctx.blocking and ctx.run_once hand back results and exceptions; recorded results are not computed again") {
  Runtime runtime;
  std::atomic<int> effects = 0;
  const auto actor_thread_differs = [](std::thread::id id) { return std::this_thread::get_id() != id; };
  runtime.add_workflow<Coroutine>(
      "work",
      [&](weir::Context& ctx) -> weir::Task<StopEvent> {
        const auto here = std::this_thread::get_id();
        const bool elsewhere = co_await ctx.blocking([&] { return actor_thread_differs(here); });
        CHECK(elsewhere);
        const auto once = co_await ctx.run_once("effect", [&] { return ++effects; });
        if (ctx.retry_info().retry_number == 0) throw std::runtime_error("crash after the effect");
        bool thrown = false;
        try {
          co_await ctx.blocking([] { throw std::runtime_error("inside"); });
        } catch (const std::runtime_error& error) { thrown = std::string(error.what()) == "inside"; }
        co_return StopEvent{thrown ? once : -1};
      },
      weir::Retry{.initial = 1ms});
  CHECK(runtime.start("work", StartEvent()).result<int>() == 1);
  CHECK(effects == 1);
}

TEST_CASE("a step that holds an actor thread too long is named in the log, with the advice") {
  Log log;
  Runtime runtime({.slow_step = 5ms, .log = log.sink()});
  runtime.add_workflow<Plain>("hog", [](weir::Context&) {
    const auto until = std::chrono::steady_clock::now() + 10ms;
    while (std::chrono::steady_clock::now() < until) {}
    return StopEvent();
  });
  runtime.start("hog", StartEvent()).wait();
  const std::lock_guard lock(log.mutex);
  REQUIRE(log.lines.size() == 1);
  CHECK(log.lines[0].starts_with("step 'run' of workflow 'hog' held an actor thread for "));
  CHECK(log.lines[0].find("Declare it .blocking()") != std::string::npos);
}

struct Fan : weir::Workflow {
  Fan() {
    step<&Fan::split>();
    step<&Fan::work>().num_workers(8);
    step<&Fan::gather>();
  }
  std::optional<Note> split(weir::Context& ctx, const Topic& topic) {
    for (int i = 0; i < topic.count; ++i) ctx.send_event(Note{i});
    return {};
  }
  weir::Task<Draft> work(weir::Context& ctx, const Note& note) {
    if (note.n % 7 == 0) co_await ctx.sleep(1ms);
    co_return Draft{std::to_string(note.n)};
  }
  std::optional<Joke> gather(weir::Context& ctx, const Draft& draft) {
    const auto all = ctx.collect_events(draft, 60);
    if (!all) return {};
    std::set<std::string> distinct;
    for (const auto& one : *all) distinct.insert(one.text);
    return Joke{std::to_string(distinct.size())};
  }
};

TEST_CASE("collect_events gathers every event exactly once, however they interleave") {
  Runtime runtime({.actor_threads = 2});
  runtime.add_workflow<Fan>("fan");
  for (int i = 0; i < 20; ++i) CHECK(runtime.start("fan", Topic{"x", 60}).result<Joke>().text == "60");
}

TEST_CASE("send_event refuses steps that do not exist or do not take the event") {
  Runtime runtime;
  runtime.add_workflow<JokeFlow>("joke");
  const auto run = runtime.start("joke", Topic());
  run.events().next();
  CHECK(run.send_event(Verdict{true}, "nope").error().message == "Step nope does not exist");
  CHECK(run.send_event(Verdict{true}, "write").error().message == "Step write does not accept event of type <class 'flows.Verdict'>");
  run.cancel();
}

TEST_CASE("wrong starts are refused with what to do") {
  Runtime runtime;
  runtime.add_workflow<Greeting>("greet");
  CHECK_THROWS_WITH(runtime.start("nope", Topic()), "no workflow is registered under 'nope'");
  CHECK_THROWS_WITH(runtime.start("greet", StartEvent()), "workflow 'greet' starts with Topic, not with StartEvent");
  runtime.add_workflow<JokeFlow>("joke");
  const auto run = runtime.start("joke", Topic(), "busy");
  CHECK_THROWS_WITH(runtime.start("greet", Topic(), "busy"), "Handler 'busy' is already running");
  run.cancel();
}

TEST_CASE("options that make no sense are refused when the workflow is declared") {
  struct NoWorkers : weir::Workflow {
    NoWorkers() { step<&NoWorkers::run>().num_workers(0); }
    StopEvent run(const StartEvent&) { return {}; }
  };
  struct BlockingCoroutine : weir::Workflow {
    BlockingCoroutine() { step<&BlockingCoroutine::run>().blocking(); }
    weir::Task<StopEvent> run(const StartEvent&) { co_return StopEvent(); }
  };
  CHECK_THROWS_AS(NoWorkers(), weir::WorkflowError);
  CHECK_THROWS_AS(BlockingCoroutine(), weir::WorkflowError);
}

TEST_CASE("readers go at their own pace: one that stops reading holds up nobody") {
  Runtime runtime;
  runtime.add_workflow<Greeting>("greet");
  const auto run = runtime.start("greet", Topic{"x", 20000});
  auto idle = run.events();
  REQUIRE(idle.next());
  int seen = 0;
  for (const auto& event : run.events()) seen += event.as<Note>() != nullptr;
  CHECK(seen == 20000);
  int late = 1;
  while (idle.next()) ++late;
  CHECK(late == 20001);
}

TEST_CASE("two runtimes live in one process, and go away with runs in flight of every kind") {
  const auto fill = [](Runtime& runtime) {
    runtime.add_workflow<JokeFlow>("joke");
    runtime.add_workflow<Coroutine>("sleeper", [](weir::Context& ctx) -> weir::Task<StopEvent> {
      co_await ctx.sleep(1h);
      co_return StopEvent();
    });
    runtime.add_workflow<Blocking>("patient", [](weir::Context& ctx) {
      until("the body is asked to stop", [&] { return ctx.stop_token().stop_requested(); });
      return StopEvent();
    });
    runtime.add_workflow<Coroutine>(
        "retrying",
        [](weir::Context&) -> weir::Task<StopEvent> {
          throw std::runtime_error("x");
          co_return StopEvent();
        },
        weir::Retry{.initial = 1h});
    for (const char* name : {"sleeper", "patient", "retrying"}) runtime.start(name, StartEvent());
    auto run = runtime.start("joke", Topic());
    run.events().next();
    for (int i = 0; i < 50; ++i) runtime.start("sleeper", StartEvent());
  };
  for (int round = 0; round < 3; ++round) {
    Runtime one, two({.actor_threads = 2});
    fill(one);
    fill(two);
  }
}

TEST_CASE("runs started, answered, read and cancelled from many threads at once all end") {
  Runtime runtime({.actor_threads = 2});
  runtime.add_workflow<JokeFlow>("joke");
  runtime.add_workflow<Greeting>("greet");
  std::atomic<int> completed = 0, cancelled = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const auto run = runtime.start("joke", Topic{"t" + std::to_string(t)});
        auto events = run.events();
        if (!events.next()) continue;
        if (i % 5 == 0) {
          cancelled += run.cancel();
          continue;
        }
        (void)run.send_event(Verdict{true}).ok();
        run.result<Joke>();
        ++completed;
        runtime.start("greet", Topic()).wait();
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(completed == 80);
  CHECK(cancelled == 20);
}
