// Runs that outlive the process, on the SQLite store: a runtime goes away in the middle, another one goes on.
#include <doctest/doctest.h>

#include "flows.hpp"
#include "tests/store/temporary.hpp"
#include "tests/until.hpp"

using namespace flows;
using weir::Context;
using weir::Runtime;
using weir::StartEvent;
using weir::StopEvent;
using weir::Task;

namespace {

/// Publishes, does something once, waits for a person, does another thing once.
struct Careful : weir::Workflow {
  std::atomic<int> drafts = 0, sends = 0, bodies = 0;
  Careful() {
    step<&Careful::run>();
    no_timeout();
  }
  Task<StopEvent> run(Context& ctx, const StartEvent&) {
    ++bodies;
    ctx.write_event_to_stream(Note{1});
    const auto draft = co_await ctx.run_once("draft", [this] { return ++drafts; });
    ctx.write_event_to_stream(Note{2});
    ctx.store().set("seen", ctx.store().get("seen", 0) + 1);
    const weir::WaitOptions asking{.publish = Review{"?"}};
    const auto verdict = co_await ctx.wait_for_event<Verdict>(asking);
    ctx.write_event_to_stream(Note{3});
    const auto sent = co_await ctx.run_once("send", [this] { return ++sends; });
    co_return StopEvent{verdict.note + std::to_string(draft) + std::to_string(sent)};
  }
};

/// Pays several times under one name, then waits for a person and pays on.
struct Payments : weir::Workflow {
  std::atomic<int> paid = 0, told = 0;
  Payments() {
    step<&Payments::run>();
    no_timeout();
  }
  Task<StopEvent> run(Context& ctx, const StartEvent&) {
    std::string receipts;
    for (int i = 0; i < 3; ++i) receipts += std::to_string(co_await ctx.run_once("pay", [this] { return ++paid; }));
    co_await ctx.run_once("tell", [this] { ++told; });
    const weir::WaitOptions asking{.publish = Review{"?"}};
    (void)co_await ctx.wait_for_event<Verdict>(asking);
    for (int i = 0; i < 2; ++i) receipts += std::to_string(co_await ctx.run_once("pay", [this] { return ++paid; }));
    co_return StopEvent{receipts};
  }
};

struct Fan : weir::Workflow {
  Fan() {
    step<&Fan::split>();
    step<&Fan::work>().num_workers(2).retry({.max_attempts = 3, .initial = 1ms});
    step<&Fan::gather>();
  }
  std::vector<Note> split(const Topic& topic) {
    std::vector<Note> out;
    for (int i = 0; i < topic.count; ++i) out.push_back({i});
    return out;
  }
  Task<Draft> work(Context& ctx, const Note& note) {
    if (ctx.retry_info().retry_number == 0 && note.n % 3 == 0) throw std::runtime_error("once");
    co_await ctx.sleep(2ms);
    co_return Draft{std::to_string(note.n)};
  }
  Joke gather(const std::vector<Draft>& drafts) { return {std::to_string(drafts.size())}; }
};

struct Ask {
  using kind = StartEvent;
};

struct Disk {
  TemporaryFolder folder;
  std::unique_ptr<Runtime> boot() const {
    return std::make_unique<Runtime>(weir::RuntimeOptions{.store = weir::sqlite(folder.file("weir.db"))});
  }
};

std::vector<std::string> stream_of(const weir::Run& run) {
  std::vector<std::string> out;
  std::int64_t next = -1;
  for (const auto& event : run.events({.after = -1, .include_internal = true})) {
    CHECK(event.sequence == ++next);  // no gap, no repetition
    if (event.event.type().kind != weir::Kind::internal) out.push_back(event.event.type().name);
  }
  return out;
}

}  // namespace

