// Runs that wait leave memory and come back: for an event, a time, a reader, a cancel; and nothing is lost in between.
#include <doctest/doctest.h>

#include "actors/runtime/service.hpp"
#include "flows.hpp"
#include "persistence/sqlite/maintenance.hpp"
#include "tests/store/forwarding_store.hpp"
#include "tests/store/temporary.hpp"
#include "tests/until.hpp"

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

using namespace flows;

namespace {

/// A runtime on a file, whose runs leave memory as soon as they only wait.
struct Sleepy {
  TemporaryFolder folder;
  weir::RuntimeOptions options(weir::Duration idle_timeout = 0ms) const {
    return {.store = weir::sqlite(folder.file("weir.db"), {.sync = weir::SqliteSync::normal}), .idle_timeout = idle_timeout};
  }
};

void until_asleep(Runtime& runtime) {
  until("all runs sleep", [&] { return runtime.service().live_runs() == 0; });
}

struct Asking : weir::Workflow {
  explicit Asking(std::optional<weir::Duration> limit = std::nullopt) {
    step<&Asking::ask>();
    step<&Asking::finish>();
    if (limit) timeout(*limit);
    else no_timeout();
  }
  Review ask(const StartEvent&) { return {"?"}; }
  StopEvent finish(const Verdict& verdict) { return {verdict.note}; }
};

/// Waits inside a step, with a deadline.
struct Patient : weir::Workflow {
  weir::Duration patience;
  explicit Patient(weir::Duration given) : patience(given) {
    step<&Patient::run>();
    no_timeout();
  }
  Task<StopEvent> run(Context& ctx, const StartEvent&) {
    const weir::WaitOptions asking{.publish = Review{"?"}, .timeout = patience};
    try {
      const auto verdict = co_await ctx.wait_for_event<Verdict>(asking);
      co_return StopEvent{verdict.note};
    } catch (const weir::WaitTimeout&) { co_return StopEvent{"nobody came"}; }
  }
};

/// Adds up what it is sent; ends when it has seen enough.
struct Counter : weir::Workflow {
  int enough;
  explicit Counter(int count) : enough(count) {
    step<&Counter::begin>();
    step<&Counter::add>().num_workers(1);
    no_timeout();
  }
  Review begin(const StartEvent&) { return {"count"}; }
  std::optional<StopEvent> add(Context& ctx, const Verdict&) {
    const int seen = ctx.store().get("seen", 0) + 1;
    ctx.store().set("seen", seen);
    if (seen < enough) return std::nullopt;
    return StopEvent{seen};
  }
};

/// Whoever loads a run waits at its journal until the gate is opened.
class GatedStore final : public ForwardingStore {
public:
  using ForwardingStore::ForwardingStore;
  void open(bool is_open) {
    const std::lock_guard lock(mutex_);
    open_ = is_open;
    changed_.notify_all();
  }
  bool waits() const {
    const std::lock_guard lock(mutex_);
    return waiting_ > 0;
  }
  weir::Journal read_journal(std::string_view run) const override {
    {
      std::unique_lock lock(mutex_);
      ++waiting_;
      changed_.wait(lock, [this] { return open_; });
      --waiting_;
    }
    return inner_->read_journal(run);
  }

private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable int waiting_ = 0;
  bool open_ = true;
};

}  // namespace

