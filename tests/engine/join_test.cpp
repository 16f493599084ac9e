// Steps with several event parameters (contract 5.11).
#include <doctest/doctest.h>

#include "tea.hpp"

using namespace tea;
using namespace std::chrono_literals;

namespace {

StepPlan join_step(std::string name, std::vector<const EventType*> slots, std::vector<const EventType*> returns) {
  auto out = step(std::move(name), {}, std::move(returns));
  out.input = Input::join;
  out.slots = std::move(slots);
  for (const auto* slot : out.slots)
    if (std::find(out.accepts.begin(), out.accepts.end(), slot) == out.accepts.end()) out.accepts.push_back(slot);
  return out;
}

/// "Leaf 1, Water 95": what a join step was given, in parameter order.
std::string given(const RunStep& run) {
  std::string out;
  for (const auto& event : *run.joined)
    out += (out.empty() ? "" : ", ") + event.type().name + " " + to_json(event.value().as_object().begin()->second);
  return out;
}

}  // namespace

TEST_CASE("pair: a join starts when each parameter has its event; the last arrival is its trigger") {
  Simulation run(plan({step("a", types<StartEvent>(), types<Leaf>()), step("b", types<StartEvent>(), types<Water>()),
                       join_step("mix", types<Leaf, Water>(), types<StopEvent>())}),
                 {{"a", [](const RunStep&) { return returns(Leaf{1}); }},
                  {"b",
                   [](const RunStep&) {
                     auto action = returns(Water{95});
                     action.takes = 2ms;
                     return action;
                   }},
                  {"mix", [](const RunStep& step) { return returns(StopEvent{given(step)}); }}});
  run.start(StartEvent());
  run.run();
  CHECK(run.transcript() ==
        "R a[0] StartEvent | R b[0] StartEvent | E a[0] StartEvent->Leaf | E b[0] StartEvent->Water | R mix[0] Water | "
        "E mix[0] Water->StopEvent | StopEvent{\"result\":\"Leaf 1, Water 95\"}");
}

TEST_CASE("a join fires for each complete set, oldest events first, and leaves the rest alone") {
  std::vector<std::string> sets;
  Simulation run(plan({step("lay", types<StartEvent>(), types<Leaf, Water>()),
                       workers(join_step("mix", types<Leaf, Water>(), types<Cup>()), 1), step("end", types<Cup>(), types<StopEvent>())}),
                 {{"lay",
                   [](const RunStep&) {
                     return Action{.sent = {{Leaf{1}, {}}, {Leaf{2}, {}}, {Leaf{3}, {}}, {Water{10}, {}}, {Water{20}, {}}}};
                   }},
                  {"mix",
                   [&](const RunStep& step) {
                     sets.push_back(given(step));
                     return returns(Cup{0});
                   }},
                  {"end", [&](const RunStep&) { return sets.size() == 2 ? returns(StopEvent()) : nothing(); }}});
  run.start(StartEvent());
  run.run();
  CHECK(sets == std::vector<std::string>{"Leaf 1, Water 10", "Leaf 2, Water 20"});
  REQUIRE(run.ending());
  CHECK(run.ending()->status == Status::completed);
}

TEST_CASE("parameters of one type are filled by arrival") {
  std::string seen;
  Simulation run(plan({step("lay", types<StartEvent>(), types<Leaf>()), join_step("pair", types<Leaf, Leaf>(), types<StopEvent>())}),
                 {{"lay",
                   [](const RunStep&) {
                     return Action{.sent = {{Leaf{7}, {}}, {Leaf{8}, {}}}};
                   }},
                  {"pair", [&](const RunStep& step) {
                     seen = given(step);
                     return returns(StopEvent());
                   }}});
  run.start(StartEvent());
  run.run();
  CHECK(seen == "Leaf 7, Leaf 8");
}

