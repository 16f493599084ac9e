// How runs begin, wait to be admitted, go on from a saved state; how steps are stopped; children as steps.
#include <doctest/doctest.h>

#include "actors/engine/text/saved_context.hpp"
#include "tea.hpp"

using namespace tea;
using namespace std::chrono_literals;

namespace {

struct ChildStart {
  using kind = StartEvent;
  int n;
};
struct ChildStop {
  using kind = StopEvent;
  int n;
};

Plan one_at_a_time() {
  auto out = plan({step("ask", types<StartEvent>(), types<Ask>()), step("pour", types<Ans>(), types<StopEvent>())}, 10s);
  out.num_concurrent_runs = 1;
  return out;
}
std::map<std::string, Body> asking() {
  return {{"ask", [](const RunStep&) { return returns(Ask{"?"}); }},
          {"pour", [](const RunStep& run) { return returns(StopEvent{run.event.as<Ans>()->text}); }}};
}

}  // namespace

TEST_CASE("a queued run shows nothing, keeps what comes, and begins when it is admitted; its timeout counts from then") {
  Simulation run(one_at_a_time(), asking());
  run.admit_after = 1h;
  run.start(StartEvent());
  run.send(1min, Ans{"early"});
  run.run(30min);
  CHECK(run.stream().empty());
  CHECK(run.state().queued);
  CHECK_FALSE(idle(run.state()));
  CHECK(dump(pending(run.state())) == dump(std::vector<Command>{AwaitAdmission()}));
  run.run(1h);
  CHECK(run.transcript() ==
        "R ask[0] StartEvent | R pour[0] Ans | E ask[0] StartEvent->Ask | Ask{\"prompt\":\"?\"} | E pour[0] Ans->StopEvent | "
        "StopEvent{\"result\":\"early\"}");
}

TEST_CASE("a queued run can be cancelled") {
  Simulation run(one_at_a_time(), asking());
  run.start(StartEvent());
  run.cancel(1s);
  run.run();
  CHECK(run.transcript() == "WorkflowCancelledEvent");
  CHECK(run.ending()->status == Status::cancelled);
}

TEST_CASE("a step that takes too long fails: it is stopped, retried, and what it says later counts for nothing") {
  auto slow = workers(step("slow", types<StartEvent>(), types<StopEvent>()), 1);
  slow.timeout = 2s;
  int attempts = 0;
  Simulation run(plan({slow}), {{"slow", [&](const RunStep& step) {
                                   ++attempts;
                                   if (step.failures > 0) {
                                     CHECK(step.last_failure->error.exception_type == "builtins.TimeoutError");
                                     CHECK(step.last_failure->error.exception_message == "Step 'slow' timed out after 2.0s");
                                     return returns(StopEvent{"second"});
                                   }
                                   auto action = returns(StopEvent{"first"});
                                   action.takes = 3s;
                                   return action;
                                 }}});
  run.retry_timed_out = 500ms;
  run.start(StartEvent());
  run.run();
  CHECK(attempts == 2);
  CHECK(run.transcript() ==
        "R slow[0] StartEvent | E slow[0] StartEvent->null | R slow[0] StartEvent | E slow[0] StartEvent->StopEvent | "
        "StopEvent{\"result\":\"second\"}");
  CHECK(run.commands_seen[1] == 1);  // StopStep
}

TEST_CASE("a step's timeout without retries fails the run; time spent waiting for an event does not count") {
  auto taste = step("taste", types<StartEvent>(), types<StopEvent>());
  taste.timeout = 2s;
  const auto body = [](Duration takes) {
    return [takes](const RunStep& run) -> Action {
      if (run.answers.empty()) return {.ending = Suspended{"w", &event_type<Ans>(), {}, EventBox(Ask{"?"}), std::nullopt}};
      auto action = returns(StopEvent());
      action.takes = takes;
      return action;
    };
  };
  Simulation patient(plan({taste}), {{"taste", body(1s)}});
  patient.start(StartEvent());
  patient.send(1min, Ans{"yes"});
  patient.run();
  CHECK(patient.ending()->status == Status::completed);
  Simulation slow(plan({taste}), {{"taste", body(3s)}});
  slow.start(StartEvent());
  slow.send(1min, Ans{"yes"});
  slow.run();
  CHECK(slow.ending()->status == Status::failed);
  CHECK(slow.ending()->error == "Step 'taste' timed out after 2.0s");
}