TEST_CASE("a run that only waits leaves memory; an event, a reader, a look and a cancel bring it back") {
  const Sleepy disk;
  Runtime runtime(disk.options());
  runtime.add_workflow<Asking>("ask");
  const auto run = runtime.start("ask", StartEvent(), "h");
  until_asleep(runtime);
  const auto row = run.handler();
  CHECK(row.status == HandlerStatus::running);
  CHECK(row.idle_since);
  SUBCASE("event") {
    CHECK(run.send_event(Verdict{true, "here"}).ok());
    CHECK(run.result<std::string>() == "here");
    CHECK_FALSE(run.handler().idle_since);
  }
  SUBCASE("reader") {
    auto events = run.events();
    CHECK(events.next()->as<Review>());
    CHECK(runtime.service().live_runs() == 1);  // it stays while somebody reads
    CHECK(run.send_event(Verdict{true, "read"}).ok());
    CHECK(events.next()->as<StopEvent>());
    CHECK_FALSE(events.next());
  }
  SUBCASE("a reader that goes lets it sleep again") {
    { auto events = run.events(); }
    until_asleep(runtime);
  }
  SUBCASE("look") { CHECK(run.running_steps().empty()); }
  SUBCASE("cancel") {
    CHECK(run.cancel());
    CHECK(run.handler().status == HandlerStatus::cancelled);
    auto events = run.events();
    CHECK(events.next()->as<Review>());
    CHECK(events.next()->as<weir::WorkflowCancelledEvent>());
  }
  SUBCASE("the next process") {
    CHECK(runtime.recover() == 0);
    CHECK(run.send_event(Verdict{true, "later"}).ok());
    CHECK(run.wait().status == HandlerStatus::completed);
  }
}

TEST_CASE("deadlines fire while the run is not in memory: waits, workflow timeouts, retries; also in the next process") {
  const Sleepy disk;
  std::atomic<int> attempts = 0;
  const auto fails_once = [&](Context&) -> Task<StopEvent> {
    if (attempts++ == 0) throw std::runtime_error("not yet");
    co_return StopEvent{"at last"};
  };
  const auto boot = [&](weir::Duration wait) {
    auto runtime = std::make_unique<Runtime>(disk.options());
    runtime->add_workflow<Patient>("patient", wait);
    runtime->add_workflow<Asking>("limited", wait);
    runtime->add_workflow<Coroutine>(
        "retrying", fails_once, weir::Retry{.max_attempts = 2, .initial = std::chrono::duration_cast<std::chrono::milliseconds>(wait)}, 1h);
    return runtime;
  };
  auto runtime = boot(150ms);
  for (const char* name : {"patient", "limited", "retrying"}) runtime->start(name, StartEvent(), name);
  until_asleep(*runtime);
  SUBCASE("in the same process") {}
  SUBCASE("in the next process") {
    runtime = nullptr;
    runtime = boot(150ms);
    runtime->recover();
  }
  // Nobody asks for the runs: only their rows are looked at.
  const auto& store = runtime->service().store();
  for (const char* name : {"patient", "limited", "retrying"})
    until(name + std::string(" is over"), [&] { return store.find_handler(name)->terminal(); });
  CHECK(runtime->find_run("patient")->result<std::string>() == "nobody came");
  CHECK(runtime->find_run("limited")->wait().error.starts_with("Workflow timed out"));
  CHECK(runtime->find_run("retrying")->result<std::string>() == "at last");
  CHECK(attempts == 2);
}

