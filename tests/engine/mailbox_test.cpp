// Events that nothing takes: kept in a mailbox, kept until a run that queued is idle, or told.
#include <doctest/doctest.h>

#include "actors/engine/reduce/reception.hpp"
#include "actors/engine/text/journal_codec.hpp"
#include "actors/engine/text/saved_context.hpp"
#include "tea.hpp"

#include <algorithm>

using namespace tea;
using namespace std::chrono_literals;

namespace {

Plan with_mailbox(std::uint32_t events_max, std::uint32_t num_workers = 1) {
  return plan({workers(step("taste", types<StartEvent>(), types<StopEvent, Water>()), num_workers),
               workers(step("more", types<Water>(), types<StopEvent, Water>()), num_workers)},
              std::nullopt, {{&event_type<Ans>(), events_max}});
}

Suspended receives(Object requirements = {}, std::optional<Duration> timeout = std::nullopt) {
  return {"w", &event_type<Ans>(), std::move(requirements), EventBox(Ask{"?"}), timeout, true};
}

/// Receives `count` events, each in an execution of its own; the last ends the run with all texts.
std::map<std::string, Body> receiving(int count, std::vector<std::string>& got, Object requirements = {}) {
  const Body body = [count, &got, requirements](const RunStep& run) -> Action {
    if (run.answers.empty()) return {.ending = receives(requirements)};
    got.push_back(run.answers[0].event ? run.answers[0].event->as<Ans>()->text : "nothing");
    auto action = static_cast<int>(got.size()) < count ? returns(Water{1}) : returns(StopEvent());
    action.answered = {"w"};
    return action;
  };
  return {{"taste", body}, {"more", body}};
}

std::size_t count_of(const Simulation& run, std::string_view what) {
  return static_cast<std::size_t>(
      std::count_if(run.stream().begin(), run.stream().end(), [&](const std::string& line) { return line.starts_with(what); }));
}

}  // namespace

TEST_CASE("mailbox: events that come at once are received one by one, in order, by a step that comes back for each") {
  std::vector<std::string> got;
  Simulation run(with_mailbox(10), receiving(3, got));
  run.start(StartEvent());
  for (const auto* text : {"a", "b", "c"}) run.send(1s, Ans{text});
  run.run();
  CHECK(got == std::vector<std::string>{"a", "b", "c"});
  CHECK(count_of(run, "UnhandledEvent") == 0);
  CHECK(count_of(run, "Ask") == 1);  // for the others there was nothing to wait for
  CHECK(run.stream().back() == "StopEvent");
}

TEST_CASE("mailbox: what came before the step asked waits for it; the oldest that meets the requirements is received") {
  std::vector<std::string> got;
  auto bodies = receiving(1, got, Object{{"text", "yes"}});
  const auto first = bodies["taste"];
  bodies["taste"] = [first](const RunStep& run) {
    auto action = first(run);
    if (run.answers.empty()) action.takes = 5s;
    return action;
  };
  Simulation run(with_mailbox(10), bodies);
  run.start(StartEvent());
  for (const auto* text : {"no", "yes", "yes"}) run.send(1s, Ans{text});
  run.run(2s);
  CHECK(run.state().mail.size() == 3);
  run.run();
  CHECK(got == std::vector<std::string>{"yes"});
  // What is left when the run ends is told.
  CHECK(count_of(run, R"(UnhandledEvent{"event_type":"Ans")") == 2);
  CHECK(run.stream().back() == "StopEvent");
}

