// What workflow authors can say beyond single steps, through the public face.
#include <doctest/doctest.h>

#include "flows.hpp"
#include "tests/until.hpp"

#include <future>

using namespace flows;
using weir::Context;
using weir::Runtime;
using weir::StartEvent;
using weir::StopEvent;
using weir::Task;

namespace {

struct Sum {
  using kind = StopEvent;
  int total;
};

/// A join of a plain event and an answer, by reference and by value.
struct Pairing : weir::Workflow {
  Pairing() {
    step<&Pairing::ask>();
    step<&Pairing::note>();
    step<&Pairing::both>();
  }
  Review ask(const Topic&) { return {"?"}; }
  Note note(const Topic& topic) { return {topic.count}; }
  Task<Sum> both(Context&, const Note& note, Verdict verdict) { co_return Sum{verdict.approved ? note.n : -note.n}; }
};

/// Sends notes and a draft, one after another or all at once, and gathers two and one of them.
struct Gathering : weir::Workflow {
  Gathering() {
    step<&Gathering::begin>();
    step<&Gathering::gather>().num_workers(1);
    disable_validation();  // what is sent by hand is not seen in the graph
  }
  void begin(Context& ctx, const StartEvent&) {
    for (const int n : {1, 2, 3}) ctx.send_event(Note{n});
    ctx.send_event(Draft{"x"});
    ctx.send_event(Draft{"y"});
    ctx.send_event(Note{4});
    ctx.send_event(Note{5});
  }
  std::optional<StopEvent> gather(Context& ctx, const std::variant<Note, Draft>& event) {
    const auto some = std::visit([&](const auto& one) { return ctx.collect_events<Note, Draft, Note>(one); }, event);
    if (!some) return std::nullopt;
    const auto& [first, draft, second] = *some;
    auto& sets = ctx.store();
    sets.set("sets", sets.get<std::string>("sets", "") + std::to_string(first.n) + draft.text + std::to_string(second.n) + " ");
    return sets.get<std::string>("sets").size() > 4 ? std::optional(StopEvent{sets.get<std::string>("sets")}) : std::nullopt;
  }
};

/// Joins two notes and a draft, and gathers what it was given.
struct Tripling : weir::Workflow {
  Tripling() {
    step<&Tripling::first>();
    step<&Tripling::second>();
    step<&Tripling::draft>();
    step<&Tripling::all>();
  }
  Note first(const Topic&) { return {1}; }
  Note second(const Topic&) { return {2}; }
  Draft draft(const Topic& topic) { return {topic.subject}; }
  std::optional<Sum> all(Context& ctx, const Note& a, const Note& b, const Draft& draft) {
    CHECK_FALSE(ctx.collect_events<Note, Note, Draft>(draft));
    return Sum{a.n * 100 + b.n * 10 + static_cast<int>(draft.text.size())};
  }
};

struct Cake {
  int slices;
};
struct Cheesecake {
  using kind = Cake;
  std::string topping;
  int slices;
};

/// Collects descendants of what it declares.
struct Bakery : weir::Workflow {
  Bakery() {
    step<&Bakery::bake>();
    step<&Bakery::serve>().accept_event_subclasses();
  }
  std::vector<Cheesecake> bake(const StartEvent&) { return {{"a topping that is longer than a small text", 8}, {"plum", 12}}; }
  Sum serve(const std::vector<Cake>& cakes) {
    int slices = 0;
    for (const auto& cake : cakes) slices += cake.slices;
    return {slices};
  }
};

Note count_words(const Topic& topic) { return {static_cast<int>(topic.subject.size())}; }
Task<Sum> sum_up(Context& ctx, const Note& note) {
  CHECK(Context::current() == &ctx);
  co_await ctx.sleep(1ms);
  CHECK(Context::current() == &ctx);
  co_return Sum{note.n};
}
struct Empty : weir::Workflow {};

/// One run at a time; runs end when they are told to.
struct Narrow : weir::Workflow {
  Narrow() {
    step<&Narrow::ask>();
    step<&Narrow::finish>();
    num_concurrent_runs(1);
    timeout(1h);
  }
  Review ask(const Topic& topic) { return {topic.subject}; }
  Sum finish(const Verdict& verdict) { return {static_cast<int>(verdict.note.size())}; }
};

std::vector<std::string> types_of(const weir::Run& run) {
  std::vector<std::string> out;
  for (const auto& event : run.events()) out.push_back(event.event.type().name);
  return out;
}

}  // namespace

