// The golden transcripts of the contract's appendix A, and the rules behind them.
#include <doctest/doctest.h>

#include "tea.hpp"

using namespace tea;
using namespace std::chrono_literals;

TEST_CASE("brew: published events come before the end of their step, the stop event last") {
  Simulation run(plan({step("steep", types<StartEvent>(), types<StopEvent>())}),
                 {{"steep", [](const RunStep&) {
                     auto action = returns(StopEvent{Object{{"leaf", "oolong"}}});
                     action.published = {Sip{0}, Sip{1}};
                     return action;
                   }}});
  run.start(StartEvent());
  run.run();
  CHECK(run.transcript() ==
        R"(R steep[0] StartEvent | Sip{"n":0} | Sip{"n":1} | E steep[0] StartEvent->StopEvent | StopEvent{"result":{"leaf":"oolong"}})");
  REQUIRE(run.ending());
  CHECK(run.ending()->status == Status::completed);
}

static Simulation serve() {
  return {plan({step("ask", types<StartEvent>(), types<Ask>()), step("pour", types<Ans>(), types<StopEvent>())}),
          {{"ask", [](const RunStep&) { return returns(Ask{"?"}); }}, {"pour", [](const RunStep&) { return returns(StopEvent()); }}}};
}

TEST_CASE("serve: a question is published, the run idles, an answer goes on") {
  auto run = serve();
  run.start(StartEvent());
  run.send(1s, Ans{"yes"});
  run.run();
  CHECK(
      run.transcript() ==
      R"(R ask[0] StartEvent | E ask[0] StartEvent->Ask | Ask{"prompt":"?"} | WorkflowIdleEvent | R pour[0] Ans | E pour[0] Ans->StopEvent | StopEvent)");
}

TEST_CASE("serve: an event nobody takes is told, and the run is idle again; an unhandled question is not told") {
  auto run = serve();
  run.start(StartEvent());
  run.send(1s, Sip{1});
  run.send(2s, Ask{"!"});
  run.run();
  CHECK(run.stream().at(4) == R"(UnhandledEvent{"event_type":"Sip","qualified_name":"tea.Sip","step_name":null,"idle":true})");
  CHECK(run.stream().at(5) == "WorkflowIdleEvent");
  CHECK(run.stream().at(6) == "WorkflowIdleEvent");
  CHECK(run.stream().size() == 7);
}

static Body taste(std::optional<Duration> timeout) {
  return [timeout](const RunStep& run) -> Action {
    if (run.answers.empty()) return {.ending = Suspended{"w", &event_type<Ans>(), Object{{"text", "yes"}}, EventBox(Ask{"?"}), timeout}};
    if (!run.answers[0].event) return fails("Timed out waiting for Ans");
    auto action = returns(StopEvent());
    action.answered = {"w"};
    return action;
  };
}

TEST_CASE("taste: only an event that meets the requirements ends a wait") {
  Simulation run(plan({step("taste", types<StartEvent>(), types<StopEvent>())}), {{"taste", taste(std::nullopt)}});
  run.start(StartEvent());
  run.send(1s, Ans{"no"});
  run.send(2s, Ans{"yes"});
  run.run();
  CHECK(run.transcript() ==
        R"(R taste[0] StartEvent | E taste[0] StartEvent->null | Ask{"prompt":"?"} | WorkflowIdleEvent | )"
        R"(UnhandledEvent{"event_type":"Ans","qualified_name":"tea.Ans","step_name":null,"idle":true} | WorkflowIdleEvent | )"
        R"(R taste[0] StartEvent | E taste[0] StartEvent->StopEvent | StopEvent)");
}

TEST_CASE("taste: a wait that times out fails the step") {
  Simulation run(plan({step("taste", types<StartEvent>(), types<StopEvent>())}), {{"taste", taste(200ms)}});
  run.start(StartEvent());
  run.run();
  REQUIRE(run.stream().size() == 7);
  CHECK(run.stream().at(5) == "E taste[0] StartEvent->null");
  CHECK(run.stream().at(6).starts_with(
      R"(WorkflowFailedEvent{"step_name":"taste","exception":{"exception_type":"test.Error","exception_message":"Timed out waiting for Ans"},"attempts":1)"));
}