TEST_CASE("mailbox: an event is received once, by whoever has waited for longest") {
  std::vector<std::string> order;
  const auto body = [&](const std::string& name) {
    return [&order, name](const RunStep& run) -> Action {
      if (run.answers.empty()) return {.ending = receives(), .takes = name == "taste" ? 2s : Duration(1s)};
      order.push_back(name + " " + run.answers[0].event->as<Ans>()->text);
      auto action = order.size() < 2 ? nothing() : returns(StopEvent());
      action.answered = {"w"};
      return action;
    };
  };
  Simulation run(plan({step("taste", types<StartEvent>(), types<StopEvent>()), step("wash", types<StartEvent>(), types<StopEvent>())},
                      std::nullopt, {{&event_type<Ans>(), 10}}),
                 {{"taste", body("taste")}, {"wash", body("wash")}});
  run.start(StartEvent());
  run.send(3s, Ans{"a"});
  run.send(4s, Ans{"b"});
  run.run();
  CHECK(order == std::vector<std::string>{"wash a", "taste b"});
}

TEST_CASE("mailbox: an answer belongs to a question that was asked; only what no question wants is kept") {
  // wait_for_event does not look into the mailbox: a double click never answers the next question.
  int asked = 0;
  const Body body = [&](const RunStep& run) -> Action {
    ++asked;
    if (run.answers.size() < 2)
      return {.ending = Suspended{"q" + std::to_string(run.answers.size()), &event_type<Ans>(), {}, EventBox(Ask{"?"}), std::nullopt}};
    return returns(StopEvent());
  };
  Simulation run(plan({step("taste", types<StartEvent>(), types<StopEvent>())}, std::nullopt, {{&event_type<Ans>(), 10}}),
                 {{"taste", body}});
  run.start(StartEvent());
  run.send(1s, Ans{"yes"});
  run.send(1s, Ans{"yes"});
  run.run();
  CHECK(asked == 2);
  CHECK(run.state().mail.size() == 1);
  CHECK_FALSE(run.ending());
}

TEST_CASE("mailbox: what a step sends into one that is full is told, and nothing that is kept is lost") {
  std::vector<std::string> got;
  auto bodies = receiving(3, got);
  const auto receive = bodies["taste"];
  bodies["taste"] = [](const RunStep&) {
    auto action = returns(Water{1});
    for (const auto* text : {"a", "b", "c"}) action.sent.push_back({Ans{text}, std::nullopt});
    return action;
  };
  Simulation run(with_mailbox(2), bodies);
  run.start(StartEvent());
  run.send(2s, Ans{"d"});
  run.run();
  CHECK(got == std::vector<std::string>{"a", "b", "d"});
  CHECK(count_of(run, R"(UnhandledEvent{"event_type":"Ans")") == 1);
}

TEST_CASE("mailbox: a wait for mail times out like any other") {
  std::vector<std::string> got;
  auto bodies = receiving(1, got);
  const auto rest = bodies["taste"];
  bodies["taste"] = [rest](const RunStep& run) -> Action { return run.answers.empty() ? Action{.ending = receives({}, 1s)} : rest(run); };
  Simulation run(with_mailbox(2), bodies);
  run.start(StartEvent());
  run.send(2s, Ans{"late"});
  run.run();
  CHECK(got == std::vector<std::string>{"nothing"});
}

TEST_CASE("mailbox: work that waits for a worker is not overtaken by what lies in the mailbox") {
  std::vector<std::string> order;
  const Body more = [&](const RunStep& run) -> Action {
    const auto name = std::to_string(run.event.as<Water>()->c);
    if (run.answers.empty()) {
      order.push_back("asks " + name);
      return {.ending = receives()};
    }
    order.push_back("has " + name);
    auto action = order.size() < 4 ? nothing() : returns(StopEvent());
    action.answered = {"w"};
    return action;
  };
  Simulation run(with_mailbox(10), {{"taste",
                                     [](const RunStep&) {
                                       Action action;
                                       action.sent = {{Ans{"a"}, {}}, {Ans{"b"}, {}}, {Water{1}, {}}, {Water{2}, {}}};
                                       return action;
                                     }},
                                    {"more", more}});
  run.start(StartEvent());
  run.run();
  CHECK(order == std::vector<std::string>{"asks 1", "asks 2", "has 1", "has 2"});
}

