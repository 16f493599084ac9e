// What steps write to the stream: from which threads, how it is slowed, and how much of it is kept.
#include <doctest/doctest.h>

#include "flows.hpp"
#include "tests/store/switched_store.hpp"
#include "tests/store/temporary.hpp"
#include "tests/until.hpp"

using namespace flows;
using weir::HandlerStatus;
using weir::Runtime;
using weir::StartEvent;
using weir::StopEvent;
using weir::Task;
using Mode = SwitchedStore::Mode;

namespace {

/// Counts the events of each commit.
class CountingStore final : public ForwardingStore {
public:
  using ForwardingStore::ForwardingStore;
  std::vector<weir::Expected<bool>> commit_all(const std::vector<weir::Commit>& commits) override {
    for (const auto& commit : commits) most_ = std::max(most_.load(), commit.events.size());
    return inner_->commit_all(commits);
  }
  std::size_t most() const { return most_; }

private:
  std::atomic<std::size_t> most_ = 0;
};

std::vector<int> notes(const weir::Run& run) {
  std::vector<int> out;
  for (const auto& event : run.events())
    if (const auto* note = event.as<Note>()) out.push_back(note->n);
  return out;
}

std::vector<int> up_to(int count) {
  std::vector<int> out;
  for (int i = 0; i < count; ++i) out.push_back(i);
  return out;
}

template <class F>
std::string refusal(F&& call) {
  try {
    call();
  } catch (const std::logic_error& error) { return error.what(); }
  return "";
}

}  // namespace

TEST_CASE("what a job writes to the stream inside ctx.blocking is shown while it runs, one by one, in a durable run too") {
  const TemporaryFolder folder;
  for (const auto& store : {weir::memory(), weir::sqlite(folder.file("runs.db"))}) {
    std::latch seen(1);
    Runtime runtime({.store = store});
    runtime.add_workflow<Coroutine>("tokens", [&](weir::Context& ctx) -> Task<StopEvent> {
      ctx.write_event_to_stream(Note{0});
      const auto written = co_await ctx.blocking([&] {
        for (int i = 1; i < 5; ++i) ctx.write_event_to_stream(Note{i});
        seen.wait();
        ctx.write_event_to_stream(Note{5});
        return 5;
      });
      ctx.write_event_to_stream(Note{written + 1});
      co_return StopEvent{written};
    });
    const auto run = runtime.start("tokens", StartEvent());
    auto events = run.events();
    for (int i = 0; i < 5; ++i) CHECK(events.next()->as<Note>()->n == i);  // the job waits for that
    seen.count_down();
    CHECK(run.result<int>() == 5);
    CHECK(notes(run) == up_to(7));
  }
}

TEST_CASE("a blocking step's last words before a long silence are shown at once") {
  std::latch seen(1);
  Runtime runtime;
  runtime.add_workflow<Blocking>("says", [&](weir::Context& ctx) {
    for (int i = 0; i < 3; ++i) ctx.write_event_to_stream(Note{i});
    seen.wait();
    return StopEvent();
  });
  const auto run = runtime.start("says", StartEvent());
  auto events = run.events();
  for (int i = 0; i < 3; ++i) CHECK(events.next()->as<Note>()->n == i);
  seen.count_down();
  CHECK(run.wait().status == HandlerStatus::completed);
}

TEST_CASE("a stream writer writes from threads of one's own while the step runs, and says when nobody wants more") {
  Runtime runtime;
  std::optional<weir::StreamWriter> kept;
  runtime.add_workflow<Coroutine>("threads", [&](weir::Context& ctx) -> Task<StopEvent> {
    const auto writer = ctx.stream_writer();
    kept = writer;
    auto writing = [writer] {
      std::vector<std::thread> threads;
      for (int i = 0; i < 4; ++i)
        threads.emplace_back([writer, i] {
          for (int n = 0; n < 500; ++n) CHECK(writer.write(Note{i * 1000 + n}));
        });
      for (auto& thread : threads) thread.join();
    };
    co_await ctx.blocking(writing);
    co_return StopEvent();
  });
  const auto run = runtime.start("threads", StartEvent());
  std::map<int, int> next;
  for (const int n : notes(run)) CHECK(next[n / 1000]++ == n % 1000);  // of each thread in its order
  CHECK(next == std::map<int, int>{{0, 500}, {1, 500}, {2, 500}, {3, 500}});
  CHECK_FALSE(kept->write(Note{1}));
  CHECK(notes(run).size() == 2000);
}