TEST_CASE("a run that waits goes on after a restart: recorded work is not done again, shown events are not shown again") {
  const Disk disk;
  const auto flow = std::make_shared<Careful>();
  {
    const auto runtime = disk.boot();
    runtime->add_workflow("careful", flow, {});
    const auto run = runtime->start("careful", StartEvent(), "h");
    auto events = run.events();
    while (!events.next()->as<Review>()) {}
  }
  const auto runtime = disk.boot();
  runtime->add_workflow("careful", flow, {});
  CHECK(runtime->recover() == 0);  // it waits in the store
  const auto run = *runtime->find_run("h");
  CHECK(run.handler().status == weir::HandlerStatus::running);
  CHECK(run.send_event(Verdict{true, "ok"}).ok());
  CHECK(run.result<std::string>() == "ok11");
  CHECK(flow->drafts == 1);
  CHECK(flow->sends == 1);
  CHECK(flow->bodies == 2);
  CHECK(stream_of(run) == std::vector<std::string>{"Note", "Note", "Review", "Note", "StopEvent"});
}

TEST_CASE("effects of the same name in one body are each done once, and in a repeated body each has its own record") {
  const Disk disk;
  const auto flow = std::make_shared<Payments>();
  {
    const auto runtime = disk.boot();
    runtime->add_workflow("payments", flow, {});
    auto events = runtime->start("payments", StartEvent(), "h").events();
    while (!events.next()->as<Review>()) {}
  }
  const auto runtime = disk.boot();
  runtime->add_workflow("payments", flow, {});
  const auto run = *runtime->find_run("h");
  CHECK(run.send_event(Verdict{true, "ok"}).ok());
  CHECK(run.result<std::string>() == "12345");
  CHECK(flow->paid == 5);
  CHECK(flow->told == 1);
}

TEST_CASE("runs that are killed at any moment of a fan-out with retries come to the same end") {
  for (int moment = 0; moment < 12; ++moment) {
    CAPTURE(moment);
    const Disk disk;
    {
      const auto runtime = disk.boot();
      runtime->add_workflow("fan", std::make_shared<Fan>(), {});
      const auto run = runtime->start("fan", Topic{"x", 7}, "h");
      auto events = run.events({.after = -1, .include_internal = true});
      for (int seen = 0; seen < 3 * moment + 1 && events.next(); ++seen) {}
    }
    const auto runtime = disk.boot();
    runtime->add_workflow("fan", std::make_shared<Fan>(), {});
    runtime->recover();
    const auto run = *runtime->find_run("h");
    CHECK(run.result<Joke>().text == "7");
    CHECK(stream_of(run) == std::vector<std::string>{"Joke"});
  }
}

TEST_CASE("finished runs are read as before, and their handlers run again with their state") {
  const Disk disk;
  const auto body = [](Context& ctx) {
    ctx.store().set("n", ctx.store().get("n", 0) + 1);
    return StopEvent{ctx.store().get("n")};
  };
  {
    const auto runtime = disk.boot();
    runtime->add_workflow<Plain>("count", body);
    CHECK(runtime->start("count", StartEvent(), "h").result<int>() == 1);
  }
  const auto runtime = disk.boot();
  runtime->add_workflow<Plain>("count", body);
  CHECK(runtime->recover() == 0);
  CHECK(runtime->find_run("h")->result<int>() == 1);
  CHECK(stream_of(*runtime->find_run("h")) == std::vector<std::string>{"StopEvent"});
  CHECK(runtime->start("count", StartEvent(), "h").result<int>() == 2);
}

