#include "workflows.hpp"

#include <weir/weir.hpp>

#include <numeric>
#include <stdexcept>

using namespace std::chrono_literals;

/// The comparison's failures carry Python's type names.
namespace builtins {
struct ValueError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
}  // namespace builtins

namespace bench_workflows {

using weir::Context;
using weir::StartEvent;
using weir::StopEvent;
using weir::Task;

struct Progress {
  int sequence;
};
struct Tick {
  std::int64_t i;
  std::string text = "tick";
};
struct Attempt {
  int number;
};
struct SlowStarted {
  double seconds;
};
struct Ask {
  using kind = weir::InputRequiredEvent;
  std::string prefix;
};
struct Answer {
  using kind = weir::HumanResponseEvent;
  std::string response;
};
struct Work {
  std::int64_t i;
};
struct Done {
  std::int64_t i;
  std::int64_t square;
};

/// A start field as Python's str() prints it.
std::string text_of(const weir::Value& value) { return value.is_string() ? value.as_string() : weir::python_repr(value); }

struct Greet : weir::Workflow {
  Greet() {
    step<&Greet::greet>();
    description("Dynamic start event, three progress events, string result.");
  }
  StopEvent greet(Context& ctx, const StartEvent& ev) {
    for (int i = 0; i < 3; ++i) ctx.write_event_to_stream(Progress{i});
    return {"Hello, " + text_of(ev.get<weir::Value>("name", "World")) + "!"};
  }
};

struct GreetDocs : weir::Workflow {
  GreetDocs() {
    step<&GreetDocs::greet>();
    description("The docs page's example with its 0.3 s pauses, for the debugger UI.");
  }
  Task<StopEvent> greet(Context& ctx, const StartEvent& ev) {
    for (int i = 0; i < 3; ++i) {
      ctx.write_event_to_stream(Progress{i});
      co_await ctx.sleep(300ms);
    }
    co_return StopEvent{"Hello, " + text_of(ev.get<weir::Value>("name", "World")) + "!"};
  }
};

struct Noop : weir::Workflow {
  Noop() {
    step<&Noop::noop>();
    description("Start, one step, stop: the floor of what a run costs.");
  }
  StopEvent noop(const StartEvent&) { return {}; }
};

struct GreetStart {
  using kind = StartEvent;
  std::string name;
  int times = 1;
  bool excited = false;
  std::optional<std::string> note;