TEST_CASE("a resolved wait keeps attempts and recoveries, and is not resolved twice") {
  int asked = 0;
  Simulation run(plan({step("taste", types<StartEvent>(), types<StopEvent>())}),
                 {{"taste", [&](const RunStep& step) -> Action {
                     if (step.failures == 0) return fails("cold", Duration(0));
                     if (!step.answers.empty())
                       return {.ending = Returned{{StopEvent{std::int64_t(step.failures)}}, false}, .takes = 1s, .answered = {"w"}};
                     ++asked;
                     return {.ending = Suspended{"w", &event_type<Ans>(), {}, std::nullopt, std::nullopt}};
                   }}});
  run.start(StartEvent());
  run.send(1s, Ans{"a"});
  run.send(1500ms, Ans{"b"});  // while the resumed body still runs: nobody waits any more
  run.run();
  CHECK(asked == 1);
  CHECK(run.transcript().find(R"(UnhandledEvent{"event_type":"Ans")") != std::string::npos);
  CHECK(run.stream().back() == R"(StopEvent{"result":1})");
}

TEST_CASE("gather: sent events run after the step that sent them, and the run does not look idle in between") {
  Simulation run(plan({step("lay", types<StartEvent>(), types<Leaf>()), step("make", types<Leaf>(), types<Cup>()),
                       step("tray", types<Cup>(), types<StopEvent>())}),
                 {{"lay",
                   [](const RunStep&) {
                     return Action{.sent = {{Leaf{0}, {}}, {Leaf{1}, {}}}};
                   }},
                  {"make",
                   [](const RunStep& r) {
                     auto a = returns(Cup{r.event.as<Leaf>()->i});
                     a.takes = 1ms * (1 + r.event.as<Leaf>()->i * 5);
                     return a;
                   }},
                  {"tray", [](const RunStep& r) {
                     const auto call = collect_call(r, {{&event_type<Cup>(), 2}});
                     Action action;
                     if (call.outcome == Collected::fired) action = returns(StopEvent{"both"});
                     action.collects = {call};
                     return action;
                   }}});
  run.start(StartEvent());
  run.run();
  CHECK(run.transcript() ==
        "R lay[0] StartEvent | E lay[0] StartEvent->NoneType | R make[0] Leaf | R make[1] Leaf | E make[0] Leaf->Cup | R tray[0] Cup | "
        "E tray[0] Cup->NoneType | E make[1] Leaf->Cup | R tray[0] Cup | E tray[0] Cup->StopEvent | StopEvent{\"result\":\"both\"}");
}

TEST_CASE("collect_events: bodies that decided on an old snapshot run again, silently, and nothing is counted twice") {
  int bodies = 0;
  Simulation run(plan({step("lay", types<StartEvent>(), types<Cup>()), step("tray", types<Cup>(), types<StopEvent>())}),
                 {{"lay",
                   [](const RunStep&) {
                     return Action{.sent = {{Cup{0}, {}}, {Cup{1}, {}}, {Cup{2}, {}}}};
                   }},
                  {"tray", [&](const RunStep& r) {
                     ++bodies;
                     const auto call = collect_call(r, {{&event_type<Cup>(), 3}});
                     Action action;
                     if (call.outcome == Collected::fired) action = returns(StopEvent());
                     action.published = {Sip{r.event.as<Cup>()->i}};
                     action.collects = {call};
                     return action;
                   }}});
  run.start(StartEvent());
  run.run();
  CHECK(bodies == 4);  // three, and the last one once more
  CHECK(
      run.transcript() ==
      R"(R lay[0] StartEvent | E lay[0] StartEvent->NoneType | R tray[0] Cup | R tray[1] Cup | R tray[2] Cup | )"
      R"(Sip{"n":0} | E tray[0] Cup->NoneType | Sip{"n":1} | E tray[1] Cup->NoneType | Sip{"n":2} | E tray[2] Cup->StopEvent | StopEvent)");
}