TEST_CASE("a run whose workflow has changed ends with what changed; one whose workflow is missing waits for it") {
  struct Asking : weir::Workflow {
    explicit Asking(bool changed) {
      step<&Asking::ask>();
      step<&Asking::finish>();
      if (changed) step<&Asking::extra>();
    }
    Review ask(const StartEvent&) { return {"?"}; }
    StopEvent finish(const Verdict&) { return {"done"}; }
    Review extra(const Verdict&) { return {"again?"}; }
  };
  const Disk disk;
  {
    const auto runtime = disk.boot();
    runtime->add_workflow<Asking>("ask", false);
    runtime->add_workflow<Asking>("other", false);
    for (const char* name : {"ask", "other"}) REQUIRE(runtime->start(name, StartEvent(), name).events().next()->as<Review>());
  }
  Log log;
  const auto store = weir::sqlite(disk.folder.file("weir.db"));
  Runtime runtime({.store = store, .log = log.sink()});
  runtime.add_workflow<Asking>("ask", true);
  CHECK(runtime.recover() == 0);
  const auto row = runtime.find_run("ask")->wait();
  CHECK(row.status == weir::HandlerStatus::failed);
  CHECK(row.error ==
        "workflow 'ask' has changed since this run was recorded: step 'extra' is new. To finish such runs, give the new workflow another "
        "version and register the old one beside it.");
  CHECK(store->last_event(row.run_id)->terminal);
  CHECK(runtime.find_run("other")->send_event(Verdict{true}).error().message == "Workflow other not registered");
  CHECK(store->find_handler("other")->status == weir::HandlerStatus::running);
  {
    const std::lock_guard lock(log.mutex);
    CHECK(log.lines.back() == "handler other waits for workflow 'other' to be registered: it was left unfinished");
  }
  runtime.add_workflow<Asking>("other", false);
  CHECK(runtime.find_run("other")->send_event(Verdict{true}).ok());
  CHECK(runtime.find_run("other")->result<std::string>() == "done");
}

TEST_CASE("timeouts are absolute: one that has passed meanwhile fires at the restart") {
  const Disk disk;
  {
    const auto runtime = disk.boot();
    runtime->add_workflow<Coroutine>(
        "sleeper",
        [](Context& ctx) -> Task<StopEvent> {
          co_await ctx.sleep(1h);
          co_return StopEvent();
        },
        std::nullopt, 30ms);
    runtime->start("sleeper", StartEvent(), "h");
  }
  const auto store = weir::sqlite(disk.folder.file("weir.db"));
  const auto due = store->find_handler("h")->started_at + 30ms;
  until("its time has come", [&] { return std::chrono::system_clock::now() >= due; });
  Runtime runtime({.store = store});
  runtime.add_workflow<Coroutine>(
      "sleeper",
      [](Context& ctx) -> Task<StopEvent> {
        co_await ctx.sleep(1h);
        co_return StopEvent();
      },
      std::nullopt, 30ms);
  runtime.recover();
  CHECK(runtime.find_run("h")->wait().error == "Workflow timed out after 0.03s");
}

TEST_CASE("a parent finds the child it had begun: the child goes on, and is not begun again") {
  struct Inner : weir::Workflow {
    std::atomic<int>& begun;
    explicit Inner(std::atomic<int>& count) : begun(count) {
      step<&Inner::ask>();
      step<&Inner::finish>();
    }
    Review ask(const Ask&) {
      ++begun;
      return {"?"};
    }
    Joke finish(const Verdict& verdict) { return {verdict.note}; }
  };
  struct Outer : weir::Workflow {
    explicit Outer(std::atomic<int>& count) {
      step<&Outer::begin>();
      step<&Outer::end>();
      child("inner", std::make_shared<Inner>(count)).forward_stream();
    }
    Ask begin(const StartEvent&) { return {}; }
    StopEvent end(const Joke& joke) { return {joke.text}; }
  };
  std::atomic<int> begun = 0;
  const Disk disk;
  {
    const auto runtime = disk.boot();
    runtime->add_workflow<Outer>("outer", begun);
    auto events = runtime->start("outer", StartEvent(), "p").events();
    REQUIRE(events.next()->as<Review>());
  }
  const auto runtime = disk.boot();
  runtime->add_workflow<Outer>("outer", begun);
  CHECK(runtime->recover() == 1);  // the child waits in the store
  const auto run = *runtime->find_run("p");
  until("the run is over", [&] { return !run.send_event(Verdict{true, "late"}).ok() || run.handler().terminal(); });
  CHECK(run.result<std::string>() == "late");
  CHECK(begun == 1);
  CHECK(stream_of(run) == std::vector<std::string>{"Review", "StopEvent"});
}
