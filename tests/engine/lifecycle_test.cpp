// How runs begin, wait to be admitted, go on from a saved state; how steps are stopped; children as steps.
#include <doctest/doctest.h>

#include "actors/engine/text/journal_codec.hpp"
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

namespace {

std::string ending_of(Simulation& run) {
  run.start(StartEvent());
  run.run();
  return run.ending() ? run.ending()->error : "";
}
std::map<std::string, Body> all_return(std::vector<std::string> steps, const Action& action) {
  std::map<std::string, Body> out;
  for (auto& name : steps) out[std::move(name)] = [action](const RunStep&) { return action; };
  return out;
}
std::string awaited_names(const Simulation& run) {
  std::string out;
  for (const auto& wait : awaited(run.plan(), run.state())) out += wait.type->name + " " + run.plan().steps[wait.step].name + ";";
  return out;
}

}  // namespace

TEST_CASE("a run in which nothing can happen any more fails, and says which step ended last, and with what") {
  Simulation silent(plan({step("a", types<StartEvent>(), types<StopEvent>())}), all_return({"a"}, nothing()));
  CHECK(
      ending_of(silent) ==
      "Nothing can happen in this run any more: step 'a' ended last and returned nothing (it could have returned StopEvent), no step is at "
      "work or waits, and none takes an event from outside. A run ends when a step returns its StopEvent.");
  CHECK(silent.transcript().find("WorkflowIdleEvent") == std::string::npos);
  CHECK(silent.ending()->terminal.as<WorkflowFailedEvent>()->step_name == "a");

  Simulation asks(plan({step("a", types<StartEvent>(), types<Ask, StopEvent>())}), all_return({"a"}, returns(Ask{"?"})));
  CHECK(ending_of(asks).find("step 'a' ended last and returned Ask, ") != std::string::npos);

  // What only steps send, and what goes to a handler of errors, does not come from outside.
  Simulation inner(plan({fan_out("lay", types<StartEvent>(), types<Leaf>()), collect("tray", types<Leaf>(), types<StopEvent>()),
                         error_handler("fix", types<StopEvent>())}),
                   {{"lay", [](const RunStep&) { return returns_list({Leaf{1}}); }}, {"tray", [](const RunStep&) { return nothing(); }}});
  CHECK(ending_of(inner).find("step 'tray' ended last") != std::string::npos);
}

TEST_CASE("a run that something could move is idle, and tells what: a person's event before others") {
  Simulation draft(plan({step("a", types<StartEvent>(), types<Leaf>()), step("b", types<Leaf>(), types<StopEvent>())}),
                   all_return({"a", "b"}, nothing()));
  CHECK(ending_of(draft).empty());
  CHECK(idle(draft.state()));
  CHECK(awaited_names(draft) == "Leaf b;");
  Simulation asked(plan({step("a", types<StartEvent>(), types<Leaf>()), step("b", types<Leaf, Ans>(), types<StopEvent>())}),
                   all_return({"a", "b"}, nothing()));
  CHECK(ending_of(asked).empty());
  CHECK(awaited_names(asked) == "Ans b;");
  Simulation limited(plan({step("a", types<StartEvent>(), types<StopEvent>())}, 10s), all_return({"a"}, nothing()));
  CHECK(ending_of(limited) == "Workflow timed out after 10.0s");
  Action waits{.ending = Suspended{.waiter_id = "w", .type = &event_type<Ans>(), .requirements = {}, .publish = {}, .timeout = {}}};
  Simulation waiting(plan({step("a", types<StartEvent>(), types<StopEvent>())}), all_return({"a"}, waits));
  CHECK(ending_of(waiting).empty());
  CHECK(awaited_names(waiting) == "Ans a;");
}

TEST_CASE("a run of an earlier version in which nothing can happen stays idle when it is replayed, and fails at the next event") {
  const auto tea = plan({step("a", types<StartEvent>(), types<StopEvent>())});
  auto state = initial_state(tea);
  Sequence seq = 0;
  const auto feed = [&](const std::string& text) {
    auto tick = decode_tick(tea, text);
    REQUIRE_MESSAGE(tick.ok(), tick.error().message);
    auto outcome = reduce(tea, std::move(state), {++seq, Time(), std::move(*tick)});
    state = std::move(outcome.state);
  };
  SUBCASE("without a word about limits") { feed(R"({"tick":"run_started","event":{"type":"workflows.events.StartEvent","value":{}}})"); }
  SUBCASE("with limits") { feed(R"({"tick":"run_started","event":{"type":"workflows.events.StartEvent","value":{}},"limits":{}})"); }
  feed(R"({"tick":"step_ended","id":{"step":"a","slot":0,"serial":1},"published":[],"sent":[],"collects":[],"answered":[],)"
       R"("ending":{"returned":[],"fanned_out":false}})");
  CHECK(state.status == Status::running);
  CHECK(idle(state));
  feed(encode_tick(tea, LimitsChanged{limits_of(tea)}));
  CHECK(state.status == Status::running);
  feed(encode_tick(tea, EventArrived{{Ans{"?"}, std::nullopt}}));
  CHECK(state.status == Status::failed);
}