  static void describe(weir::Fields<GreetStart>& fields) {
    fields[&GreetStart::name].describe("Who to greet");
    fields[&GreetStart::times].at_least(1).at_most(10);
    fields[&GreetStart::excited].defaulted();
  }
};
struct GreetStop {
  using kind = StopEvent;
  std::string message;
  std::int64_t length;
};

struct GreetTyped : weir::Workflow {
  GreetTyped() {
    step<&GreetTyped::compose>();
    description("Same idea with declared start and stop events (schemas, form fields).");
  }
  GreetStop compose(Context& ctx, const GreetStart& ev) {
    std::string message;
    for (int i = 0; i < ev.times; ++i) {
      ctx.write_event_to_stream(Progress{i});
      message += (i ? " Hello, " : "Hello, ") + ev.name + (ev.excited ? "!" : ".");
    }
    const auto length = static_cast<std::int64_t>(message.size());
    return {std::move(message), length};
  }
};

struct Echo : weir::Workflow {
  Echo() {
    step<&Echo::echo>();
    description("Returns the dynamic part of the start event unchanged (JSON round trip).");
  }
  StopEvent echo(const StartEvent& ev) { return {weir::Value(ev.fields())}; }
};

struct Hop1 {
  std::int64_t n;
};
struct Hop2 {
  std::int64_t n;
};
struct Hop3 {
  std::int64_t n;
};
struct Hop4 {
  std::int64_t n;
};
struct Hop5 {
  std::int64_t n;
};
struct Hop6 {
  std::int64_t n;
};
struct Hop7 {
  std::int64_t n;
};
struct Hop8 {
  std::int64_t n;
};
struct Hop9 {
  std::int64_t n;
};

struct Chain10 : weir::Workflow {
  Chain10() {
    no_timeout();
    step<&Chain10::s1>();
    step<&Chain10::s2>();
    step<&Chain10::s3>();
    step<&Chain10::s4>();
    step<&Chain10::s5>();
    step<&Chain10::s6>();
    step<&Chain10::s7>();
    step<&Chain10::s8>();
    step<&Chain10::s9>();
    step<&Chain10::s10>();
    description("Ten steps in sequence, one integer carried along.");
  }
  Hop1 s1(const StartEvent& ev) { return {ev.get<std::int64_t>("n", 0) + 1}; }
  Hop2 s2(const Hop1& ev) { return {ev.n + 1}; }
  Hop3 s3(const Hop2& ev) { return {ev.n + 1}; }
  Hop4 s4(const Hop3& ev) { return {ev.n + 1}; }
  Hop5 s5(const Hop4& ev) { return {ev.n + 1}; }
  Hop6 s6(const Hop5& ev) { return {ev.n + 1}; }
  Hop7 s7(const Hop6& ev) { return {ev.n + 1}; }
  Hop8 s8(const Hop7& ev) { return {ev.n + 1}; }
  Hop9 s9(const Hop8& ev) { return {ev.n + 1}; }
  StopEvent s10(const Hop9& ev) { return {ev.n + 1}; }
};

template <class Events>
std::int64_t sum_of_squares(const Events& events) {
  return std::accumulate(events.begin(), events.end(), std::int64_t{0}, [](auto sum, const Done& done) { return sum + done.square; });
}

struct Fan100 : weir::Workflow {
  Fan100() {
    no_timeout();
    step<&Fan100::split>();
    step<&Fan100::work>().num_workers(8);
    step<&Fan100::gather>();
    description("Classic fan-out: send_event x100, 8 workers, collect_events, stop.");
  }
  std::optional<Work> split(Context& ctx, const StartEvent&) {
    for (int i = 0; i < 100; ++i) ctx.send_event(Work{i});
    return {};
  }
  Done work(const Work& ev) { return {ev.i, ev.i * ev.i}; }
  std::optional<StopEvent> gather(Context& ctx, const Done& ev) {
    const auto all = ctx.collect_events(ev, 100);
    if (!all) return {};
    return StopEvent{sum_of_squares(*all)};
  }
};

struct FanList100 : weir::Workflow {
  FanList100() {
    no_timeout();
    step<&FanList100::split>();
    step<&FanList100::work>().num_workers(8);
    step<&FanList100::gather>();
    description("Same result with the newer list-returning fan-out and list[E] join.");
  }
  std::vector<Work> split(const StartEvent&) {
    std::vector<Work> out;
    for (int i = 0; i < 100; ++i) out.push_back({i});
    return out;
  }
  Done work(const Work& ev) { return {ev.i, ev.i * ev.i}; }
  StopEvent gather(const std::vector<Done>& all) { return {sum_of_squares(all)}; }
};

struct Stream1000 : weir::Workflow {
  Stream1000() {
    no_timeout();
    step<&Stream1000::emit>();
    description("Writes n small events to the stream.");
  }
  StopEvent emit(Context& ctx, const StartEvent& ev) {
    const auto n = ev.get<std::int64_t>("n", 1000);
    for (std::int64_t i = 0; i < n; ++i) ctx.write_event_to_stream(Tick{i, "tick"});
    return {n};
  }
};

struct GatedStream : weir::Workflow {
  GatedStream() {
    step<&GatedStream::begin>();
    step<&GatedStream::emit>();
    description("Waits for Go, then streams n events; used by the many-readers test.");
  }
  weir::InputRequiredEvent begin(Context& ctx, const StartEvent& ev) {
    ctx.store().set("n", ev.get<std::int64_t>("n", 20));
    return {};
  }
  StopEvent emit(Context& ctx, const weir::HumanResponseEvent&) {
    const auto n = ctx.store().get<std::int64_t>("n");
    for (std::int64_t i = 0; i < n; ++i) ctx.write_event_to_stream(Tick{i, "tick"});
    return {n};
  }
};

const std::string question = "What is your name? ";

struct Hitl : weir::Workflow {
  explicit Hitl(bool for_ever) {
    step<&Hitl::ask>();
    step<&Hitl::finish>();
    description("Human in the loop through InputRequiredEvent / HumanResponseEvent steps.");
    if (for_ever) no_timeout();
    else timeout(std::chrono::minutes(10));  // machines under test may be slow
  }
  Ask ask(const StartEvent& ev) { return {ev.get("question", question.c_str())}; }
  StopEvent finish(const Answer& ev) { return {"Got: " + ev.response}; }
};

struct HitlWait : weir::Workflow {
  HitlWait() {
    no_timeout();
    step<&HitlWait::ask>();
    description("Human in the loop through ctx.wait_for_event.");
  }
  Task<StopEvent> ask(Context& ctx, const StartEvent&) {
    const weir::WaitOptions asking{.publish = Ask{question}, .id = "ask-name"};
    const auto answer = co_await ctx.wait_for_event<Answer>(asking);
    co_return StopEvent{"Got: " + answer.response};
  }
};

struct Fail : weir::Workflow {
  Fail() {
    step<&Fail::boom>();
    description("A step that always raises.");
  }
  StopEvent boom(const StartEvent& ev) { throw builtins::ValueError(ev.get("message", "boom")); }
};

struct Slow : weir::Workflow {
  explicit Slow(weir::Duration limit) {
    step<&Slow::sleep>();
    timeout(limit);
    description("Announces itself, then sleeps.");
  }
  Task<StopEvent> sleep(Context& ctx, const StartEvent& ev) {
    const auto seconds = ev.get<double>("seconds", 1.0);
    ctx.write_event_to_stream(SlowStarted{seconds});
    co_await ctx.sleep(weir::Duration(static_cast<std::int64_t>(seconds * 1e6)));
    co_return StopEvent{"slept " + weir::to_json(seconds)};
  }
};

struct Retry : weir::Workflow {
  Retry() {
    step<&Retry::flaky>().retry({.max_attempts = 4, .initial = 50ms});
    description("Fails `failures` times (default 2), then succeeds; at most 4 attempts.");
  }
  StopEvent flaky(Context& ctx, const StartEvent& ev) {
    const auto number = ctx.retry_info().retry_number;
    ctx.write_event_to_stream(Attempt{number});
    if (number < ev.get<int>("failures", 2)) throw builtins::ValueError("attempt " + std::to_string(number));
    return {number};
  }
};

struct Recover : weir::Workflow {
  Recover() {
    step<&Recover::boom>();
    catch_error<&Recover::rescue>();
    description("A failing step whose failure is turned into a result by @catch_error.");
  }
  StopEvent boom(const StartEvent&) { throw builtins::ValueError("boom"); }
  StopEvent rescue(const weir::StepFailedEvent& ev) { return {"recovered from " + ev.step_name + ": " + ev.exception.exception_message}; }
};

struct Counter : weir::Workflow {
  Counter() {
    step<&Counter::bump>();
    description("Keeps state in ctx.store; a new run under the same handler_id continues.");
  }
  StopEvent bump(Context& ctx, const StartEvent& ev) {
    std::int64_t n = 0;
    ctx.store().edit([&](weir::Object& state) {
      if (const auto* known = state.find("n")) n = known->as_integer();
      n += ev.get<std::int64_t>("by", 1);
      state.set("n", n);
    });
    return {n};
  }
};

void add_all(weir::WorkflowServer& server) {
  using weir::events;
  const auto with = [](std::vector<const weir::EventType*> types) { return weir::WorkflowOptions{std::move(types)}; };
  server.add_workflow("greet", std::make_shared<Greet>(), with(events<Progress>()));
  server.add_workflow("greet_docs", std::make_shared<GreetDocs>(), with(events<Progress>()));
  server.add_workflow<Noop>("noop");
  server.add_workflow("greet_typed", std::make_shared<GreetTyped>(), with(events<Progress>()));
  server.add_workflow<Echo>("echo");
  server.add_workflow<Chain10>("chain10");
  server.add_workflow<Fan100>("fan100");
  server.add_workflow<FanList100>("fanlist100");
  server.add_workflow("stream1000", std::make_shared<Stream1000>(), with(events<Tick>()));
  server.add_workflow("gated_stream", std::make_shared<GatedStream>(), with(events<Tick>()));
  server.add_workflow<Hitl>("hitl", false);
  server.add_workflow("hitl_wait", std::make_shared<HitlWait>(), with(events<Ask, Answer>()));
  server.add_workflow<Hitl>("hitl_forever", true);
  server.add_workflow<Fail>("fail");
  server.add_workflow("slow", std::make_shared<Slow>(120s), with(events<SlowStarted>()));
  server.add_workflow("timeout", std::make_shared<Slow>(300ms), with(events<SlowStarted>()));
  server.add_workflow("retry", std::make_shared<Retry>(), with(events<Attempt>()));
  server.add_workflow<Recover>("recover");
  server.add_workflow<Counter>("counter");
}

}  // namespace bench_workflows
