// Ways in which the Python server loses or hides things (contract 9.1): none of them may happen here.
#include <doctest/doctest.h>

#include "flows.hpp"
#include "tests/store/forwarding_store.hpp"
#include "tests/until.hpp"

using namespace flows;
using weir::Runtime;
using weir::StartEvent;
using weir::StopEvent;

namespace {

/// A memory store whose commits fail from the n-th on, as often as it is told, as if they could never be made.
class FailingStore final : public ForwardingStore {
public:
  explicit FailingStore(int first, int count = 1) : ForwardingStore(weir::memory()), first_(first), count_(count) {}
  weir::Expected<bool> commit(weir::Commit commit) override {
    const int number = ++commits_;
    if (number >= first_ && number < first_ + count_) return weir::Error{weir::Code::internal, "disk full"};
    return inner_->commit(std::move(commit));
  }

private:
  const int first_, count_;
  std::atomic<int> commits_ = 0;
};

struct Asking : weir::Workflow {
  Asking() {
    step<&Asking::ask>();
    step<&Asking::finish>();
    no_timeout();
  }
  Review ask(const StartEvent&) { return {"?"}; }
  StopEvent finish(const Verdict& verdict) { return {verdict.note}; }
};

}  // namespace

TEST_CASE("a run whose outcome cannot be stored fails, and nobody is left waiting for it") {
  for (int first = 1; first <= 2; ++first) {
    CAPTURE(first);
    Log log;
    Runtime runtime({.store = std::make_shared<FailingStore>(first), .log = log.sink()});
    runtime.add_workflow<Plain>("w", [](weir::Context&) { return StopEvent(); });
    if (first == 1) CHECK_THROWS_WITH_AS(runtime.start("w", StartEvent(), "h"), "disk full", weir::RunFailed);
    else runtime.start("w", StartEvent(), "h");
    const auto row = runtime.find_run("h")->wait();
    CHECK(row.status == weir::HandlerStatus::failed);
    const std::string why = first == 1 ? "disk full" : "it could not be stored: disk full";
    CHECK(row.error == why);
    CHECK(runtime.find_run(row.handler_id)->handler().status == weir::HandlerStatus::failed);
    const std::lock_guard lock(log.mutex);
    CHECK(log.lines.at(0).ends_with("stopped by an internal error: " + why));
  }
}

TEST_CASE("an event that could not be stored is not said to be sent") {
  Log log;
  Runtime runtime({.store = std::make_shared<FailingStore>(3), .log = log.sink()});
  runtime.add_workflow<Asking>("ask");
  const auto run = runtime.start("ask", StartEvent());
  REQUIRE(run.events().next()->as<Review>());
  const auto sent = run.send_event(Verdict{true});
  REQUIRE_FALSE(sent.ok());
  CHECK(sent.error().message == "it could not be stored: disk full");
}

TEST_CASE("cancelling a run that waits for a person ends it for everybody") {
  Runtime runtime;
  runtime.add_workflow<Asking>("ask");
  const auto run = runtime.start("ask", StartEvent());
  REQUIRE(run.events().next()->as<Review>());
  CHECK(run.cancel());
  CHECK(run.handler().status == weir::HandlerStatus::cancelled);
  std::string last;
  for (const auto& event : run.events()) last = event.event.type().name;
  CHECK(last == "WorkflowCancelledEvent");
  CHECK_FALSE(run.cancel());
}

TEST_CASE("who sees a handler ended finds its last event, and who sees the last event finds the handler ended") {
  const auto store = weir::memory();
  Runtime runtime({.store = store, .actor_threads = 2});
  runtime.add_workflow<Plain>("w", [](weir::Context&) { return StopEvent(); });
  for (int i = 0; i < 300; ++i) {
    const auto run = runtime.start("w", StartEvent());
    until("the run is over", [&] { return run.handler().terminal(); });
    CHECK(store->last_event(run.run_id())->terminal);
    const auto other = runtime.start("w", StartEvent());
    until("its last event is there", [&] {
      const auto last = store->last_event(other.run_id());
      return last && last->terminal;
    });
    CHECK(other.handler().terminal());
  }
}

TEST_CASE("the log names the step and the run that failed") {
  Log log;
  Runtime runtime({.log = log.sink()});
  runtime.add_workflow<Plain>("w", [](weir::Context&) -> StopEvent { throw std::runtime_error("boom"); });
  const auto run = runtime.start("w", StartEvent());
  run.wait();
  const std::lock_guard lock(log.mutex);
  CHECK(log.lines == std::vector<std::string>{"run " + run.run_id() +
                                              " of workflow 'w' failed: step 'run' after 1 attempt(s): std.runtime_error: boom"});
}

namespace {
struct Racing : weir::Workflow {
  Racing() {
    step<&Racing::first>();
    step<&Racing::second>();
  }
  StopEvent first(const StartEvent&) { return {}; }
  StopEvent second(const StartEvent&) { return {}; }
};

/// Its first step may return nothing; its second takes what only a context brings.
struct Halting : weir::Workflow {
  explicit Halting(bool has_second) {
    step<&Halting::first>();
    if (has_second) step<&Halting::second>();
    disable_validation();
  }
  std::optional<StopEvent> first(const StartEvent&) { return std::nullopt; }
  StopEvent second(const Note& note) { return {note.n}; }
};
}  // namespace

TEST_CASE("steps that race for the run's end are named in the log when their workflow is registered") {
  Log log;
  Runtime runtime({.log = log.sink()});
  runtime.add_workflow<Racing>("race");
  const std::lock_guard lock(log.mutex);
  CHECK(log.lines ==
        std::vector<std::string>{"workflow 'race': steps 'first' and 'second' both take StartEvent, and both may end the run: the "
                                 "first that returns its StopEvent does, and the other is dropped"});
}

TEST_CASE("a run whose last step returns nothing fails and says so, unless an event from outside could help: then it names that") {
  Runtime runtime;
  runtime.add_workflow<Halting>("short", false);
  runtime.add_workflow<Halting>("long", true);
  const auto failed = runtime.start("short", StartEvent());
  failed.wait();
  CHECK(failed.handler().error.find("step 'first' ended last and returned nothing (it could have returned StopEvent)") !=
        std::string::npos);
  const auto idle = runtime.start("long", StartEvent());
  until("the run is idle", [&] { return idle.handler().idle_since.has_value(); });
  CHECK(idle.handler().waiting_for.find("Note") != std::string::npos);
  CHECK(idle.send_event(Note{3}).ok());
  CHECK(idle.result<int>() == 3);
}

TEST_CASE("a context of a run that is not running brings its queues, behind which the start event comes") {
  Runtime runtime;
  runtime.add_workflow<Halting>("long", true);
  const auto context = weir::parse_json(
      R"({"version":2,"is_running":false,"workers":{"second":{"queue":[{"event":"{\"value\":{\"n\":5},\"qualified_name\":\"flows.Note\"}"}]}}})");
  CHECK(runtime.start("long", StartEvent(), {.handler_id = "", .context = *context}).result<int>() == 5);
}