TEST_CASE("a step with two event parameters starts when both are there") {
  Runtime runtime;
  runtime.add_workflow<Pairing>("pair");
  const auto run = runtime.start("pair", Topic{"x", 7});
  REQUIRE(run.events().next()->as<Review>());
  CHECK(run.send_event(Verdict{true}).ok());
  CHECK(run.result<Sum>().total == 7);
}

TEST_CASE("collect_events counts types that are named more than once, and returns them where they are named") {
  Runtime runtime;
  runtime.add_workflow<Gathering>("gather");
  CHECK(runtime.start("gather", StartEvent()).result<std::string>() == "1x2 4y5 ");
}

TEST_CASE("a step that names a type twice is given two events of it") {
  Runtime runtime;
  runtime.add_workflow<Tripling>("triple");
  CHECK(runtime.start("triple", Topic{"x", 0}).result<Sum>().total == 121);
}

TEST_CASE("a collect step sees descendants of what it declares as what it declares") {
  Runtime runtime;
  runtime.add_workflow<Bakery>("bakery");
  CHECK(runtime.start("bakery", StartEvent()).result<Sum>().total == 20);
}

TEST_CASE("free functions are steps, behind the class's own, and helpers find the context of the thread") {
  Runtime runtime;
  const auto flow = std::make_shared<Empty>();
  flow->add_step<&sum_up>();
  flow->add_step<&count_words>().description("Counts.");
  runtime.add_workflow("count", flow, {});
  CHECK(runtime.start("count", Topic{"four", 0}).result<Sum>().total == 4);
  CHECK(Context::current() == nullptr);
  const auto graph = *weir::parse_json(runtime.representation("count"));
  CHECK(graph.find("graph")->find("nodes")->as_array().front().find("id")->as_string() == "sum_up");
  const auto twice = std::make_shared<Empty>();
  twice->add_step<&count_words>();
  twice->add_step<&count_words>();
  CHECK_THROWS_WITH_AS(runtime.add_workflow("twice", twice, {}),
                       "A step count_words is already part of this workflow, please choose another name.", weir::WorkflowError);
}

TEST_CASE("more runs than a workflow allows wait in order, can be looked at, answered ahead, and cancelled") {
  Runtime runtime;
  runtime.add_workflow<Narrow>("narrow");
  const auto first = runtime.start("narrow", Topic{"a"});
  REQUIRE(first.events().next()->as<Review>());
  const auto second = runtime.start("narrow", Topic{"b"});
  const auto third = runtime.start("narrow", Topic{"c"});
  const auto fourth = runtime.start("narrow", Topic{"d"});
  until("two wait before the fourth",
        [&] { return second.queue_position() == 1 && third.queue_position() == 2 && fourth.queue_position() == 3; });
  CHECK_FALSE(first.queue_position());
  CHECK(second.handler().status == weir::HandlerStatus::running);
  CHECK(fourth.send_event(Verdict{true, "early"}).ok());
  CHECK(third.cancel());
  CHECK(types_of(third) == std::vector<std::string>{"WorkflowCancelledEvent"});
  until("the fourth waits behind one", [&] { return fourth.queue_position() == 2; });
  CHECK(first.send_event(Verdict{true}).ok());
  CHECK(first.wait().status == weir::HandlerStatus::completed);
  REQUIRE(second.events().next()->as<Review>()->text == "b");
  CHECK(second.cancel());  // the place of a cancelled run is given on
  CHECK(fourth.result<Sum>().total == 5);
  CHECK(types_of(fourth) == std::vector<std::string>{"Review", "Sum"});
}