TEST_CASE("a context is refused where it does not belong, with a sentence that says what does") {
  Runtime runtime;
  runtime.add_workflow<Coroutine>("wrong", [&](weir::Context& ctx) -> Task<StopEvent> {
    std::vector<std::string> said;
    co_await ctx.blocking([&] {
      said.push_back(refusal([&] { (void)ctx.collect_events(Note{1}, 2); }));
      said.push_back(refusal([&] { (void)ctx.wait_for_event<Verdict>().await_ready(); }));
      said.push_back(refusal([&] { (void)ctx.drain_stream().await_ready(); }));
      ctx.send_event(Note{1});  // that is right there
      ctx.store().set("n", 1);
      CHECK(weir::Context::current() == nullptr);
      std::thread([&] {
        said.push_back(refusal([&] { ctx.write_event_to_stream(Note{1}); }));
        said.push_back(refusal([&] { ctx.send_event(Note{1}); }));
        said.push_back(refusal([&] { (void)ctx.store(); }));
        said.push_back(refusal([&] { (void)ctx.stream_writer(); }));
        CHECK_FALSE(ctx.stop_token().stop_requested());
        CHECK_FALSE(ctx.run_id().empty());
      }).join();
    });
    CHECK(weir::Context::current() == &ctx);
    for (std::size_t i = 0; i < said.size(); ++i) {
      CAPTURE(said[i]);
      CHECK(said[i].find(i < 3 ? "inside ctx.blocking(), on a thread of the pool: it belongs to the body of step 'run'"
                               : "on a thread that step 'run' does not run on") != std::string::npos);
    }
    co_return StopEvent{static_cast<int>(said.size())};
  });
  const auto run = runtime.start("wrong", StartEvent());
  CHECK(run.result<int>() == 7);
  CHECK(notes(run).empty());
}

TEST_CASE("a step that writes faster than its store takes waits, and goes on when the store is back") {
  constexpr int count = 600;
  const TemporaryFolder folder;
  const auto store = std::make_shared<SwitchedStore>(weir::sqlite(folder.file("runs.db")));
  std::atomic<int> written = 0;
  const auto write_all = [&](const auto& write) {
    for (int i = 0; i < count; ++i) {
      write(Note{i});
      ++written;
    }
  };
  Runtime runtime({.store = store, .blocking_threads_max = 4, .budget = {.stream_backlog_events_max = 100}, .log = nullptr});
  runtime.add_workflow<Blocking>("step", [&](weir::Context& ctx) {
    store->set(Mode::hangs);
    write_all([&](const Note& note) { ctx.write_event_to_stream(note); });
    return StopEvent();
  });
  runtime.add_workflow<Coroutine>("job", [&](weir::Context& ctx) -> Task<StopEvent> {
    store->set(Mode::fails);
    co_await ctx.blocking([&] { write_all([&](const Note& note) { ctx.write_event_to_stream(note); }); });
    co_return StopEvent();
  });
  runtime.add_workflow<Coroutine>("writer", [&](weir::Context& ctx) -> Task<StopEvent> {
    store->set(Mode::hangs);
    const auto writer = ctx.stream_writer();
    co_await ctx.blocking([&] { std::thread([&] { write_all([&](const Note& note) { CHECK(writer.write(note)); }); }).join(); });
    co_return StopEvent();
  });
  runtime.add_workflow<Coroutine>("coroutine", [&](weir::Context& ctx) -> Task<StopEvent> {
    store->set(Mode::hangs);
    for (int i = 0; i < count; ++i) {
      ctx.write_event_to_stream(Note{i});
      ++written;
      co_await ctx.drain_stream();
    }
    co_return StopEvent();
  });
  for (const std::string name : {"step", "job", "writer", "coroutine"}) {
    CAPTURE(name);
    written = 0;
    const auto run = runtime.start(name, StartEvent());
    until("the backlog is full", [&] { return written >= 100; });
    CHECK(written < count / 2);
    const auto then = written.load();
    CHECK(then <= 101);
    store->set(Mode::works);
    CHECK(run.wait().status == HandlerStatus::completed);
    CHECK(written == count);
    CHECK(notes(run) == up_to(count));
  }
}