TEST_CASE("a run restored in the middle repeats what was in progress, in its old order, and needs no start event") {
  const auto tea = plan({fan_out("lay", types<StartEvent>(), types<Leaf>()), workers(step("make", types<Leaf>(), types<Cup>()), 2),
                         collect("tray", types<Cup>(), types<StopEvent>())});
  std::vector<int> made;
  const std::map<std::string, Body> bodies{{"lay",
                                            [](const RunStep&) {
                                              return returns_list({Leaf{0}, Leaf{1}, Leaf{2}, Leaf{3}});
                                            }},
                                           {"make",
                                            [&](const RunStep& run) {
                                              made.push_back(run.event.as<Leaf>()->i);
                                              auto action = returns(Cup{run.event.as<Leaf>()->i});
                                              action.takes = 1s;
                                              return action;
                                            }},
                                           {"tray", [](const RunStep& run) { return returns(StopEvent{run.release->events.size()}); }}};
  Simulation first(tea, bodies);
  first.start(StartEvent());
  first.run(500ms);  // 0 and 1 are being made, 2 and 3 are queued
  const auto context = save_context(tea, first.state(), {{"", Object{{"kept", true}}}});
  CHECK(context.find("is_running")->as_bool());
  const auto read = read_context(tea, context);
  REQUIRE(read.ok());
  CHECK(read->states.at("") == Object{{"kept", true}});

  made.clear();
  Simulation second(tea, bodies);
  second.restore(read->state);
  second.run();
  CHECK(made == std::vector<int>{0, 1, 2, 3});
  CHECK(second.stream().back() == R"(StopEvent{"result":4})");
  CHECK(second.stream().front() == "R make[0] Leaf");
}

TEST_CASE("deadlines of waits and retries are absolute: what is pending asks for the same moment again") {
  Simulation run(plan({step("taste", types<StartEvent>(), types<StopEvent>())}, 1h),
                 {{"taste", [](const RunStep&) -> Action {
                     return {.ending = Suspended{"w", &event_type<Ans>(), Object{{"text", "yes"}}, std::nullopt, Duration(10min)}};
                   }}});
  run.start(StartEvent());
  run.run(1s);
  std::vector<Time> due;
  for (const auto& command : pending(run.state()))
    if (const auto* timer = std::get_if<SetTimer>(&command)) due.push_back(timer->due);
  REQUIRE(due.size() == 2);
  CHECK(due[0] == *run.state().deadline);
  CHECK(due[1] == *run.state().steps[0].waiters[0].deadline);
  CHECK(due[0] - due[1] == 50min - 1ms);
}

TEST_CASE("a child's start and stop are ordinary events of its parent") {
  auto child = step("child", types<ChildStart>(), types<ChildStop>());
  child.runs_child = true;
  const auto parent = plan({step("a", types<StartEvent>(), types<ChildStart>()), child, step("b", types<ChildStop>(), types<StopEvent>())});
  CHECK(parent.start == &event_type<StartEvent>());
  CHECK(parent.stop == &event_type<StopEvent>());
  Simulation run(parent, {{"a", [](const RunStep&) { return returns(ChildStart{1}); }},
                          {"child", [](const RunStep&) { return returns(ChildStop{2}); }},
                          {"b", [](const RunStep& step) { return returns(StopEvent{step.event.as<ChildStop>()->n}); }}});
  run.start(StartEvent());
  run.run();
  CHECK(run.stream().back() == R"(StopEvent{"result":2})");
  auto same = child;
  same.accepts = types<StartEvent>();
  Plan wrong;
  wrong.class_name = "W";
  wrong.steps = {step("a", types<StartEvent>(), types<StopEvent>()), same};
  CHECK_THROWS_WITH_AS(
      complete(wrong),
      "Child workflow 'child' uses StartEvent, as workflow 'W' itself does: give the child start and stop event types of its own.",
      WorkflowError);
}
