// Edits of the state by bodies that are repeated: each is done once, however often the body begins again.
#include <doctest/doctest.h>

#include "actors/runtime/service.hpp"
#include "flows.hpp"
#include "fork.hpp"
#include "tests/store/forwarding_store.hpp"
#include "tests/store/switched_store.hpp"
#include "tests/store/temporary.hpp"
#include "tests/until.hpp"

#include <weir/testing.hpp>

using namespace flows;
using weir::Context;
using weir::Object;
using weir::Runtime;
using weir::StartEvent;
using weir::StopEvent;
using weir::Task;
using weir::Value;

namespace {

/// Lets so many commits through; then it is as if the process had died: nothing later is written.
class CutStore final : public ForwardingStore {
public:
  CutStore(std::shared_ptr<weir::Store> inner, int commits) : ForwardingStore(std::move(inner)), left_(commits) {}
  bool cut() const { return cut_; }
  std::vector<weir::Expected<bool>> commit_all(const std::vector<weir::Commit>& commits) override {
    std::vector<weir::Expected<bool>> out;
    for (const auto& commit : commits) {
      if (left_-- > 0) out.push_back(inner_->commit(commit));
      else out.push_back(weir::Error{weir::Code::unavailable, "gone"});
    }
    cut_ = left_ < 0;
    return out;
  }
  weir::Expected<bool> probe() override { return weir::Error{weir::Code::unavailable, "gone"}; }

private:
  std::atomic<int> left_;
  std::atomic<bool> cut_ = false;
};

/// Writes down, in the state, that it has been there.
void note(weir::StateStore& store, const std::string& where) {
  store.edit([&](Object& state) {
    auto& done = state["done"];
    if (done.is_null()) done = Value::Array();
    done.as_array().emplace_back(where);
  });
}

std::string noted(const weir::NamedStates& states, const std::string& store) {
  const auto found = states.find(store);
  const auto* done = found == states.end() ? nullptr : found->second.find("done");
  return done ? to_json(*done) : "-";
}

/// Edits in every way before, between and behind whatever a body can await; another step edits meanwhile.
struct Editing : weir::Workflow {
  Editing() {
    step<&Editing::begin>();
    step<&Editing::edit>();
    step<&Editing::beside>();
    no_timeout();
    disable_validation();  // what is sent by hand is not seen in the graph
  }
  Draft begin(Context& ctx, const StartEvent&) {
    ctx.send_event(Tally{});
    return {"a"};
  }
  Task<StopEvent> edit(Context& ctx, const Draft&) {
    auto& tools = ctx.store("tools");
    note(ctx.store(), "first");
    note(tools, "first");
    ctx.store().set("n", ctx.store().get("n", 0) + 1);
    try {
      ctx.store().edit([](Object&) { throw std::runtime_error("full"); });
    } catch (const std::runtime_error&) { note(tools, "full"); }
    try {
      ctx.store().set("n.below", 1);
    } catch (const std::invalid_argument&) { note(tools, "refused"); }
    co_await ctx.run_once("effect", [] { return 1; });
    note(ctx.store(), "after effect");
    ctx.write_event_to_stream(Note{1});
    co_await ctx.sleep(1ms);
    ctx.store().edit<Tally>([](Tally& tally) { ++tally.rounds; });
    note(tools, "after sleep");
    const weir::WaitOptions asking{.publish = Review{"?"}};
    (void)co_await ctx.wait_for_event<Verdict>(asking);
    note(ctx.store(), "after wait");
    co_await ctx.blocking([] {});
    note(tools, "last");
    co_return StopEvent{ctx.store().get<int>("n") * 10 + ctx.store().get<int>("rounds")};
  }
  /// Its edits are in states that are stored with the other's reports.
  Task<void> beside(Context& ctx, const Tally&) {
    for (int i = 0; i < 3; ++i) {
      note(ctx.store("other"), std::to_string(i));
      co_await ctx.sleep(1ms);
    }
  }
};

void check_edited_once(const weir::NamedStates& states) {
  CHECK(noted(states, "") == R"(["first","after effect","after wait"])");
  CHECK(noted(states, "tools") == R"(["first","full","refused","after sleep","last"])");
  const auto other = noted(states, "other");
  CHECK_MESSAGE((other == "-" || std::string(R"(["0","1","2"])").starts_with(other.substr(0, other.size() - 1))), other);
}

bool waits(const weir::Run& run) { return !run.handler().waiting_for.empty(); }

weir::RuntimeOptions on(std::shared_ptr<weir::Store> store, weir::Durability durability,
                        std::optional<weir::Duration> idle_timeout = std::nullopt) {
  return {.store = std::move(store), .durability = durability, .idle_timeout = idle_timeout};
}

/// True when nothing was cut off any more.
bool edits_survive_a_crash_after(int commits, weir::Durability durability) {
  const TemporaryFolder folder;
  const auto file = [&] { return weir::sqlite(folder.file("weir.db"), {.sync = weir::SqliteSync::normal}); };
  bool whole = false;
  {
    const auto store = std::make_shared<CutStore>(file(), commits);
    Runtime runtime(on(store, durability));
    runtime.add_workflow<Editing>("edit");
    const auto run = runtime.start("edit", StartEvent(), "h");
    until("the run waits or is cut off", [&] { return store->cut() || waits(run); });
    if (!store->cut()) (void)run.send_event(Verdict{true, ""});
    until("the run has ended or is cut off", [&] { return store->cut() || run.handler().terminal(); });
    whole = !store->cut();
  }
  const auto store = file();
  Runtime runtime(on(store, durability));
  runtime.add_workflow<Editing>("edit");
  runtime.recover();
  const auto run = *runtime.find_run("h");
  until("the run waits or has ended", [&] { return waits(run) || run.handler().terminal(); });
  if (!run.handler().terminal()) (void)run.send_event(Verdict{true, ""});
  CHECK(run.result<int>() == 11);
  check_edited_once(store->find_states("h"));
  return whole;
}

/// Collects in two invocations at once: the second's decision is stale, so its body is repeated.
struct Collecting : weir::Workflow {
  Collecting() {
    step<&Collecting::begin>();
    step<&Collecting::take>().num_workers(2);
    disable_validation();
  }
  void begin(Context& ctx, const StartEvent&) {
    ctx.send_event(Note{1});
    ctx.send_event(Note{2});
  }
  Task<std::optional<StopEvent>> take(Context& ctx, const Note& note) {
    ctx.store().edit([](Object& state) { state.set("n", state.find("n") ? state.find("n")->as_integer() + 1 : 1); });
    co_await ctx.sleep(5ms);
    ctx.store("late").edit([](Object& state) { state.set("n", state.find("n") ? state.find("n")->as_integer() + 1 : 1); });
    const auto both = ctx.collect_events(note, 2);
    if (!both) co_return std::nullopt;
    co_return StopEvent{ctx.store().get<int>("n") * 10 + ctx.store("late").get<int>("n")};
  }
};

}  // namespace