TEST_CASE("new runs get the version that was added last; earlier versions finish what they have") {
  struct Versioned : weir::Workflow {
    int number;
    explicit Versioned(int given) : number(given) {
      step<&Versioned::ask>();
      step<&Versioned::finish>();
      version("v" + std::to_string(given));
    }
    Review ask(const StartEvent&) { return {"?"}; }
    StopEvent finish(const Verdict&) { return {number}; }
  };
  Runtime runtime;
  runtime.add_workflow<Versioned>("w", 1);
  const auto old = runtime.start("w", StartEvent());
  REQUIRE(old.events().next());
  runtime.add_workflow<Versioned>("w", 2);
  const auto recent = runtime.start("w", StartEvent());
  REQUIRE(recent.events().next());
  CHECK(old.handler().workflow_version == "v1");
  CHECK(recent.handler().workflow_version == "v2");
  CHECK(old.send_event(Verdict{true}).ok());
  CHECK(recent.send_event(Verdict{true}).ok());
  CHECK(old.result<int>() == 1);
  CHECK(recent.result<int>() == 2);
  CHECK(runtime.workflow_names() == std::vector<std::string>{"w"});
}

TEST_CASE("a step that takes too long is stopped, a coroutine where it is, a blocking body by its token; retries apply") {
  struct Slow : weir::Workflow {
    std::atomic<int> attempts = 0;
    std::shared_ptr<int> held = std::make_shared<int>(1);
    Slow() { step<&Slow::run>().timeout(20ms).retry({.max_attempts = 2, .initial = 0ms}); }
    Task<StopEvent> run(Context& ctx, const StartEvent&) {
      const auto copy = held;
      if (++attempts == 1) co_await ctx.sleep(1h);
      co_return StopEvent{ctx.retry_info().last_exception->exception_message};
    }
  };
  struct Stubborn : weir::Workflow {
    std::promise<void> stopped;
    Stubborn() { step<&Stubborn::run>().timeout(20ms).blocking(); }
    StopEvent run(Context& ctx, const StartEvent&) {
      std::promise<void> asked;
      const std::stop_callback on_stop(ctx.stop_token(), [&] { asked.set_value(); });
      asked.get_future().wait();
      stopped.set_value();
      return {"too late"};
    }
  };
  Runtime runtime;
  const auto slow = std::make_shared<Slow>();
  const auto stubborn = std::make_shared<Stubborn>();
  runtime.add_workflow("slow", slow, {});
  runtime.add_workflow("stubborn", stubborn, {});
  CHECK(runtime.start("slow", StartEvent()).result<std::string>() == "Step 'run' timed out after 0.02s");
  until("the first body's frame is gone", [&] { return slow->held.use_count() == 1; });
  const auto run = runtime.start("stubborn", StartEvent());
  CHECK(run.wait().error == "Step 'run' timed out after 0.02s");
  stubborn->stopped.get_future().wait();
}

TEST_CASE("a run can be asked what it does, written down, and gone on with elsewhere") {
  Runtime first, second;
  for (auto* runtime : {&first, &second})
    runtime->add_workflow("joke", std::make_shared<JokeFlow>(), {.additional_events = weir::events<Verdict>()});
  const auto run = first.start("joke", Topic{"cats"});
  REQUIRE(run.events().next()->as<Review>());
  CHECK(run.running_steps().empty());
  const auto context = run.context();
  CHECK(context.find("is_running")->as_bool());
  const auto moved = second.start("joke", Topic{"ignored"}, {.context = weir::Value(context)});
  CHECK(moved.send_event(Verdict{true}).ok());
  CHECK(moved.result<Joke>().text == "cats #1 in 1");
  const auto finished = moved.context();
  CHECK_FALSE(finished.find("is_running")->as_bool());
  const auto again = first.start("joke", Topic{"dogs"}, {.context = weir::Value(finished)});
  REQUIRE(again.events().next()->as<Review>()->text == "dogs #2");
  CHECK(again.send_event(Verdict{true}).ok());
  CHECK(again.result<Joke>().text == "dogs #2 in 2");  // the state went along
  CHECK_THROWS_AS(first.start("joke", Topic{}, {.context = weir::Value(weir::Object{{"version", 9}})}), std::invalid_argument);
}