TEST_CASE("decide: what is expected, what is there, what is missing") {
  const TypeCounts two_cups_one_leaf{{&event_type<Cup>(), 2}, {&event_type<Leaf>(), 1}};
  BufferPtr buffer;
  CHECK(decide(buffer, event_type<Cup>(), two_cups_one_leaf) == Collected::buffered);
  CHECK(decide(buffer, event_type<Sip>(), two_cups_one_leaf) == Collected::dropped);
  buffer = std::make_shared<const Buffer>(buffer, Cup{0});
  buffer = std::make_shared<const Buffer>(buffer, Cup{1});
  CHECK(decide(buffer, event_type<Cup>(), two_cups_one_leaf) == Collected::dropped);
  CHECK(decide(buffer, event_type<Leaf>(), two_cups_one_leaf) == Collected::fired);
  for (int i = 0; i < 200000; ++i) buffer = std::make_shared<const Buffer>(buffer, Cup{i});
  buffer.reset();  // must not exhaust the stack
}

static Body flaky(std::uint32_t failures, Duration delay) {
  return [=](const RunStep& run) {
    return run.failures < failures ? fails("cold " + std::to_string(run.failures), run.failures < 2 ? std::optional(delay) : std::nullopt)
                                   : returns(StopEvent());
  };
}

TEST_CASE("flaky: a retry shows as another start, and waits without a slot") {
  Simulation run(plan({step("boil", types<StartEvent>(), types<StopEvent>())}), {{"boil", flaky(1, 50ms)}});
  run.start(StartEvent());
  run.run();
  CHECK(run.transcript() ==
        "R boil[0] StartEvent | E boil[0] StartEvent->null | R boil[0] StartEvent | E boil[0] StartEvent->StopEvent | StopEvent");
}

TEST_CASE("flaky: when retries are used up the run fails with the last error") {
  Simulation run(plan({step("boil", types<StartEvent>(), types<StopEvent>())}), {{"boil", flaky(9, 50ms)}});
  run.start(StartEvent());
  run.run();
  REQUIRE(run.stream().size() == 7);
  CHECK(run.stream().back().starts_with(
      R"(WorkflowFailedEvent{"step_name":"boil","exception":{"exception_type":"test.Error","exception_message":"cold 2"},"attempts":3,"elapsed_seconds":0.1)"));
  CHECK(run.ending()->error == "cold 2");
  CHECK(run.ending()->status == Status::failed);
}

TEST_CASE("rescue and relapse: an error handler has its budget along an event's ancestry") {
  const auto make = [](bool relapse) {
    return Simulation(plan({step("boil", types<StartEvent, Water>(), types<StopEvent>()), error_handler("fix", types<StopEvent, Water>())}),
                      {{"boil", [](const RunStep&) { return fails("cold"); }},
                       {"fix", [relapse](const RunStep& r) {
                          CHECK(r.event.as<StepFailedEvent>()->exception.exception_message == "cold");
                          return relapse ? returns(Water{1}) : returns(StopEvent());
                        }}});
  };
  auto rescue = make(false);
  rescue.start(StartEvent());
  rescue.run();
  CHECK(rescue.transcript() ==
        "R boil[0] StartEvent | E boil[0] StartEvent->null | R fix[0] StepFailedEvent | E fix[0] StepFailedEvent->StopEvent | StopEvent");
  auto relapse = make(true);
  relapse.start(StartEvent());
  relapse.run();
  CHECK(relapse.stream().at(5) == "E boil[0] Water->null");
  CHECK(relapse.stream().at(6).starts_with("WorkflowFailedEvent"));
}

TEST_CASE("slow and cancelled: both end at once, naming what ran") {
  const auto make = [] {
    return Simulation(plan({step("wait", types<StartEvent>(), types<StopEvent>())}, 200ms),
                      {{"wait", [](const RunStep&) {
                          return Action{.ending = Returned{{StopEvent()}, false}, .takes = 10s};
                        }}});
  };
  auto slow = make();
  slow.start(StartEvent());
  slow.run();
  CHECK(slow.transcript() == R"(R wait[0] StartEvent | WorkflowTimedOutEvent{"timeout":0.2,"active_steps":["wait"]})");
  CHECK(slow.ending()->error == "Workflow timed out after 0.2s");
  auto cancelled = make();
  cancelled.start(StartEvent());
  cancelled.cancel(100ms);
  cancelled.run();
  CHECK(cancelled.transcript() == "R wait[0] StartEvent | WorkflowCancelledEvent");
  CHECK(cancelled.ending()->status == Status::cancelled);
}