TEST_CASE("edits of the state are done once, wherever between its commits the process dies") {
  for (const auto durability : {weir::Durability::strict, weir::Durability::pipelined}) {
    int commits = 1;
    for (; commits < 100; ++commits) {
      CAPTURE(commits);
      if (edits_survive_a_crash_after(commits, durability)) break;
    }
    CHECK(commits > 5);
    CHECK(commits < 100);
  }
}

TEST_CASE("edits of the state before a wait are done once, whether the run stayed awake or slept meanwhile") {
  for (const auto& idle_timeout : {std::optional<weir::Duration>(), std::optional<weir::Duration>(0ms)}) {
    const TemporaryFolder folder;
    const auto store = weir::sqlite(folder.file("weir.db"), {.sync = weir::SqliteSync::normal});
    Runtime runtime(on(store, weir::Durability::strict, idle_timeout));
    runtime.add_workflow<Editing>("edit");
    const auto run = runtime.start("edit", StartEvent(), "h");
    until("the run waits", [&] { return waits(run); });
    if (idle_timeout) until("the run sleeps", [&] { return runtime.service().live_runs() == 0; });
    CHECK(run.send_event(Verdict{true, ""}).ok());
    CHECK(run.result<int>() == 11);
    check_edited_once(store->find_states("h"));
  }
}