TEST_CASE("what comes while a run queues waits for a step that asks for it, until the run is idle for the first time") {
  auto tea = plan({step("taste", types<StartEvent>(), types<StopEvent>())});
  tea.num_concurrent_runs = 1;
  const Body body = [](const RunStep& run) -> Action {
    if (run.answers.size() < 2)
      return {.ending = Suspended{"q" + std::to_string(run.answers.size()), &event_type<Ans>(), {}, EventBox(Ask{"?"}), std::nullopt},
              .takes = 1s};
    return returns(StopEvent(run.answers[0].event->as<Ans>()->text + run.answers[1].event->as<Ans>()->text));
  };
  Simulation run(tea, {{"taste", body}});
  run.admit_after = 10s;
  run.start(StartEvent());
  run.send(1s, Ans{"a"});
  run.send(2s, Sip{1});
  SUBCASE("an answer for each question") {
    run.send(3s, Ans{"b"});
    run.run();
    CHECK(run.stream().back() == R"(StopEvent{"result":"ab"})");
    CHECK(count_of(run, "Ask") == 2);
  }
  SUBCASE("an answer for the first") {
    run.run(20s);
    CHECK(count_of(run, R"(UnhandledEvent{"event_type":"Sip","qualified_name":"tea.Sip","step_name":null,"idle":true})") == 1);
    CHECK(run.state().early.empty());
    run.send(1s, Ans{"c"});
    run.run();
    CHECK(run.stream().back() == R"(StopEvent{"result":"ac"})");
  }
  CHECK(count_of(run, "UnhandledEvent") == 1);
}

TEST_CASE("journals that were written before events were kept replay as they were lived") {
  auto tea = plan({step("taste", types<StartEvent>(), types<StopEvent>())}, std::nullopt, {{&event_type<Sip>(), 5}});
  tea.num_concurrent_runs = 1;
  auto state = initial_state(tea);
  Sequence sequence = 0;
  std::vector<std::string> told;
  const auto replay = [&](const std::string& text) {
    auto tick = decode_tick(tea, text);
    REQUIRE_MESSAGE(tick.ok(), tick.error().message);
    auto outcome = reduce(tea, std::move(state), {++sequence, Time(1000s), std::move(*tick)});
    state = std::move(outcome.state);
    for (const auto& command : outcome.commands)
      if (const auto* publish = std::get_if<PublishEvent>(&command))
        if (const auto* event = publish->event.as<UnhandledEvent>()) told.push_back(event->event_type);
  };
  SUBCASE("without a word about limits") {
    tea.num_concurrent_runs.reset();
    replay(R"({"tick":"run_started","event":{"type":"workflows.events.StartEvent","value":{}}})");
    replay(R"({"tick":"event_arrived","sent":{"event":{"type":"tea.Sip","value":{"n":1}},"target":null}})");
    CHECK(told == std::vector<std::string>{"Sip"});
  }
  SUBCASE("with limits, and queued") {
    replay(R"({"tick":"run_started","event":{"type":"workflows.events.StartEvent","value":{}},"limits":{"queues":true}})");
    replay(R"({"tick":"event_arrived","sent":{"event":{"type":"tea.Sip","value":{"n":1}},"target":null}})");
    replay(R"({"tick":"event_arrived","sent":{"event":{"type":"tea.Ans","value":{"text":"a"}},"target":null}})");
    replay(R"({"tick":"run_admitted"})");
    CHECK(told == std::vector<std::string>{"Sip", "Ans"});
  }
  CHECK(state.mail.empty());
  CHECK(state.early.empty());
}