TEST_CASE("a narrow parameter gets the event that a broad one could have taken: the choice goes back") {
  auto pair = join_step("pair", types<Leaf, Green>(), types<StopEvent>());
  pair.accept_subclasses = true;
  std::string seen;
  Simulation run(plan({step("lay", types<StartEvent>(), types<Leaf, Green>()), pair}),
                 {{"lay",
                   [](const RunStep&) {
                     return Action{.sent = {{Green{1}, {}}, {Leaf{2}, {}}}};  // first fit would give Green to the first parameter
                   }},
                  {"pair", [&](const RunStep& step) {
                     seen = given(step);
                     return returns(StopEvent());
                   }}});
  run.start(StartEvent());
  run.run();
  CHECK(seen == "Leaf 2, Green 1");
}

TEST_CASE("a retried join keeps its events, and its failure names the trigger") {
  int attempts = 0;
  auto fix = error_handler("fix", types<StopEvent>());
  Simulation run(
      plan({step("a", types<StartEvent>(), types<Leaf>()), step("b", types<StartEvent>(), types<Water>()), fix,
            join_step("mix", types<Leaf, Water>(), types<StopEvent>())}),
      {{"a", [](const RunStep&) { return returns(Leaf{1}); }},
       {"b",
        [](const RunStep&) {
          auto action = returns(Water{95});
          action.takes = 2ms;
          return action;
        }},
       {"mix",
        [&](const RunStep& step) {
          CHECK(given(step) == "Leaf 1, Water 95");
          return ++attempts == 1 ? fails("cold", Duration(0)) : fails("cold again");
        }},
       {"fix", [](const RunStep& step) { return returns(StopEvent{step.event.as<StepFailedEvent>()->input_event.event.type().name}); }}});
  run.start(StartEvent());
  run.run();
  CHECK(attempts == 2);
  CHECK(run.stream().back() == R"(StopEvent{"result":"Water"})");
}

TEST_CASE("a join inside a fan-out keeps the stream's count: the collect step gets every result") {
  // Each Leaf becomes Water and Cup through two steps; the join of Water and Cup yields one Sip per pair.
  Simulation run(plan({fan_out("lay", types<StartEvent>(), types<Leaf>()), step("boil", types<Leaf>(), types<Water>()),
                       step("warm", types<Leaf>(), types<Cup>()), join_step("mix", types<Water, Cup>(), types<Sip>()),
                       collect("tray", types<Sip>(), types<StopEvent>())}),
                 {{"lay",
                   [](const RunStep&) {
                     return returns_list({Leaf{1}, Leaf{2}, Leaf{3}});
                   }},
                  {"boil", [](const RunStep& step) { return returns(Water{step.event.as<Leaf>()->i}); }},
                  {"warm", [](const RunStep& step) { return returns(Cup{step.event.as<Leaf>()->i}); }},
                  {"mix", [](const RunStep&) { return returns(Sip{1}); }},
                  {"tray", [](const RunStep& step) { return returns(StopEvent{step.release->events.size()}); }}});
  run.start(StartEvent());
  run.run();
  CHECK(run.stream().back() == R"(StopEvent{"result":3})");
}

TEST_CASE("events that are never produced at one level cannot be joined") {
  auto candidate = [](std::vector<const EventType*> slots) {
    Plan out;
    out.class_name = "W";
    out.steps = {fan_out("x", types<StartEvent>(), types<Leaf>()), step("y", types<StartEvent>(), types<Water>()),
                 collect("tray", types<Leaf>(), types<Cup>()), join_step("mix", std::move(slots), types<StopEvent>())};
    return out;
  };
  auto wrong = candidate(types<Leaf, Water>());
  CHECK_THROWS_WITH_AS(
      complete(wrong),
      "Step 'mix' joins event parameters that are never produced at a common stream level: parameter 1 (Leaf) is produced at "
      "the stream of step 'x'; parameter 2 (Water) is produced at the top level. Produce them inside the same fan-out, or "
      "collect the stream first.",
      WorkflowError);
  auto right = candidate(types<Cup, Water>());
  CHECK_NOTHROW(complete(right));
}