TEST_CASE("a body that collect_events repeats does not edit the state again; nor does one of the testing kit") {
  Runtime runtime;
  runtime.add_workflow<Collecting>("collect");
  CHECK(runtime.start("collect", StartEvent()).result<int>() == 22);
  weir::testing::WorkflowTest kit(std::make_shared<Collecting>());
  CHECK(kit.run(StartEvent()).result<int>() == 22);
}

TEST_CASE("a retry edits the state again: it begins anew") {
  Runtime runtime;
  const auto body = [](Context& ctx) -> Task<StopEvent> {
    ctx.store().set("n", ctx.store().get("n", 0) + 1);
    co_await ctx.sleep(1ms);
    if (ctx.retry_info().retry_number < 2) throw std::runtime_error("again");
    co_return StopEvent{ctx.store().get<int>("n")};
  };
  runtime.add_workflow<Coroutine>("w", body, weir::Retry{.max_attempts = 3, .initial = 1ms});
  CHECK(runtime.start("w", StartEvent()).result<int>() == 3);
}

TEST_CASE("a run that goes on from the context of one that waits does not edit the state again") {
  Runtime runtime;
  runtime.add_workflow<Editing>("edit");
  const auto run = runtime.start("edit", StartEvent());
  auto events = run.events();
  while (!events.next()->as<Review>()) {}
  const auto other = runtime.start("edit", StartEvent(), {.handler_id = "", .context = Value(run.context())});
  CHECK(other.send_event(Verdict{true, ""}).ok());
  CHECK(other.result<int>() == 11);
}

namespace {

/// Does something once, asks, does something once more, asks again.
struct TwoQuestions : weir::Workflow {
  std::atomic<int> effects = 0;
  TwoQuestions() {
    step<&TwoQuestions::run>();
    no_timeout();
  }
  Task<StopEvent> run(Context& ctx, const StartEvent&) {
    std::string answers;
    for (int i = 0; i < 2; ++i) {
      ctx.write_event_to_stream(Note{i});
      co_await ctx.run_once("effect", [this] { return ++effects; });
      note(ctx.store(), std::to_string(i));
      const weir::WaitOptions asking{.publish = Review{std::to_string(i)}};
      answers += (co_await ctx.wait_for_event<Verdict>(asking)).note;
    }
    co_return StopEvent{answers};
  }
};

struct Second {
  int n = 0;
};
struct Third {
  int n = 0;
};

/// Asks; then three steps one after the other, two of which have done something before they are tried again.
struct Relay : weir::Workflow {
  std::atomic<bool> done = false;
  const bool third_notes;
  explicit Relay(bool notes) : third_notes(notes) {
    step<&Relay::first>();
    step<&Relay::second>().retry({.wait = weir::wait_fixed(std::chrono::milliseconds(1)), .stop = weir::stop_after_attempt(3)});
    step<&Relay::third>();
    no_timeout();
  }
  Task<Second> first(Context& ctx, const StartEvent&) {
    const weir::WaitOptions asking{.publish = Review{"go"}};
    co_await ctx.wait_for_event<Verdict>(asking);
    note(ctx.store(), "first");
    ctx.write_event_to_stream(Note{1});
    co_return Second{};
  }
  Third second(Context& ctx, const Second&) {
    note(ctx.store(), "second");
    ctx.write_event_to_stream(Note{2});
    if (ctx.retry_info().retry_number == 0) throw std::runtime_error("once more");
    return {};
  }
  StopEvent third(Context& ctx, const Third&) {
    if (third_notes) note(ctx.store(), "third");
    ctx.write_event_to_stream(Note{3});
    done = true;
    return {};
  }
};

/// What it does before it sleeps is stored with nothing that anybody could see.
struct Sleeper : weir::Workflow {
  Sleeper() {
    step<&Sleeper::run>();
    no_timeout();
  }
  Task<StopEvent> run(Context& ctx, const StartEvent&) {
    note(ctx.store(), "before");
    co_await ctx.sleep(std::chrono::milliseconds(20));
    note(ctx.store(), "behind");
    co_return StopEvent{};
  }
};

/// The event that it shows is published by the tick that begins its second step, beside others.
struct HandsOver : weir::Workflow {
  HandsOver() {
    step<&HandsOver::show>();
    step<&HandsOver::run>();
    no_timeout();
  }
  Draft show(Context& ctx, const StartEvent&) {
    ctx.write_event_to_stream(Note{1});
    return {"on"};
  }
  Task<StopEvent> run(Context& ctx, const Draft&) {
    note(ctx.store(), "before");
    co_await ctx.sleep(std::chrono::milliseconds(20));
    note(ctx.store(), "behind");
    co_return StopEvent{};
  }
};

}  // namespace