TEST_CASE("what is kept, and who waits for mail, survives being written into a context") {
  const auto tea = with_mailbox(5);
  auto state = initial_state(tea);
  state.started = true;
  state.mail = {Ans{"a"}, Ans{"b"}};
  state.early = {Sip{1}};
  Waiter waiter;
  waiter.id = "w";
  waiter.type = &event_type<Ans>();
  waiter.requirements = Object{{"text", "c"}};
  waiter.receives = true;
  waiter.trigger.event = StartEvent();
  state.steps[0].waiters = {waiter};
  const auto again = read_context(tea, *parse_json(to_json(save_context(tea, state, {}))));
  REQUIRE_MESSAGE(again.ok(), again.error().message);
  REQUIRE(again->state->mail.size() == 2);
  CHECK(again->state->mail[1].as<Ans>()->text == "b");
  CHECK(again->state->early.at(0).as<Sip>()->n == 1);
  CHECK(again->state->steps[0].waiters.at(0).receives);
}

TEST_CASE("reception says what becomes of an event before it is taken in") {
  std::vector<std::string> got;
  Simulation run(with_mailbox(1), receiving(2, got, Object{{"text", "yes"}}));
  const auto becomes = [&](EventBox event) { return reception(run.plan(), run.state(), {std::move(event), std::nullopt}); };
  run.start(StartEvent());
  run.run(1s);
  CHECK(becomes(Ans{"yes"}) == Reception::taken);
  CHECK(becomes(Ans{"no"}) == Reception::kept);
  CHECK(becomes(Water{1}) == Reception::taken);
  CHECK(becomes(Sip{1}) == Reception::unhandled);
  CHECK(not_taken(run.plan(), run.state(), event_type<Sip>()) ==
        "Nothing in the run takes Sip now: the run waits for Ans with {\"text\":\"yes\"} (step 'taste')");
  run.send(1s, Ans{"no"});
  run.run(2s);
  CHECK(becomes(Ans{"no"}) == Reception::full);
  CHECK(becomes(Ans{"yes"}) == Reception::taken);
  CHECK(no_room(run.state(), event_type<Ans>()) ==
        "The run's mailbox for Ans is full: it keeps 1 events that have not been received yet: try again later");

  auto narrow = with_mailbox(1);
  narrow.num_concurrent_runs = 1;
  Simulation queued(narrow, receiving(1, got));
  const auto would = [&](EventBox event) { return reception(queued.plan(), queued.state(), {std::move(event), std::nullopt}); };
  queued.start(StartEvent());
  queued.run(1s);
  CHECK(would(Sip{1}) == Reception::early);
  CHECK(would(Ans{"a"}) == Reception::kept);
  queued.send(1s, Ans{"a"});
  queued.run(2s);
  CHECK(would(Ans{"b"}) == Reception::full);
  auto crowded = queued.state();
  crowded.held.resize(held_events_max, {Sip{1}, std::nullopt});
  CHECK(reception(narrow, crowded, {Water{1}, std::nullopt}) == Reception::full);
  CHECK(no_room(crowded, event_type<Water>()) == "The run has not begun, and 1000 events wait for that already: try again later");
}

TEST_CASE("a mailbox that could keep nothing is refused when the workflow is registered") {
  const auto refused = [](std::vector<MailboxPlan> mailboxes) -> std::string {
    try {
      plan({step("taste", types<StartEvent, Leaf>(), types<StopEvent>())}, std::nullopt, std::move(mailboxes));
    } catch (const WorkflowError& error) { return error.what(); }
    return "";
  };
  CHECK(refused({{&event_type<Ans>(), 1}, {&event_type<Sip>(), 1}}).find("mailbox<") == std::string::npos);
  CHECK(refused({{&event_type<Ans>(), 0}}) == "mailbox<Ans>(): it must keep at least one event");
  CHECK(refused({{&event_type<Ans>(), 1}, {&event_type<Ans>(), 2}}) == "mailbox<Ans>(): the workflow has declared it already");
  CHECK(refused({{&event_type<Leaf>(), 1}}) == "mailbox<Leaf>(): step 'taste' takes every Leaf, so none would be left to keep");
  CHECK(refused({{&event_type<Ask>(), 1}}) ==
        "mailbox<Ask>(): it keeps events between steps and those that people send, and Ask is another kind");
}
