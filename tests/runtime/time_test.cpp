// Waits without end, and a wall clock that is set while runs wait. This program's wall clock is the one below.
#include <doctest/doctest.h>

#include "actors/runtime/clock/timers.hpp"
#include "actors/runtime/service.hpp"
#include "flows.hpp"
#include "tests/store/temporary.hpp"
#include "tests/until.hpp"

#include <weir/testing.hpp>

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

using namespace flows;
using weir::Context;
using weir::Duration;
using weir::HandlerStatus;
using weir::Runtime;
using weir::StartEvent;
using weir::StopEvent;
using weir::Task;
using weir::testing::WorkflowTest;

namespace {

std::atomic<std::int64_t> wall_clock_set_by = 0;  // seconds

/// Sets the wall clock, until it goes.
struct WallClock {
  explicit WallClock(std::chrono::seconds by) { wall_clock_set_by = by.count(); }
  ~WallClock() { wall_clock_set_by = 0; }
};

}  // namespace

/// In the place of the system's, for this program and the libraries it uses.
extern "C" int clock_gettime(clockid_t clock, timespec* out) noexcept {
  const auto result = static_cast<int>(syscall(SYS_clock_gettime, clock, out));
  if (clock == CLOCK_REALTIME) out->tv_sec += wall_clock_set_by;
  return result;
}

namespace {

struct Enough {
  using kind = weir::HumanResponseEvent;
};

/// Waits in each of the ways there are.
struct Endless : weir::Workflow {
  std::string way;
  Duration wait;
  std::atomic<int> begun = 0, over = 0;
  Endless(std::string given, Duration delay) : way(std::move(given)), wait(delay) {
    auto built = step<&Endless::run>();
    step<&Endless::end>();
    if (way == "step timeout") built.timeout(wait);
    if (way == "retry") built.retry({.max_attempts = 3, .initial = wait, .max = wait, .jitter = Duration::zero()});
    if (way == "workflow timeout") timeout(wait);
    else no_timeout();
  }
  Task<StopEvent> run(Context& ctx, const StartEvent&) {
    if (begun++ == 0 && way == "retry") throw std::runtime_error("once");
    const weir::WaitOptions asking{.publish = Review{"?"}, .timeout = way == "wait" ? std::optional(wait) : std::nullopt};
    if (way == "sleep" || way == "step timeout") co_await ctx.sleep(way == "sleep" ? wait : Duration::max());
    if (way == "sleep") co_return StopEvent{"slept"};
    try {
      co_await ctx.wait_for_event<Verdict>(asking);
    } catch (const weir::WaitTimeout&) { co_return StopEvent{"timed out " + std::to_string(++over)}; }
    co_return StopEvent{"answered"};
  }
  StopEvent end(const Enough&) { return {"ended"}; }
};

/// A runtime on a file.
struct Disk {
  TemporaryFolder folder;
  weir::RuntimeOptions options(std::optional<Duration> idle_timeout) const {
    return {.store = weir::sqlite(folder.file("weir.db"), {.sync = weir::SqliteSync::normal}), .idle_timeout = idle_timeout};
  }
};

void until_idle(const weir::Run& run) {
  until("the run waits", [&] { return run.handler().idle_since.has_value(); });
}

}  // namespace

TEST_CASE("waits without end neither return, nor fail, nor time out, in the testing kit and in a runtime") {
  for (const char* way : {"sleep", "wait", "step timeout", "workflow timeout", "retry"}) {
    for (const auto wait : {Duration::max(), Duration::max() - Duration(1)}) {
      INFO(way << " " << wait.count());
      if (wait == Duration::max()) {
        WorkflowTest test(std::make_shared<Endless>(way, wait));
        const auto virtually = test.run(StartEvent());
        CHECK(virtually.status == HandlerStatus::running);
        CHECK(virtually.elapsed == 0s);
      }
      for (const bool durable : {false, true}) {
        const Disk disk;
        Runtime runtime(durable ? disk.options(std::nullopt) : weir::RuntimeOptions());
        auto flow = std::make_shared<Endless>(way, wait);
        runtime.add_workflow("endless", flow, {});
        const auto run = runtime.start("endless", StartEvent());
        if (std::string(way) == "wait" || std::string(way) == "retry") until_idle(run);
        else until("the step runs", [&] { return flow->begun > 0; });
        CHECK(run.send_event(Enough()).ok());  // whatever was due at once would have come before
        CHECK(run.result<std::string>() == "ended");
        CHECK(flow->begun == 1);
      }
    }
  }
}

TEST_CASE("an idle timeout without end keeps runs in memory") {
  const Disk disk;
  Runtime runtime(disk.options(Duration::max()));
  runtime.add_workflow("endless", std::make_shared<Endless>("wait", Duration::max()), {});
  const auto run = runtime.start("endless", StartEvent());
  until_idle(run);
  CHECK(runtime.service().live_runs() == 1);
  CHECK(run.send_event(Verdict{true}).ok());
  CHECK(run.result<std::string>() == "answered");
}