TEST_CASE("a fork that sleeps, or whose process ends, goes on where it was: nothing behind the fork is lost or done again") {
  const TemporaryFolder folder;
  const auto flow = std::make_shared<TwoQuestions>();
  const auto boot = [&](std::optional<weir::Duration> idle_timeout) {
    auto runtime = std::make_unique<Runtime>(
        on(weir::sqlite(folder.file("weir.db"), {.sync = weir::SqliteSync::normal}), weir::Durability::strict, idle_timeout));
    runtime->add_workflow("ask", flow, {});
    return runtime;
  };
  const auto asked = [](const weir::Run& run, int times) {
    std::int64_t last = -1;
    int seen = 0;
    auto events = run.events();
    while (seen < times)
      if (const auto event = events.next(); event && event->as<Review>()) {
        ++seen;
        last = event->sequence;
      }
    return last;
  };
  for (const bool sleeps : {true, false}) {
    CAPTURE(sleeps);
    const std::string name = sleeps ? "sleeps" : "stops";
    flow->effects = 0;
    auto runtime = boot(sleeps ? std::optional<weir::Duration>(0ms) : std::nullopt);
    const auto run = runtime->start("ask", StartEvent(), name);
    auto forked = fork(*runtime, run, asked(run, 1), name + " fork");
    CHECK(forked.send_event(Verdict{true, "a"}).ok());
    asked(forked, 1);
    CHECK(flow->effects == 2);
    if (sleeps) until("the runs sleep", [&] { return runtime->service().live_runs() == 0; });
    else runtime.reset(), runtime = boot(std::nullopt);
    forked = *runtime->find_run(name + " fork");
    CHECK(forked.send_event(Verdict{true, "b"}).ok());
    CHECK(forked.result<std::string>() == "ab");
    CHECK(flow->effects == 2);
    std::string notes, questions;
    for (const auto& event : forked.events()) {
      if (const auto* shown = event.as<Note>()) notes += std::to_string(shown->n);
      if (const auto* question = event.as<Review>()) questions += question->text;
    }
    CHECK(notes == "1");
    CHECK(questions == "1");
    const auto states = forked.context();
    CHECK(to_json(Value(states)).find(R"([\"0\",\"1\"])") != std::string::npos);
  }
}

