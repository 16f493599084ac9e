// What ends when, and what is thrown where nobody expects it.
#include <doctest/doctest.h>

#include "flows.hpp"
#include "tests/store/forwarding_store.hpp"
#include "tests/store/temporary.hpp"
#include "tests/until.hpp"

#include "actors/runtime/service.hpp"

#include <malloc.h>

using namespace flows;

namespace {

/// Like a coroutine step, but throws before it is one.
struct Hasty : weir::Workflow {
  Hasty() { step<&Hasty::run>(); }
  Task<StopEvent> run(Context&, const StartEvent&) { throw std::runtime_error("too early"); }
};

struct Ends : weir::Workflow {
  Ends() { step<&Ends::end>(); }
  StopEvent end(const StartEvent&) { return {}; }
};

struct Stranger {};  // no std::exception

/// Runs that sleep for an hour.
struct Sleepers {
  Runtime runtime{{.store = weir::memory(10)}};

  Sleepers() {
    const auto sleep = [](Context& ctx) -> Task<StopEvent> {
      co_await ctx.sleep(1h);
      co_return StopEvent();
    };
    runtime.add_workflow<Coroutine>("sleep", sleep, std::nullopt, 24h);  // on a busy machine twenty thousand take a while to begin
  }
  /// So many begin, and are cancelled when all sleep.
  void round(int count) {
    std::vector<weir::Run> runs;
    for (int i = 0; i < count; ++i) runs.push_back(runtime.start("sleep", StartEvent()));
    for (const auto& run : runs) CHECK(run.cancel());
    until("all runs have left", [&] { return runtime.service().live_runs() == 0; });
  }
};

/// A store whose calls throw what no store may.
class ThrowingStore final : public ForwardingStore {
public:
  explicit ThrowingStore(std::shared_ptr<weir::Store> inner) : ForwardingStore(std::move(inner)) {}
  std::atomic<bool> commits_throw = false, reads_throw = false;

  weir::Expected<bool> commit(weir::Commit commit) override {
    if (commits_throw) throw Stranger();
    return ForwardingStore::commit(std::move(commit));
  }
  std::vector<weir::Expected<bool>> commit_all(const std::vector<weir::Commit>& commits) override {
    if (commits_throw) throw Stranger();
    return ForwardingStore::commit_all(commits);
  }
  std::vector<weir::EventRow> read_events(std::string_view run, std::int64_t after, std::size_t limit) const override {
    if (reads_throw) throw Stranger();
    return ForwardingStore::read_events(run, after, limit);
  }
};

/// A step that is told when to end, or never is.
struct Gate {
  std::mutex mutex;
  std::condition_variable_any changed;
  bool open = false;
  std::map<std::string, int> bodies;  ///< by handler

  void let_go() {
    {
      const std::lock_guard lock(mutex);
      open = true;
    }
    changed.notify_all();
  }
  int begun(const std::string& handler_id) {
    const std::lock_guard lock(mutex);
    return bodies[handler_id];
  }
  /// Until it is opened, whatever anybody asks.
  void wait(const std::string& handler_id) {
    std::unique_lock lock(mutex);
    ++bodies[handler_id];
    changed.wait(lock, [this] { return open; });
  }
  /// The same, or until the body is asked to stop.
  void wait(const std::string& handler_id, std::stop_token stop) {
    std::unique_lock lock(mutex);
    ++bodies[handler_id];
    changed.wait(lock, std::move(stop), [this] { return open; });
  }
};

}  // namespace

TEST_CASE("runs that are cancelled in their sleep give their memory back") {
  Sleepers sleepers;
  sleepers.round(50);
  const auto before = ::mallinfo2().uordblks;
  sleepers.round(500);
  until("their memory is given back", [&] { return ::mallinfo2().uordblks < before + 300 * 1024; });
}