TEST_CASE("no event is lost between hibernating and waking up") {
  constexpr int senders = 4, each = 60;
  const Sleepy disk;
  Runtime runtime(disk.options());
  runtime.add_workflow<Counter>("count", senders * each);
  const auto run = runtime.start("count", StartEvent(), "h");
  std::vector<std::thread> threads;
  for (int i = 0; i < senders; ++i)
    threads.emplace_back([&, i] {
      for (int n = 0; n < each; ++n) {
        CHECK(run.send_event(Verdict{true}).ok());
        if (n % 8 == i) until_asleep(runtime);
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(run.result<int>() == senders * each);
}

TEST_CASE("many runs sleep and are found again, each by its own event") {
  constexpr int count = 300;
  const Sleepy disk;
  Runtime runtime(disk.options());
  runtime.add_workflow<Asking>("ask");
  for (int i = 0; i < count; ++i) runtime.start("ask", StartEvent(), "h" + std::to_string(i));
  until_asleep(runtime);
  for (int i = 0; i < count; ++i) CHECK(runtime.find_run("h" + std::to_string(i))->send_event(Verdict{true, std::to_string(i)}).ok());
  for (int i = 0; i < count; ++i) CHECK(runtime.find_run("h" + std::to_string(i))->result<std::string>() == std::to_string(i));
}

TEST_CASE("a sleeping run whose workflow is gone can be given up") {
  const Sleepy disk;
  {
    Runtime runtime(disk.options());
    runtime.add_workflow<Asking>("ask");
    runtime.start("ask", StartEvent(), "h");
    until_asleep(runtime);
  }
  Log log;
  auto options = disk.options();
  options.log = log.sink();
  Runtime runtime(std::move(options));
  const auto run = *runtime.find_run("h");
  CHECK(run.send_event(Verdict{true}).error().message == "Workflow ask not registered");
  CHECK(run.cancel());
  CHECK_FALSE(run.cancel());
  CHECK(run.handler().status == HandlerStatus::cancelled);
  CHECK(runtime.service().store().last_event(run.run_id())->terminal);
}

TEST_CASE("a run of many steps is resumed from a snapshot and the few ticks after it") {
  struct Loop : weir::Workflow {
    Loop() {
      step<&Loop::begin>();
      step<&Loop::turn>();
      no_timeout();
    }
    Note begin(const StartEvent&) { return {0}; }
    std::variant<Note, Review> turn(Context& ctx, const Note& note) {
      ctx.store().set("turns", note.n + 1);
      if (note.n + 1 == 3000) return Review{"enough?"};
      return Note{note.n + 1};
    }
    StopEvent stop(Context& ctx, const Verdict&) { return {ctx.store().get("turns")}; }
  };
  struct Ending : Loop {
    Ending() { step<&Loop::stop>(); }
  };
  const Sleepy disk;
  {
    Runtime runtime(disk.options());
    runtime.add_workflow<Ending>("loop");
    runtime.start("loop", StartEvent(), "h");
    until("the run is idle", [&] { return runtime.service().store().find_handler("h")->idle_since.has_value(); });
  }
  Runtime runtime(disk.options());
  runtime.add_workflow<Ending>("loop");
  const auto run = *runtime.find_run("h");
  const auto journal = runtime.service().store().read_journal(run.run_id());
  CHECK(journal.snapshot);
  std::size_t bytes = 0;
  for (const auto& tick : journal.ticks) bytes += tick.text.size();
  CHECK(bytes < 80 * 1024);
  CHECK(journal.ticks.size() < 1500);
  CHECK(run.send_event(Verdict{true}).ok());
  CHECK(run.result<int>() == 3000);
}

TEST_CASE("a snapshot that nothing visible goes with is kept: recorded results are known after a restart") {
  constexpr int count = 40;
  std::atomic<int> effects = 0;
  const auto body = [&](Context& ctx) -> Task<StopEvent> {
    std::size_t length = 0;
    for (int i = 0; i < count; ++i) {
      const auto effect = [&] {
        ++effects;
        return std::string(5000, 'x');
      };
      const auto text = co_await ctx.run_once("effect " + std::to_string(i), effect);
      length += text.size();
    }
    const weir::WaitOptions asking{.publish = Review{"?"}};
    co_await ctx.wait_for_event<Verdict>(asking);
    co_return StopEvent{length};
  };
  const Sleepy disk;
  const auto boot = [&] {
    auto runtime = std::make_unique<Runtime>(disk.options());
    runtime->add_workflow<Coroutine>("w", body, std::nullopt, 1h);
    return runtime;
  };
  auto runtime = boot();
  runtime->start("w", StartEvent(), "h");
  until_asleep(*runtime);
  runtime = nullptr;
  CHECK(weir::sqlite_detail::check(disk.folder.file("weir.db")).empty());
  runtime = boot();
  const auto run = *runtime->find_run("h");
  CHECK(runtime->service().store().read_journal(run.run_id()).snapshot);
  CHECK(run.send_event(Verdict{true}).ok());
  CHECK(run.result<int>() == count * 5000);
  CHECK(effects == count);
}

TEST_CASE("pipelined: steps run ahead of the disk, what is shown does not; the end is the same, also after a restart") {
  struct Chain : weir::Workflow {
    Chain() {
      step<&Chain::begin>();
      step<&Chain::turn>();
    }
    Note begin(const Topic& topic) { return {topic.count}; }
    Task<std::variant<Note, Joke>> turn(Context& ctx, const Note& note) {
      ctx.write_event_to_stream(Draft{std::to_string(note.n)});
      const auto once = co_await ctx.run_once("once", [&] { return note.n; });
      if (once == 0) co_return Joke{"done"};
      co_return Note{once - 1};
    }
  };
  const Sleepy disk;
  const auto boot = [&] {
    auto options = disk.options();
    options.durability = weir::Durability::pipelined;
    auto runtime = std::make_unique<Runtime>(std::move(options));
    runtime->add_workflow<Chain>("chain");
    return runtime;
  };
  for (int stop_after = 0; stop_after < 20; stop_after += 3) {
    CAPTURE(stop_after);
    const auto id = "h" + std::to_string(stop_after);
    auto runtime = boot();
    {
      auto events = runtime->start("chain", Topic{"x", 20}, id).events();
      for (int seen = 0; seen < stop_after; ++seen) events.next();
    }
    runtime = nullptr;
    runtime = boot();
    runtime->recover();
    const auto run = *runtime->find_run(id);
    CHECK(run.result<Joke>().text == "done");
    std::vector<std::string> shown;
    for (const auto& event : run.events())
      if (const auto* draft = event.as<Draft>()) shown.push_back(draft->text);
    std::vector<std::string> expected;
    for (int n = 20; n >= 0; --n) expected.push_back(std::to_string(n));
    CHECK(shown == expected);
  }
}

TEST_CASE("what ended too long ago is purged in the background, by how it ended") {
  weir::RuntimeOptions options;
  const Sleepy disk;
  SUBCASE("memory") {}
  SUBCASE("sqlite") { options = disk.options(); }
  options.retention = {.completed = 0ms};
  Log log;
  options.log = log.sink();
  Runtime runtime(std::move(options));
  runtime.add_workflow<Plain>("good", [](Context&) { return StopEvent(); });
  runtime.add_workflow<Plain>("bad", [](Context&) -> StopEvent { throw std::runtime_error("no"); });
  runtime.add_workflow<Asking>("ask");
  runtime.recover();
  runtime.start("ask", StartEvent(), "waiting");
  runtime.start("bad", StartEvent(), "failed").wait();
  const auto run = runtime.start("good", StartEvent(), "completed");
  until("it is purged", [&] { return !runtime.find_run("completed"); });
  CHECK(runtime.service().store().read_events(run.run_id(), -1, 10).empty());
  CHECK(runtime.find_run("failed"));
  CHECK(runtime.find_run("waiting"));
}

TEST_CASE("a store that takes its time to load a run holds no actor thread, and what is sent meanwhile is taken in order") {
  const Sleepy disk;
  auto options = disk.options();
  const auto store = std::make_shared<GatedStore>(options.store);
  options.store = store;
  options.actor_threads = 1;
  Runtime runtime(options);
  runtime.add_workflow<Counter>("count", 3);
  runtime.add_workflow<Asking>("ask");
  const auto slow = runtime.start("count", StartEvent(), "slow");
  until_asleep(runtime);

  store->open(false);
  std::vector<std::string> order;
  std::mutex mutex;
  const auto send = [&](const std::string& note) {
    runtime.service().send_event({.handler_id = "slow", .event = weir::EventBox(Verdict{true, note})},
                                 [&, note](const weir::Expected<bool>& sent) {
                                   const std::lock_guard lock(mutex);
                                   order.push_back(note + (sent ? "" : " refused"));
                                 });
  };
  send("first");
  until("somebody loads the run", [&] { return store->waits(); });
  send("second");
  const auto other = runtime.start("ask", StartEvent(), "other");
  until("the other run asks", [&] { return other.handler().idle_since.has_value(); });
  const auto answered = [&] {
    const std::lock_guard lock(mutex);
    return order;
  };
  CHECK(answered().empty());

  store->open(true);
  send("third");
  CHECK(slow.result<int>() == 3);
  until("all are answered", [&] { return answered().size() == 3; });
  CHECK(answered() == std::vector<std::string>{"first", "second", "third"});
  CHECK(other.cancel());
}