TEST_CASE("running steps are named while their bodies run") {
  Runtime runtime;
  std::latch begun(1), go(1);
  runtime.add_workflow<Blocking>("busy", [&](Context&) {
    begun.count_down();
    go.wait();
    return StopEvent();
  });
  const auto run = runtime.start("busy", StartEvent());
  begun.wait();
  CHECK(run.running_steps() == std::vector<std::string>{"run"});
  go.count_down();
  run.wait();
  CHECK(run.running_steps().empty());
}

TEST_CASE("a verbose workflow tells the log about its steps") {
  struct Loud : weir::Workflow {
    Loud() {
      step<&Loud::run>();
      verbose();
    }
    StopEvent run(const StartEvent&) { return {}; }
  };
  Log log;
  Runtime runtime({.log = log.sink()});
  runtime.add_workflow<Loud>("loud");
  runtime.start("loud", StartEvent()).wait();
  const std::lock_guard lock(log.mutex);
  REQUIRE(log.lines.size() == 2);
  CHECK(log.lines[0].ends_with("of workflow 'loud': step 'run' runs on StartEvent"));
  CHECK(log.lines[1].ends_with("step 'run' ended with <class 'workflows.events.StopEvent'>"));
}

TEST_CASE("validation can be switched off, but for a start and a stop") {
  struct Loose : weir::Workflow {
    Loose() {
      step<&Loose::run>();
      step<&Loose::never>();
      disable_validation();
    }
    StopEvent run(const StartEvent&) { return {1}; }
    Draft never(const Note&) { return {}; }
  };
  struct Strict : weir::Workflow {
    Strict() {
      step<&Strict::never>();
      disable_validation();
    }
    Draft never(const Note&) { return {}; }
  };
  Runtime runtime;
  runtime.add_workflow<Loose>("loose");
  CHECK(runtime.start("loose", StartEvent()).result<int>() == 1);
  CHECK_THROWS_AS(runtime.add_workflow<Strict>("strict"), weir::WorkflowError);
}

TEST_CASE("graphs are drawn for Mermaid and Graphviz, and a run shows what it did") {
  Runtime runtime;
  runtime.add_workflow<Narrow>("narrow");
  CHECK(runtime.mermaid("narrow") == R"(flowchart TD
  n0["ask"]
  n1("Topic")
  n2("Review")
  n3(("person"))
  n4["finish"]
  n5("Verdict")
  n6("Sum")
  n0 --> n2
  n2 --> n3
  n1 --> n0
  n4 --> n6
  n5 --> n4
  n3 --> n5
)");
  CHECK(runtime.dot("narrow").starts_with("digraph \"Narrow\" {\n  n0 [label=\"ask\", shape=box];\n"));
  const auto run = runtime.start("narrow", Topic{});
  REQUIRE(run.events().next());
  run.cancel();
  CHECK(runtime.mermaid(run).find("n0[\"ask x1\"]") != std::string::npos);
  CHECK(runtime.mermaid(run).find("style n4 opacity:0.4") != std::string::npos);
  CHECK(runtime.dot(run).find("label=\"finish\", shape=box, color=gray") != std::string::npos);
  CHECK_THROWS_AS(runtime.mermaid("nothing"), std::invalid_argument);
}