TEST_CASE("twenty thousand runs that are cancelled in their sleep leave no more than the tables that have held them") {
  Sleepers sleepers;
  sleepers.round(50);
  const auto before = ::mallinfo2().uordblks;
  sleepers.round(20'000);
  until("their memory is given back", [&] { return ::mallinfo2().uordblks < before + 4 * 1024 * 1024; });
}

TEST_CASE("whatever user code throws, and wherever, ends its run with a text") {
  const auto static_log = [](weir::LogLevel, std::string_view) { throw Stranger(); };  // nor does a log that throws
  Runtime runtime({.log = static_log});
  runtime.add_workflow<Hasty>("hasty");
  runtime.add_workflow<Plain>("plain", [](Context&) -> StopEvent { throw Stranger(); });
  runtime.add_workflow<Blocking>("blocking", [](Context&) -> StopEvent { throw 7; });
  runtime.add_workflow<Coroutine>("coroutine", [](Context& ctx) -> Task<StopEvent> {
    co_await ctx.sleep(1ms);
    throw Stranger();
  });
  runtime.add_workflow<Coroutine>("job", [](Context& ctx) -> Task<StopEvent> {
    co_await ctx.blocking([] { throw Stranger(); });
    co_return StopEvent();
  });
  runtime.add_workflow<Coroutine>("effect", [](Context& ctx) -> Task<StopEvent> {
    co_await ctx.run_once("effect", [] { throw Stranger(); });
    co_return StopEvent();
  });
  runtime.add_workflow<Plain>("edit", [](Context& ctx) -> StopEvent {
    ctx.store().edit<Tally>([](Tally&) { throw Stranger(); });
    return {};
  });
  for (const auto& name : runtime.workflow_names()) {
    CAPTURE(name);
    const auto row = runtime.start(name, StartEvent()).wait();
    CHECK(row.status == HandlerStatus::failed);
    CHECK(row.error.find(name == "hasty" ? "too early" : "which is no std::exception") != std::string::npos);
  }
}

TEST_CASE("what is thrown while a message to a run is handled ends that run with a text, and it is forgotten") {
  Runtime runtime;
  runtime.add_workflow<Coroutine>("sleep", [](Context& ctx) -> Task<StopEvent> {
    co_await ctx.sleep(1h);
    co_return StopEvent();
  });
  const auto run = runtime.start("sleep", StartEvent());
  CHECK(runtime.service().inspect(run.handler_id(),
                                  [](const weir::runtime::RunSnapshot&) { throw std::runtime_error("looked too closely"); }));
  const auto last = run.wait();
  CHECK(last.status == weir::HandlerStatus::failed);
  CHECK_MESSAGE(last.error.find("looked too closely") != std::string::npos, last.error);
  until("the run is forgotten", [&] { return runtime.service().live_runs() == 0; });
}

TEST_CASE("a store that throws what no store may ends neither the process nor other runs") {
  const auto store = std::make_shared<ThrowingStore>(weir::memory());
  Runtime runtime({.store = store, .log = nullptr});
  runtime.add_workflow<Plain>("w", [](Context&) { return StopEvent(); });
  store->commits_throw = true;
  CHECK_THROWS_AS(runtime.start("w", StartEvent(), "h"), std::exception);
  store->commits_throw = false;
  CHECK(runtime.start("w", StartEvent(), "other").wait().status == HandlerStatus::completed);
  until("nothing is kept of the run that failed", [&] { return runtime.service().live_runs() == 0; });

  runtime.add_workflow<JokeFlow>("joke");
  const auto run = runtime.start("joke", Topic());
  REQUIRE(run.events().next());
  store->reads_throw = true;
  CHECK_FALSE(run.events({.after = -1}).next());  // the reader comes again
  store->reads_throw = false;
  CHECK(run.events({.after = -1}).next());
  CHECK(run.cancel());
}

TEST_CASE("a listener that throws is told to the log, and keeps neither the run nor other listeners from anything") {
  Log log;
  Runtime runtime({.log = log.sink()});
  runtime.add_workflow<Plain>("w", [](Context&) { return StopEvent(); });
  std::atomic<int> ends = 0;
  auto& service = runtime.service();
  const auto first = service.watch_handlers([](const weir::HandlerRow&, bool) { throw Stranger(); });
  const auto second = service.watch_handlers([&](const weir::HandlerRow& row, bool) { ends += row.terminal() ? 1 : 0; });
  for (int i = 1; i <= 3; ++i) {
    CHECK(runtime.start("w", StartEvent()).wait().status == HandlerStatus::completed);
    until("the other listener has heard of it", [&] { return ends == i; });
  }
  until("all runs have left", [&] { return service.live_runs() == 0; });
  CHECK(log.has("a listener to the changes of handlers failed: "));
}

TEST_CASE("a durable store that throws is one that does not answer") {
  const TemporaryFolder folder;
  const auto store = std::make_shared<ThrowingStore>(weir::sqlite(folder.file("weir.db")));
  Runtime runtime({.store = store, .log = nullptr});
  runtime.add_workflow<JokeFlow>("joke");
  const auto run = runtime.start("joke", Topic(), "h");
  REQUIRE(run.events().next());
  store->commits_throw = true;
  CHECK_FALSE(run.send_event(Verdict{true}).ok());
  store->commits_throw = false;
  CHECK(run.wait().status == HandlerStatus::completed);
}

TEST_CASE("a step that does not end is left behind at its runtime's end, and named") {
  static Log log;  // what is left behind may still use them
  static Gate gate;
  for (const bool blocking : {false, true}) {
    CAPTURE(blocking);
    const std::string id = blocking ? "blocking" : "plain";
    auto body = [](Context& ctx) {
      gate.wait(ctx.handler_id());
      return StopEvent();
    };
    {
      Runtime runtime({.stop_timeout = 100ms, .log = log.sink()});
      if (blocking) runtime.add_workflow<Blocking>("w", body);
      else runtime.add_workflow<Plain>("w", body);
      runtime.start("w", StartEvent(), id);
      until("the step is at work", [&] { return gate.begun(id) == 1; });
    }
    const std::lock_guard lock(log.mutex);
    REQUIRE_FALSE(log.lines.empty());
    CHECK(log.lines.back().starts_with("step 'run' of run "));
    CHECK(log.lines.back().ends_with("of workflow 'w' has not ended although it was asked to: it is left behind"));
  }
  gate.let_go();
}

TEST_CASE("a runtime is made, used and ended on any thread") {
  const auto on_a_thread = [](bool other, const std::function<void()>& act) {
    if (other) std::thread(act).join();
    else act();
  };
  for (int i = 0; i < 8; ++i) {
    CAPTURE(i);
    std::unique_ptr<Runtime> runtime;
    on_a_thread(i & 1, [&] {
      runtime = std::make_unique<Runtime>();
      runtime->add_workflow<Ends>("ends");
    });
    on_a_thread(i & 2, [&] { CHECK(runtime->start("ends", StartEvent()).wait().status == weir::HandlerStatus::completed); });
    on_a_thread(i & 4, [&] { runtime.reset(); });
  }
}

TEST_CASE("a workflow of a name and version that are taken is refused, unless it replaces") {
  Runtime runtime;
  const auto says = [](int number) { return [number](Context&) { return StopEvent{number}; }; };
  runtime.add_workflow<Plain>("w", says(1));
  CHECK_THROWS_WITH_AS(runtime.add_workflow<Plain>("w", says(2)),
                       "workflow 'w' is registered already: give this one another name or version, or set WorkflowOptions::replace",
                       weir::WorkflowError);
  CHECK(runtime.start("w", StartEvent()).result<int>() == 1);
  runtime.add_workflow("w", std::make_shared<Plain>(says(2)), {.replace = true});
  CHECK(runtime.start("w", StartEvent()).result<int>() == 2);
}