TEST_CASE("race: nothing follows a stop event") {
  Simulation run(plan({step("a", types<StartEvent>(), types<StopEvent>()), step("b", types<StartEvent>(), types<StopEvent>())}),
                 {{"a", [](const RunStep&) { return returns(StopEvent{"a"}); }},
                  {"b", [](const RunStep&) {
                     return Action{.ending = Returned{{StopEvent{"b"}}, false}, .takes = 5ms, .published = {Sip{1}}};
                   }}});
  run.start(StartEvent());
  run.run();
  CHECK(run.transcript() == R"(R a[0] StartEvent | R b[0] StartEvent | E a[0] StartEvent->StopEvent | StopEvent{"result":"a"})");
}

TEST_CASE("loop, two takers, unions and targets route as declared") {
  Simulation loop(plan({step("go", types<StartEvent, Water>(), types<Water, StopEvent>())}), {{"go", [](const RunStep& r) {
                                                                                                 const auto* water = r.event.as<Water>();
                                                                                                 const int c = water ? water->c : 0;
                                                                                                 return c == 2 ? returns(StopEvent{c})
                                                                                                               : returns(Water{c + 1});
                                                                                               }}});
  loop.start(StartEvent());
  loop.run();
  CHECK(
      loop.transcript() ==
      R"(R go[0] StartEvent | E go[0] StartEvent->Water | R go[0] Water | E go[0] Water->Water | R go[0] Water | E go[0] Water->StopEvent | StopEvent{"result":2})");

  const auto two = plan({step("a", types<StartEvent>(), types<Leaf>()), step("p", types<Leaf>(), types<StopEvent>()),
                         step("q", types<Leaf>(), types<StopEvent>())});
  const auto q = *find_step(two, "q");
  Simulation targeted(two, {{"a",
                             [q](const RunStep&) {
                               return Action{.sent = {{Leaf{1}, q}}};
                             }},
                            {"p", [](const RunStep&) { return returns(StopEvent{"p"}); }},
                            {"q", [](const RunStep&) { return returns(StopEvent{"q"}); }}});
  targeted.start(StartEvent());
  targeted.run();
  CHECK(targeted.transcript() ==
        R"(R a[0] StartEvent | E a[0] StartEvent->NoneType | R q[0] Leaf | E q[0] Leaf->StopEvent | StopEvent{"result":"q"})");
}

TEST_CASE("a step that asks for it takes descendants") {
  auto broad = step("b", types<Leaf>(), types<StopEvent>());
  broad.accept_subclasses = true;
  Simulation run(plan({step("a", types<StartEvent>(), types<Green>()), broad}),
                 {{"a", [](const RunStep&) { return returns(Green{7}); }}, {"b", [](const RunStep&) { return returns(StopEvent()); }}});
  run.start(StartEvent());
  run.run();
  CHECK(run.transcript() == "R a[0] StartEvent | E a[0] StartEvent->Green | R b[0] Green | E b[0] Green->StopEvent | StopEvent");
}

static std::map<std::string, Body> party_bodies(int guests) {
  return {{"lay",
           [guests](const RunStep&) {
             std::vector<EventBox> leaves;
             for (int i = 0; i < guests; ++i) leaves.emplace_back(Leaf{i});
             return returns_list(std::move(leaves));
           }},
          {"make",
           [](const RunStep& r) {
             auto action = returns(Cup{r.event.as<Leaf>()->i});
             action.takes = 10ms * (1 + r.event.as<Leaf>()->i);
             return action;
           }},
          {"tray", [](const RunStep& r) {
             Value::Array cups;
             for (const auto& event : r.release->events) cups.emplace_back(event.as<Cup>()->i);
             return returns(StopEvent{Value(std::move(cups))});
           }}};
}