TEST_CASE("waits in memory last as long as they say when the wall clock is set back or forward meanwhile") {
  for (const auto by : {-1h, 1h}) {
    for (const bool durable : {false, true}) {
      for (const char* way : {"sleep", "wait", "step timeout", "retry", "workflow timeout"}) {
        INFO(way << (durable ? " durable " : " ") << by.count());
        const Disk disk;
        Runtime runtime(durable ? disk.options(std::nullopt) : weir::RuntimeOptions());
        auto flow = std::make_shared<Endless>(way, 300ms);
        runtime.add_workflow("timed", flow, {});
        const auto began = std::chrono::steady_clock::now();
        const auto run = runtime.start("timed", StartEvent());
        until("the step runs", [&] { return flow->begun > 0; });
        if (std::string(way) == "wait" || std::string(way) == "retry") until_idle(run);
        const WallClock set(by);
        if (std::string(way) == "retry") {
          until("the step runs again", [&] { return flow->begun == 2; });
          CHECK(run.send_event(Verdict{true}).ok());
        }
        until("the run is over", [&] { return run.handler().status != HandlerStatus::running; });
        CHECK(std::chrono::steady_clock::now() - began >= 300ms);
        const auto row = run.handler();
        if (std::string(way) == "sleep") CHECK(run.result<std::string>() == "slept");
        if (std::string(way) == "wait") CHECK(run.result<std::string>() == "timed out 1");
        if (std::string(way) == "retry") CHECK(run.result<std::string>() == "answered");
        if (std::string(way) == "step timeout") CHECK(row.error == "Step 'run' timed out after 0.3s");
        if (std::string(way) == "workflow timeout") CHECK(row.error == "Workflow timed out after 0.3s");
      }
    }
  }
}

TEST_CASE("the deadline of a run that sleeps in the store is the wall clock's: it comes when that is set forward, once") {
  const Disk disk;
  auto flow = std::make_shared<Endless>("wait", 30min);
  Runtime runtime(disk.options(0ms));
  runtime.add_workflow("timed", flow, {});
  const auto run = runtime.start("timed", StartEvent());
  until("the run sleeps", [&] { return runtime.service().live_runs() == 0; });
  {
    const WallClock set(1h);
    CHECK(run.result<std::string>() == "timed out 1");
  }
  CHECK(flow->over == 1);
}

TEST_CASE("deadlines that a new process finds in the store go by the wall clock, also when it is set back before they come") {
  const Disk disk;
  auto flow = std::make_shared<Endless>("wait", 30min);
  {
    Runtime runtime(disk.options(std::nullopt));
    runtime.add_workflow("timed", flow, {});
    until_idle(runtime.start("timed", StartEvent(), "h"));
  }
  Runtime runtime(disk.options(std::nullopt));
  runtime.add_workflow("timed", flow, {});
  runtime.recover();
  const auto run = *runtime.find_run("h");
  CHECK(run.running_steps().empty());  // it is in memory
  {
    const WallClock set(-1h);
    CHECK(run.handler().status == HandlerStatus::running);
  }
  const WallClock set(1h);
  CHECK(run.result<std::string>() == "timed out 1");
  CHECK(flow->over == 1);
}

TEST_CASE("an idle run hibernates although the wall clock is set back") {
  const Disk disk;
  Runtime runtime(disk.options(200ms));
  runtime.add_workflow("endless", std::make_shared<Endless>("wait", Duration::max()), {});
  const auto run = runtime.start("endless", StartEvent());
  until_idle(run);
  const WallClock set(-1h);
  until("the run sleeps", [&] { return runtime.service().live_runs() == 0; });
  CHECK(run.send_event(Verdict{true}).ok());
  CHECK(run.result<std::string>() == "answered");
}

TEST_CASE("timers go by the clock that they are set on, and those without end never come") {
  weir::runtime::Timers timers;
  std::atomic<int> waits = 0, deadlines = 0, never = 0;
  const auto begin = weir::runtime::now();
  timers.after(Duration::max(), [&] { ++never; });
  timers.at(weir::Time::max(), [&] { ++never; });
  timers.at(weir::later(begin, 1h), [&] { ++deadlines; });
  const auto cancelled = timers.at(weir::later(begin, 1h), [&] { ++never; });
  {
    const WallClock set(-2h);
    timers.after(20ms, [&] { ++waits; });
    until("the wait is over", [&] { return waits == 1; });
    CHECK(deadlines == 0);
  }
  timers.cancel(cancelled);
  {
    const WallClock set(2h);
    until("the deadline has come", [&] { return deadlines == 1; });
  }
  timers.stop();
  CHECK(waits == 1);
  CHECK(deadlines == 1);
  CHECK(never == 0);
}
