// Fan-out streams under retries, waits, error handlers, unions and size (contract 5.10).
#include <doctest/doctest.h>

#include "tea.hpp"

using namespace tea;
using namespace std::chrono_literals;

namespace {

Body leaves(int count) {
  return [count](const RunStep&) {
    std::vector<EventBox> out;
    for (int i = 0; i < count; ++i) out.emplace_back(Leaf{i});
    return returns_list(std::move(out));
  };
}
Body counting() {
  return [](const RunStep& run) { return returns(StopEvent{run.release->events.size()}); };
}
Plan party(StepPlan make) {
  return plan({fan_out("lay", types<StartEvent>(), types<Leaf>()), std::move(make), collect("tray", types<Cup>(), types<StopEvent>())});
}

}  // namespace

TEST_CASE("retries, waits and error handlers keep a stream open until each member has come to its end") {
  auto tea = plan({fan_out("lay", types<StartEvent>(), types<Leaf>()), workers(step("make", types<Leaf>(), types<Cup>()), 8),
                   error_handler("fix", types<Cup>()), collect("tray", types<Cup>(), types<StopEvent>())});
  Simulation run(tea, {{"lay", leaves(4)},
                       {"make",
                        [](const RunStep& make) -> Action {
                          const auto i = make.event.as<Leaf>()->i;
                          if (i == 0 && make.failures == 0) return fails("once", Duration(5s));
                          if (i == 1) return fails("always");
                          if (i == 2 && make.answers.empty())
                            return {.ending = Suspended{"w", &event_type<Ans>(), {}, EventBox(Ask{"?"}), std::nullopt}};
                          auto action = i == 3 ? nothing() : returns(Cup{i});
                          if (i == 2) action.answered = {"w"};
                          return action;
                        }},
                       {"fix", [](const RunStep&) { return returns(Cup{1}); }},
                       {"tray", counting()}});
  run.start(StartEvent());
  run.send(20s, Ans{"yes"});
  run.run(10s);
  CHECK_FALSE(run.ending());  // the waiting member keeps the stream open, and that is not being stuck
  CHECK(run.stream().back() == "WorkflowIdleEvent");
  run.run();
  CHECK(run.stream().back() == R"(StopEvent{"result":3})");  // retried, handled, answered; one member came to nothing
}

TEST_CASE("a collect step takes each of the types it names, in order of arrival; a bare member beside a list is routed as usual") {
  std::string order;
  auto lay = fan_out("lay", types<StartEvent>(), types<Leaf, Water>());
  Simulation run(plan({lay, collect("tray", types<Leaf, Water>(), types<StopEvent>())}),
                 {{"lay",
                   [](const RunStep&) {
                     return returns_list({Leaf{1}, Water{2}, Leaf{3}});
                   }},
                  {"tray", [&](const RunStep& step) {
                     for (const auto& event : step.release->events) order += event.type().name + " ";
                     return returns(StopEvent());
                   }}});
  run.start(StartEvent());
  run.run();
  CHECK(order == "Leaf Water Leaf ");
  lay.returns = types<Sip>();
  Simulation bare(plan({lay, step("drink", types<Sip>(), types<StopEvent>()), collect("tray", types<Leaf, Water>(), types<StopEvent>())}),
                  {{"lay", [](const RunStep&) { return returns(Sip{1}); }},
                   {"drink", [](const RunStep&) { return returns(StopEvent{"bare"}); }},
                   {"tray", counting()}});
  bare.start(StartEvent());
  bare.run();
  CHECK(bare.stream().back() == R"(StopEvent{"result":"bare"})");
}

TEST_CASE("a fan-out step that returns nothing opens no stream, and joins nothing") {
  Simulation run(
      party(step("make", types<Leaf>(), types<Cup>())),
      {{"lay", [](const RunStep&) { return nothing(); }}, {"make", [](const RunStep&) { return returns(Cup{1}); }}, {"tray", counting()}});
  run.start(StartEvent());
  run.run();
  CHECK(run.transcript() == "R lay[0] StartEvent | E lay[0] StartEvent->NoneType | WorkflowIdleEvent");
}

TEST_CASE("a run whose streams can never close fails and says which") {
  const auto tea = party(step("make", types<Leaf>(), types<Cup>()));
  auto state = std::make_shared<State>(initial_state(tea));
  state->started = true;
  state->stream_last = 3;
  state->streams.emplace(
      3, Stream{.source = 0, .scope = std::make_shared<Scope>(Scope{3, nullptr}), .open_work_items = 2, .arrivals = {}, .released = {}});
  Simulation run(tea, {});
  run.restore(state);
  run.run();
  REQUIRE(run.ending());
  CHECK(
      run.ending()->error ==
      "Workflow is idle but collection streams are still open, so the run can never complete: stream 'stream-3' opened by step 'lay' with "
      "2 open work item(s).");
}

TEST_CASE("a collect step that fails is retried with the same batch, and its handler sees the batch") {
  std::vector<std::size_t> sizes;
  auto tea = plan({fan_out("lay", types<StartEvent>(), types<Leaf>()), error_handler("fix", types<StopEvent>()),
                   collect("tray", types<Leaf>(), types<StopEvent>())});
  Simulation run(tea, {{"lay", leaves(3)},
                       {"fix",
                        [](const RunStep& step) {
                          const auto failed = *step.event.as<StepFailedEvent>();
                          const auto* release = failed.input_event.event.as<CollectionReleaseEvent>();
                          return returns(StopEvent{release->binding_id + " " + std::to_string(release->events.size())});
                        }},
                       {"tray", [&](const RunStep& step) {
                          sizes.push_back(step.release->events.size());
                          return step.failures == 0 ? fails("once", Duration(1s)) : fails("for good");
                        }}});
  run.start(StartEvent());
  run.run();
  CHECK(sizes == std::vector<std::size_t>{3, 3});
  CHECK(run.stream().back() == R"(StopEvent{"result":"lay->tray:tea.Leaf:All:nearest 3"})");
}

TEST_CASE("an error handler that fails is not caught by another") {
  auto tea = plan({step("boil", types<StartEvent>(), types<StopEvent>()), error_handler("fix", types<StopEvent>())});
  Simulation run(
      tea, {{"boil", [](const RunStep&) { return fails("cold"); }}, {"fix", [](const RunStep&) { return fails("fix is cold too"); }}});
  run.start(StartEvent());
  run.run();
  CHECK(run.ending()->status == Status::failed);
  CHECK(run.ending()->error == "fix is cold too");
}

TEST_CASE("twenty thousand members fan out and in: no tick copies what the others left behind") {
  constexpr int members = 20000;
  Simulation run(party(workers(step("make", types<Leaf>(), types<Cup>()), 4)),
                 {{"lay", leaves(members)},
                  {"make", [](const RunStep& step) { return returns(Cup{step.event.as<Leaf>()->i}); }},
                  {"tray", counting()}});
  run.start(StartEvent());
  run.run();
  CHECK(run.stream().back() == R"(StopEvent{"result":20000})");
  CHECK(run.journal().size() == members + 3);
}