TEST_CASE("party: a list fans out, its members are collected once all are there") {
  const auto tea = plan({fan_out("lay", types<StartEvent>(), types<Leaf>()), workers(step("make", types<Leaf>(), types<Cup>()), 2),
                         collect("tray", types<Cup>(), types<StopEvent>())});
  Simulation three(tea, party_bodies(3));
  three.start(StartEvent());
  three.run();
  CHECK(
      three.transcript() ==
      "R lay[0] StartEvent | E lay[0] StartEvent->Leaf | R make[0] Leaf | R make[1] Leaf | P make Leaf | E make[0] Leaf->Cup | R make[0] Leaf | "
      "E make[1] Leaf->Cup | E make[0] Leaf->Cup | R tray[0] CollectionReleaseEvent | E tray[0] CollectionReleaseEvent->StopEvent | StopEvent{\"result\":[0,1,2]}");
  Simulation none(tea, party_bodies(0));
  none.start(StartEvent());
  none.run();
  CHECK(
      none.transcript() ==
      "R lay[0] StartEvent | E lay[0] StartEvent->NoneType | R tray[0] CollectionReleaseEvent | E tray[0] CollectionReleaseEvent->StopEvent | StopEvent{\"result\":[]}");
}

TEST_CASE("first: take(1) fires at the first arrival and ignores the rest") {
  auto bodies = party_bodies(3);
  bodies["make"] = [](const RunStep& r) {
    auto a = returns(Cup{r.event.as<Leaf>()->i});
    a.takes = 10ms * (3 - r.event.as<Leaf>()->i);
    return a;
  };
  bodies["tray"] = [tray = bodies["tray"]](const RunStep& r) {
    auto a = tray(r);
    a.takes = 250ms;
    return a;
  };
  Simulation run(plan({fan_out("lay", types<StartEvent>(), types<Leaf>()), step("make", types<Leaf>(), types<Cup>()),
                       collect("tray", types<Cup>(), types<StopEvent>(), 1)}),
                 bodies);
  run.start(StartEvent());
  run.run();
  CHECK(
      run.transcript() ==
      "R lay[0] StartEvent | E lay[0] StartEvent->Leaf | R make[0] Leaf | R make[1] Leaf | R make[2] Leaf | E make[2] Leaf->Cup | R tray[0] CollectionReleaseEvent | "
      "E make[1] Leaf->Cup | E make[0] Leaf->Cup | E tray[0] CollectionReleaseEvent->StopEvent | StopEvent{\"result\":[2]}");
}

TEST_CASE("nested: each level of fan-out is collected by its own step") {
  Simulation run(plan({fan_out("boxes", types<StartEvent>(), types<Water>()), collect("inner", types<Leaf>(), types<Cup>()),
                       fan_out("leaves", types<Water>(), types<Leaf>()), collect("outer", types<Cup>(), types<StopEvent>())}),
                 {{"boxes",
                   [](const RunStep&) {
                     return returns_list({Water{0}, Water{1}});
                   }},
                  {"leaves",
                   [](const RunStep& r) {
                     auto a = returns_list({Leaf{0}, Leaf{1}});
                     a.takes = 1ms * (1 + 5 * r.event.as<Water>()->c);
                     return a;
                   }},
                  {"inner",
                   [](const RunStep& r) {
                     auto a = returns(Cup{static_cast<int>(r.release->events.size())});
                     a.takes = 20ms;
                     return a;
                   }},
                  {"outer", [](const RunStep& r) { return returns(StopEvent{static_cast<int>(r.release->events.size())}); }}});
  run.start(StartEvent());
  run.run();
  CHECK(
      run.transcript() ==
      "R boxes[0] StartEvent | E boxes[0] StartEvent->Water | R leaves[0] Water | R leaves[1] Water | E leaves[0] Water->Leaf | R inner[0] CollectionReleaseEvent | "
      "E leaves[1] Water->Leaf | R inner[1] CollectionReleaseEvent | E inner[0] CollectionReleaseEvent->Cup | E inner[1] CollectionReleaseEvent->Cup | "
      "R outer[0] CollectionReleaseEvent | E outer[0] CollectionReleaseEvent->StopEvent | StopEvent{\"result\":2}");
}