TEST_CASE("the backlog is bounded by bytes too, and one event that is larger than the bound goes through") {
  const TemporaryFolder folder;
  const auto store = std::make_shared<CountingStore>(weir::sqlite(folder.file("runs.db")));
  Runtime runtime({.store = store, .budget = {.stream_backlog_bytes_max = 20'000}});
  runtime.add_workflow<Blocking>("large", [&](weir::Context& ctx) {
    for (int i = 0; i < 200; ++i) ctx.write_event_to_stream(Draft{std::string(2000, 'x')});
    ctx.write_event_to_stream(Draft{std::string(100'000, 'x')});
    return StopEvent();
  });
  const auto run = runtime.start("large", StartEvent());
  CHECK(run.wait().status == HandlerStatus::completed);
  CHECK(store->most() < 20);
  int drafts = 0;
  for (const auto& event : run.events()) drafts += event.as<Draft>() ? 1 : 0;
  CHECK(drafts == 201);
}

namespace {

struct Writing : weir::Workflow {
  const int count;
  std::atomic<int> written = 0, ended = 0;
  explicit Writing(int given, std::optional<weir::Duration> limit = {}) : count(given) {
    auto built = step<&Writing::run>().blocking();
    if (limit) built.timeout(*limit);
  }
  StopEvent run(weir::Context& ctx, const StartEvent&) {
    for (int i = 0; i < count; ++i, ++written) ctx.write_event_to_stream(Note{i});
    ++ended;
    return StopEvent();
  }
};

}  // namespace

TEST_CASE("a step that waits for its backlog is released by a cancel and by its timeout") {
  const TemporaryFolder folder;
  const auto store = std::make_shared<SwitchedStore>(weir::sqlite(folder.file("runs.db")));
  Runtime runtime({.store = store, .budget = {.stream_backlog_events_max = 100}, .log = nullptr});
  for (const bool cancels : {true, false}) {
    CAPTURE(cancels);
    const auto flow = std::make_shared<Writing>(100'000, cancels ? std::nullopt : std::optional<weir::Duration>(200ms));
    runtime.add_workflow(cancels ? "cancelled" : "timed", flow, {});
    const auto run = runtime.start(cancels ? "cancelled" : "timed", StartEvent());
    until("it has written for a while", [&] { return flow->written > 500; });
    if (cancels) CHECK(run.cancel());
    CHECK(run.wait().status == (cancels ? HandlerStatus::cancelled : HandlerStatus::failed));
    until("the body has ended", [&] { return flow->ended == 1; });
    const auto shown = notes(run);
    CHECK(shown.size() < 100'000);
    CHECK(shown == up_to(static_cast<int>(shown.size())));
  }
}

TEST_CASE("a step that waits for its backlog is released when the process ends, and the next one writes the rest") {
  constexpr int count = 600;
  const TemporaryFolder folder;
  const auto path = folder.file("runs.db");
  std::string id;
  {
    const auto store = std::make_shared<SwitchedStore>(weir::sqlite(path));
    const auto flow = std::make_shared<Writing>(count);
    auto runtime =
        std::make_unique<Runtime>(weir::RuntimeOptions{.store = store, .budget = {.stream_backlog_events_max = 100}, .log = nullptr});
    runtime->add_workflow("writing", flow, {});
    id = runtime->start("writing", StartEvent()).handler_id();
    until("it has written something", [&] { return flow->written > 0; });
    store->set(Mode::hangs);
    std::thread mends([&] {
      until("the body has ended", [&] { return flow->ended == 1; });
      store->set(Mode::works);
    });
    runtime.reset();
    mends.join();
  }
  Runtime runtime({.store = weir::sqlite(path)});
  runtime.add_workflow("writing", std::make_shared<Writing>(count), {});
  runtime.recover();
  const auto run = runtime.find_run(id);
  REQUIRE(run);
  CHECK(run->wait().status == HandlerStatus::completed);
  CHECK(notes(*run) == up_to(count));
}

namespace {

struct Ping {
  int n;
};
struct Pong {
  int n;
};
/// Two steps that send to each other for ever, or so many times.
struct Rally : weir::Workflow {
  const int rounds;
  explicit Rally(int given) : rounds(given) {
    no_timeout();
    step<&Rally::serve>();
    step<&Rally::ping>();
    step<&Rally::pong>();
  }
  Ping serve(const StartEvent&) { return {0}; }
  std::variant<Pong, StopEvent> ping(const Ping& ping) {
    if (ping.n == rounds) return StopEvent{ping.n};
    return Pong{ping.n};
  }
  Ping pong(const Pong& pong) { return {pong.n + 1}; }
};

/// What the log says about budgets.
std::vector<std::string> told(Log& log) {
  const std::lock_guard lock(log.mutex);
  auto out = log.lines;
  std::erase_if(out, [](const std::string& line) { return line.find("has gone beyond") == std::string::npos; });
  return out;
}

std::vector<weir::StreamedEvent> all_events(const weir::Run& run) {
  std::vector<weir::StreamedEvent> out;
  for (const auto& event : run.events({.include_internal = true})) out.push_back(event);
  return out;
}

}  // namespace

TEST_CASE("a run keeps so many of its events in memory: the oldest are forgotten, which the log and the run are told once") {
  Log log;
  Runtime runtime({.budget = {.events_in_memory_max = 1000}, .log = log.sink()});
  runtime.add_workflow<Rally>("rally", 2000);
  const auto run = runtime.start("rally", StartEvent());
  CHECK(run.result<int>() == 2000);
  const auto events = all_events(run);
  CHECK(events.size() >= 1000);
  CHECK(events.size() <= 1200);
  for (std::size_t i = 1; i < events.size(); ++i) CHECK(events[i].sequence == events[0].sequence + static_cast<std::int64_t>(i));
  CHECK(events.back().sequence > 7000);
  const auto lines = told(log);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].starts_with("run " + run.run_id() + " of workflow 'rally', at work in step 'p"));
  CHECK(lines[0].ends_with("has gone beyond events_in_memory_max (1000): its oldest events are forgotten"));
}

TEST_CASE("a run that goes beyond its history is told so, forgets its oldest events, and is slowed but not ended") {
  const TemporaryFolder folder;
  Log log;
  Runtime runtime({.store = weir::sqlite(folder.file("runs.db")),
                   .budget = {.history_rows_max = 400, .steps_per_second_past_history = 200},
                   .log = log.sink()});
  runtime.add_workflow<Rally>("rally", 150);
  const auto began = std::chrono::steady_clock::now();
  const auto run = runtime.start("rally", StartEvent());
  CHECK(run.result<int>() == 150);
  CHECK(std::chrono::steady_clock::now() - began > 400ms);  // some 100 bodies beyond 400 events
  const auto events = all_events(run);
  CHECK(events.size() >= 400);
  CHECK(events.size() <= 460);
  int shown = 0;
  for (const auto& event : events)
    if (const auto* exceeded = event.as<weir::RunBudgetExceeded>()) {
      ++shown;
      CHECK(exceeded->limit == "history_rows_max");
      CHECK(exceeded->max == 400);
      CHECK(exceeded->step_name.starts_with("p"));
    }
  CHECK(shown == 1);
  CHECK(run.handler().budgets_exceeded == "history_rows_max");
  const auto lines = told(log);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("has gone beyond history_rows_max (400)") != std::string::npos);
  CHECK(lines[0].find("no more than 200 of its steps begin in a second") != std::string::npos);
}

TEST_CASE("a run that loops for ever leaves others their share, and ends when it is cancelled") {
  Runtime runtime({.log = nullptr});
  runtime.add_workflow<Rally>("for_ever", -1);
  runtime.add_workflow<Rally>("rally", 200);
  std::vector<weir::Run> loops;
  for (int i = 0; i < 3; ++i) loops.push_back(runtime.start("for_ever", StartEvent()));
  const auto run = runtime.start("rally", StartEvent());
  CHECK(run.result<int>() == 200);
  for (const auto& loop : loops) {
    CHECK(loop.handler().status == HandlerStatus::running);
    CHECK(loop.cancel());
  }
}

TEST_CASE("the sequence of events goes on over the runs of a handler, in every store, also in the next process") {
  const TemporaryFolder folder;
  const auto path = folder.file("runs.db");
  for (const bool durable : {false, true}) {
    CAPTURE(durable);
    const auto open = [&] { return std::make_unique<Runtime>(weir::RuntimeOptions{.store = durable ? weir::sqlite(path) : nullptr}); };
    auto runtime = open();
    std::int64_t last = -1;
    for (int round = 0; round < 3; ++round) {
      if (durable) runtime.reset();
      if (durable) runtime = open();
      if (round == 0 || durable) runtime->add_workflow<Greeting>("greeting");
      const auto run = runtime->start("greeting", Topic{"tea", 2}, weir::StartOptions{.handler_id = "h"});
      run.wait();
      const auto events = all_events(run);
      CHECK(events.front().sequence == last + 1);
      CHECK(events.back().as<Joke>());
      std::vector<int> seen;
      for (const auto& event : run.events({.after = last}))
        if (const auto* note = event.as<Note>()) seen.push_back(note->n);
      CHECK(seen == up_to(2));
      last = events.back().sequence;
    }
  }
}