TEST_CASE("a fork between the ticks of one commit keeps what that commit's states hold, once") {
  // Without an edit of the third step the fork may stop between two attempts of the second one.
  bool third_notes = true;
  SUBCASE("its last step edits") {}
  SUBCASE("its last step does not") { third_notes = false; }
  const TemporaryFolder folder;
  const auto store = std::make_shared<SwitchedStore>(weir::sqlite(folder.file("weir.db"), {.sync = weir::SqliteSync::normal}));
  const auto flow = std::make_shared<Relay>(third_notes);
  Runtime runtime(on(store, weir::Durability::pipelined));
  runtime.add_workflow("relay", flow, {});
  const auto run = runtime.start("relay", StartEvent());
  until("it asks", [&] { return run.handler().idle_since.has_value(); });
  store->set(SwitchedStore::Mode::hangs);
  std::thread answering([&] { (void)run.send_event(Verdict{true}); });
  until("its steps have gone ahead of the disk", [&] { return flow->done.load(); });
  store->set(SwitchedStore::Mode::works);
  answering.join();
  const auto last = run.wait();
  REQUIRE(last.status == weir::HandlerStatus::completed);
  const auto kept = noted(store->find_states(run.handler_id()), "");
  CHECK(kept == (third_notes ? R"(["first","second","second","third"])" : R"(["first","second","second"])"));
  int forks = 0;
  for (auto events = run.events({.include_internal = true}); const auto event = events.next();) {
    auto past = runtime.service().rewind(*runtime.service().find_workflow(last), last, event->sequence);
    if (!past) continue;  // the commit goes on to the end of the run
    CHECK(past->after >= event->sequence);
    const auto forked = fork(runtime, run, event->sequence, "fork" + std::to_string(++forks));
    until("it asks or is over", [&] { return forked.handler().idle_since || forked.handler().terminal(); });
    if (!forked.handler().terminal()) (void)forked.send_event(Verdict{true});
    CHECK(forked.wait().status == weir::HandlerStatus::completed);
    CHECK_MESSAGE(noted(store->find_states(forked.handler_id()), "") == kept, "forked after event " << event->sequence);
  }
  CHECK(forks > 0);
}

TEST_CASE("a fork does not do again what its run had done behind the event without a word") {
  const TemporaryFolder folder;
  const auto store = weir::sqlite(folder.file("weir.db"), {.sync = weir::SqliteSync::normal});
  Runtime runtime(on(store, weir::Durability::strict));
  runtime.add_workflow("sleeper", std::make_shared<Sleeper>(), {});
  const auto run = runtime.start("sleeper", StartEvent());
  REQUIRE(run.wait().status == weir::HandlerStatus::completed);
  const auto forked = fork(runtime, run, 0, "fork");
  CHECK(forked.wait().status == weir::HandlerStatus::completed);
  CHECK(noted(store->find_states("fork"), "") == R"(["before","behind"])");
}

TEST_CASE("a fork at one of several events of a tick has the states of that tick") {
  const TemporaryFolder folder;
  const auto store = weir::sqlite(folder.file("weir.db"), {.sync = weir::SqliteSync::normal});
  Runtime runtime(on(store, weir::Durability::strict));
  runtime.add_workflow("hands_over", std::make_shared<HandsOver>(), {});
  const auto run = runtime.start("hands_over", StartEvent());
  const auto last = run.wait();
  REQUIRE(last.status == weir::HandlerStatus::completed);
  int forks = 0;
  for (auto events = run.events({.include_internal = true}); const auto event = events.next();) {
    if (!runtime.service().rewind(*runtime.service().find_workflow(last), last, event->sequence)) continue;  // the run ends with it
    const auto forked = fork(runtime, run, event->sequence, "fork" + std::to_string(++forks));
    CHECK(forked.wait().status == weir::HandlerStatus::completed);
    CHECK_MESSAGE(noted(store->find_states(forked.handler_id()), "") == R"(["before","behind"])", "forked after event " << event->sequence);
  }
  CHECK(forks > 3);
}