TEST_CASE("an event sent from outside a stream to a collect step fails the run when targeted, and is told when not") {
  const auto tea = plan({fan_out("lay", types<StartEvent>(), types<Leaf>()), step("make", types<Leaf>(), types<Cup>()),
                         collect("tray", types<Cup>(), types<StopEvent>())});
  auto bodies = party_bodies(1);
  bodies["make"] = [](const RunStep&) {
    auto a = returns(Cup{0});
    a.takes = 10s;
    return a;
  };
  Simulation targeted(tea, bodies);
  targeted.start(StartEvent());
  targeted.send(1s, Cup{9}, *find_step(tea, "tray"));
  targeted.run();
  CHECK(targeted.ending()->error.starts_with("Cup was sent to collect step 'tray' via send_event(step=...)"));
  Simulation untargeted(tea, bodies);
  untargeted.start(StartEvent());
  untargeted.send(1s, Cup{9});
  untargeted.run();
  CHECK(untargeted.stream().at(3) == R"(UnhandledEvent{"event_type":"Cup","qualified_name":"tea.Cup","step_name":"tray","idle":false})");
  CHECK(untargeted.stream().back() == R"(StopEvent{"result":[0]})");
}

TEST_CASE("recorded values come back to every repetition of their piece of work and to no other") {
  auto tea = plan({step("boil", types<StartEvent>(), types<StopEvent>())});
  auto state = initial_state(tea);
  auto feed = [&, seq = Sequence(0)](Tick tick) mutable {
    auto outcome = reduce(tea, std::move(state), {++seq, Time(Duration(static_cast<std::int64_t>(seq))), std::move(tick)});
    state = std::move(outcome.state);
    return std::move(outcome.commands);
  };
  auto commands = feed(RunStarted{StartEvent()});
  const auto id = std::get<RunStep>(commands.back()).id;
  commands = feed(ValueRecorded{id, "draft", "42"});
  CHECK(std::get<AcknowledgeValue>(commands.at(0)).name == "draft");
  commands = feed(
      StepEnded{.id = id, .published = {}, .sent = {}, .collects = {}, .answered_waiters = {}, .ending = Failed{{"x", "y"}, Duration(0)}});
  const auto& again = std::get<RunStep>(commands.back());
  CHECK(again.failures == 1);
  CHECK(again.recorded.at("draft") == "42");
  CHECK(feed(ValueRecorded{id, "late", "1"}).empty());  // that invocation is over
}

TEST_CASE("steps that take the same event never see each other's recorded values") {
  auto tea = plan({step("boil", types<StartEvent>(), types<Leaf>()), step("pay", types<StartEvent>(), types<Leaf>()),
                   step("end", types<Leaf>(), types<StopEvent>())});
  auto outcome = reduce(tea, initial_state(tea), {1, Time(), RunStarted{StartEvent()}});
  std::vector<InvocationId> ids;
  for (const auto& command : outcome.commands)
    if (const auto* run = std::get_if<RunStep>(&command)) ids.push_back(run->id);
  REQUIRE(ids.size() == 2);
  Sequence seq = 1;
  const auto feed = [&](Tick tick) { outcome = reduce(tea, std::move(outcome.state), {++seq, Time(), std::move(tick)}); };
  const auto end = [&](InvocationId id, Ending ending) {
    feed(StepEnded{.id = id, .published = {}, .sent = {}, .collects = {}, .answered_waiters = {}, .ending = std::move(ending)});
  };
  feed(ValueRecorded{ids[0], "charge", "1"});
  feed(ValueRecorded{ids[1], "charge", "2"});
  end(ids[0], Returned{});  // its values are done with, the other's are not
  end(ids[1], Failed{{"x", "y"}, Duration(0)});
  CHECK(std::get<RunStep>(outcome.commands.back()).recorded.at("charge") == "2");
}

TEST_CASE("what a repeated report brings is ignored") {
  auto tea = plan({workers(step("boil", types<StartEvent>(), types<Leaf>()), 2), step("end", types<Leaf>(), types<StopEvent>())});
  auto outcome = reduce(tea, initial_state(tea), {1, Time(), RunStarted{StartEvent()}});
  const auto id = std::get<RunStep>(outcome.commands.back()).id;
  const StepEnded ended{.id = id,
                        .published = {Sip{1}},
                        .sent = {{Leaf{1}, {}}},
                        .collects = {},
                        .answered_waiters = {},
                        .ending = Returned{{Leaf{2}}, false}};
  outcome = reduce(tea, std::move(outcome.state), {2, Time(), ended});
  CHECK_FALSE(outcome.commands.empty());
  const auto before = dump(outcome.state);
  outcome = reduce(tea, std::move(outcome.state), {3, Time(), ended});
  CHECK(outcome.commands.empty());
  CHECK(dump(outcome.state) == before);
}
