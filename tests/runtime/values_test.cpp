// Values that steps make, on their way through a journal into another process.
#include <doctest/doctest.h>

#include "actors/runtime/service.hpp"
#include "flows.hpp"
#include "tests/store/temporary.hpp"
#include "tests/until.hpp"

#include <weir/state_store.hpp>

#include <algorithm>
#include <cmath>

using namespace flows;
using weir::Context;
using weir::Runtime;
using weir::StartEvent;
using weir::StopEvent;
using weir::Task;

namespace {

constexpr auto largest = std::numeric_limits<std::uint64_t>::max();

enum class Code { ok = 200 };
struct Odd {
  using kind = weir::InputRequiredEvent;
  std::uint64_t big;
  double real;
  Code code;
  weir::Time at;
  std::string text;
};
const Odd odd{largest, std::numeric_limits<double>::quiet_NaN(), static_cast<Code>(-3), weir::Time::max(),
              "a\xFF"
              "b"};

/// Makes odd values in every place where they are recorded, waits, and tells what has become of them.
struct Recorder : weir::Workflow {
  Recorder() {
    step<&Recorder::make>();
    step<&Recorder::tell>();
    no_timeout();
  }
  Odd make(Context& ctx, const StartEvent&) {
    ctx.store().set("big", largest);
    ctx.store().set("real", odd.real);
    ctx.write_event_to_stream(odd);
    return odd;
  }
  Task<StopEvent> tell(Context& ctx, const Odd& got) {
    const auto recorded = co_await ctx.run_once("odd", [] { return odd; });
    const auto nan = co_await ctx.run_once("nan", [] { return std::numeric_limits<double>::infinity(); });
    const weir::WaitOptions asking{.publish = Review{"?"}};
    (void)co_await ctx.wait_for_event<Verdict>(asking);
    for (const auto* each : {&got, &recorded}) {
      const bool kept = each->big == largest && std::isnan(each->real) && each->code == odd.code && each->at == odd.at;
      if (!kept) co_return StopEvent{"changed: " + weir::codec::encoded(*each)};
    }
    if (!std::isinf(nan) || !std::isnan(ctx.store().get<double>("real"))) co_return StopEvent{"a number has changed"};
    co_return StopEvent{ctx.store().get<std::uint64_t>("big")};
  }
};

/// Records a result of type T before it asks, and reads it again afterwards.
template <class T>
struct Typed : weir::Workflow {
  T value;
  explicit Typed(T given) : value(std::move(given)) {
    this->template step<&Typed::run>();
    no_timeout();
  }
  Task<StopEvent> run(Context& ctx, const StartEvent&) {
    (void)co_await ctx.run_once("fetch", [this] { return value; });
    const weir::WaitOptions asking{.publish = Review{"?"}};
    (void)co_await ctx.wait_for_event<Verdict>(asking);
    co_return StopEvent{"read"};
  }
};

std::unique_ptr<Runtime> boot(const TemporaryFolder& folder, Log& log) {
  return std::make_unique<Runtime>(weir::RuntimeOptions{
      .store = weir::sqlite(folder.file("weir.db"), {.sync = weir::SqliteSync::normal}), .idle_timeout = std::nullopt, .log = log.sink()});
}

}  // namespace

TEST_CASE("odd numbers, times, enumerators and texts that a step makes are in the journal as they were, and the log is told of bad UTF-8") {
  const TemporaryFolder folder;
  Log log;
  {
    auto runtime = boot(folder, log);
    runtime->add_workflow<Recorder>("odd");
    const auto run = runtime->start("odd", StartEvent(), "h");
    until("the run waits", [&] { return run.handler().idle_since.has_value(); });
    CHECK(log.count("of workflow 'odd': step 'make' made a text that is not UTF-8. The bytes that are not are kept as U+FFFD") == 1);
    CHECK(log.count("UTF-8") == 1);
  }
  auto runtime = boot(folder, log);
  runtime->add_workflow<Recorder>("odd");
  runtime->recover();
  const auto run = *runtime->find_run("h");
  CHECK(run.send_event(Verdict{true}).ok());
  CHECK(run.result<std::uint64_t>() == largest);
  auto events = run.events();
  CHECK(weir::to_json(events.next()->event.value()).find(R"("text":"a�b")") != std::string::npos);
}

TEST_CASE("the log is told once of a run in memory whose steps make texts that are no UTF-8, when they are put into words") {
  Log log;
  Runtime runtime({.log = log.sink()});
  runtime.add_workflow<Plain>("streamed", [](Context& ctx) {
    for (int i = 0; i < 3; ++i) ctx.write_event_to_stream(Draft{"a\xFF"});
    return StopEvent{"fine"};
  });
  runtime.add_workflow<Plain>("returned", [](Context&) { return StopEvent{"b\xFE"}; });
  runtime.add_workflow<Plain>("sound", [](Context&) { return StopEvent{"\xC3\xA4"}; });
  const auto& store = runtime.service().store();
  for (const std::string name : {"streamed", "returned", "sound"}) {
    const auto row = runtime.start(name, StartEvent()).wait();
    CHECK(row.status == weir::HandlerStatus::completed);
    for (const auto& event : store.read_events(row.run_id, -1, 100)) (void)event.payload->frame();
  }
  const std::string rest = " a text that is not UTF-8. The bytes that are not are kept as U+FFFD";
  CHECK(log.count("of workflow 'streamed': step '") == 1);  // which knows how much it has written
  CHECK(log.count("of workflow 'returned' ended with" + rest) == 1);
  CHECK(log.count("UTF-8") == 2);
}

TEST_CASE("a run_once result whose type has changed between builds is told by effect, record and type") {
  const TemporaryFolder folder;
  Log log;
  {
    auto runtime = boot(folder, log);
    runtime->add_workflow("typed", std::make_shared<Typed<std::string>>("seven"), {});
    const auto run = runtime->start("typed", StartEvent(), "h");
    until("the run waits", [&] { return run.handler().idle_since.has_value(); });
  }
  auto runtime = boot(folder, log);
  runtime->add_workflow("typed", std::make_shared<Typed<int>>(7), {});
  runtime->recover();
  const auto run = *runtime->find_run("h");
  CHECK(run.send_event(Verdict{true}).ok());
  until("the run is over", [&] { return run.handler().status != weir::HandlerStatus::running; });
  CHECK(run.handler().error ==
        "run_once 'fetch' has recorded \"seven\", which this build's result type int does not read: 1 validation error for value\n"
        "  Input should be a valid integer, unable to parse string as an integer [type=int_parsing, input_value='seven', "
        "input_type=str]. Give the effect another name where its result becomes another type");
}
