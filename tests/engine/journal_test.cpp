// Journals that outlive the process: ticks as text, and whether they still fit.
#include <doctest/doctest.h>

#include "actors/engine/text/journal_codec.hpp"
#include "tea.hpp"

using namespace tea;
using namespace std::chrono_literals;

TEST_CASE("recorded journals of earlier builds replay for ever") {
  // Written once; a change that breaks it breaks every stored run.
  const auto tea = plan({step("taste", types<StartEvent, Ans>(), types<StopEvent>())}, 45s);
  const char* const journal[] = {
      R"({"tick":"run_started","event":{"type":"workflows.events.StartEvent","value":{"_data":{"leaf":"oolong"}}}})",
      R"({"tick":"step_progressed","id":{"step":"taste","slot":0,"serial":1},"published":[],"sent":[]})",
      R"({"tick":"value_recorded","id":{"step":"taste","slot":0,"serial":1},"name":"draft","json":"42"})",
      R"({"tick":"step_ended","id":{"step":"taste","slot":0,"serial":1},"published":[],"sent":[],"collects":[],"answered":[],)"
      R"("ending":{"suspended":"w","type":"tea.Ans","requirements":{"text":"yes"},"publish":null,"timeout":60000000}})",
      R"({"tick":"event_arrived","sent":{"event":{"type":"tea.Ans","value":{"text":"yes"}},"target":null}})",
      R"({"tick":"step_ended","id":{"step":"taste","slot":0,"serial":3},"published":[],"sent":[],"collects":[],"answered":["w"],)"
      R"("ending":{"failed":{"type":"test.Error","message":"cold"},"retry_after":1000000}})",
      R"({"tick":"retry_due","due":7000000})",
      R"({"tick":"step_ended","id":{"step":"taste","slot":0,"serial":5},"published":[],"sent":[],"collects":[],"answered":["w"],)"
      R"("ending":{"returned":[{"type":"workflows.events.StopEvent","value":{"result":7}}],"fanned_out":false}})"};
  auto state = initial_state(tea);
  std::vector<Command> commands;
  Sequence seq = 0;
  for (const char* line : journal) {
    auto tick = decode_tick(tea, line);
    REQUIRE_MESSAGE(tick.ok(), tick.error().message);
    auto outcome = reduce(tea, std::move(state), {++seq, Time(Duration(1000000 * static_cast<std::int64_t>(seq))), std::move(*tick)});
    state = std::move(outcome.state);
    commands = std::move(outcome.commands);
  }
  CHECK(state.status == Status::completed);
  CHECK(std::get<FinishRun>(commands.back()).terminal.as<StopEvent>()->result == Value(7));
}

TEST_CASE("what a journal names and the workflow does not have is told") {
  const auto tea = plan({step("taste", types<StartEvent>(), types<StopEvent>())});
  const auto problem = [&](const char* text) { return decode_tick(tea, text).error().message; };
  CHECK(problem(R"({"tick":"step_timed_out","id":{"step":"boil","slot":0,"serial":1}})") == "the workflow has no step 'boil'");
  CHECK(problem(R"({"tick":"event_arrived","sent":{"event":{"type":"tea.Gone","value":{}},"target":null}})") ==
        "this program knows no event type 'tea.Gone': it was recorded by another build");
  CHECK(problem(R"({"tick":"teleported"})") == "a tick of the unknown kind 'teleported': it was recorded by another version of Weir");
  CHECK(problem("{").starts_with("a tick that is no JSON: "));
}

TEST_CASE("a changed graph is told step by step") {
  const auto before = plan({step("a", types<StartEvent>(), types<Leaf>()), step("b", types<Leaf>(), types<StopEvent>())});
  const auto after = plan({step("a", types<StartEvent>(), types<Water>()), step("c", types<Water>(), types<StopEvent>())});
  CHECK(signature(before) == "a(StartEvent) -> Leaf\nb(Leaf) -> StopEvent\n");
  CHECK(signature_difference(signature(before), signature(before)).empty());
  CHECK(signature_difference(signature(before), signature(after)) ==
        "step 'a' was a(StartEvent) -> Leaf and is a(StartEvent) -> Water; step 'b' is gone; step 'c' is new");
}

TEST_CASE("a body that is repeated is told what it has said already, also across a wait, but not after a failure") {
  const auto tea = plan({step("taste", types<StartEvent>(), types<StopEvent>())});
  auto state = initial_state(tea);
  Sequence seq = 0;
  const auto feed = [&](Tick tick) {
    auto outcome = reduce(tea, std::move(state), {++seq, Time(), std::move(tick)});
    state = std::move(outcome.state);
    for (const auto& command : outcome.commands)
      if (const auto* run = std::get_if<RunStep>(&command)) return *run;
    return RunStep{};
  };
  const auto ended = [&](const RunStep& run, Ending ending) {
    return StepEnded{.id = run.id, .published = {Sip{3}}, .sent = {}, .collects = {}, .answered_waiters = {}, .ending = std::move(ending)};
  };
  const auto first = feed(RunStarted{StartEvent()});
  CHECK(first.published == 0);
  feed(StepProgressed{first.id, {Sip{1}, Sip{2}}, {{Leaf{1}, {}}}});
  CHECK(std::get<RunStep>(pending(state).at(0)).published == 2);
  CHECK(std::get<RunStep>(pending(state).at(0)).sent == 1);
  feed(ended(first, Suspended{"w", &event_type<Ans>(), {}, std::nullopt, std::nullopt}));
  const auto second = feed(EventArrived{{Ans{"yes"}, {}}});
  CHECK(second.published == 3);
  const auto third = feed(ended(second, Failed{{"x", "y"}, Duration(0)}));
  CHECK(third.published == 0);
}
