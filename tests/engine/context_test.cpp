// Contexts as the Python library's JSON serialiser writes them, and ours (contract 5.13).
#include <doctest/doctest.h>

#include "actors/engine/text/saved_context.hpp"
#include "actors/engine/text/state_codec.hpp"
#include "tea.hpp"

#include <algorithm>

using namespace tea;

namespace {

Plan steeping() {
  return plan({step("steep", types<StartEvent>(), types<StopEvent, Leaf>()), step("taste", types<Leaf, Ans>(), types<StopEvent>())});
}

SavedContext read(const std::string& json, const Plan& tea = steeping()) {
  auto out = read_context(tea, *parse_json(json));
  REQUIRE_MESSAGE(out.ok(), out.error().message);
  return std::move(*out);
}
std::string refusal_of(const std::string& json) {
  const auto out = read_context(steeping(), *parse_json(json));
  return out.ok() ? "" : out.error().message;
}

}  // namespace

TEST_CASE("a finished context of the Python library gives its state") {
  const auto context = read(
      R"({"version":2,"state":{"store_type":"in_memory","state_type":"DictState","state_module":"workflows.context.state_store",)"
      R"("state_data":{"_data":{"leaf":"\"oolong\"","grams":"5","order":"{\"__is_pydantic\":true,\"value\":{\"cups\":2},\"qualified_name\":\"tea.Order\"}"}}},)"
      R"("is_running":false,"workers":{"steep":{"queue":[],"in_progress":[],"collected_events":{},"static_collect_events":[],"collected_waiters":[]}},)"
      R"("stream_seq":0,"work_item_seq":2,"streams":{},"collection_release_states":{}})");
  CHECK_FALSE(context.state);
  CHECK(context.states.at("") == Object{{"leaf", "oolong"}, {"grams", 5}, {"order", Object{{"cups", 2}}}});
}

TEST_CASE("a finished context is written byte for byte as the Python library writes it") {
  const auto tea = plan({step("steep", types<StartEvent>(), types<StopEvent>())});
  auto state = initial_state(tea);
  state.work_item_last = 2;
  CHECK(to_json(save_context(tea, state, {{"", Object{{"leaf", "oolong"}, {"grams", 5}}}})) ==
        R"({"version":2,"state":{"store_type":"in_memory","state_type":"DictState","state_module":"workflows.context.state_store",)"
        R"("state_data":{"_data":{"leaf":"\"oolong\"","grams":"5"}}},"is_running":false,)"
        R"("workers":{"steep":{"queue":[],"in_progress":[],"collected_events":{},"static_collect_events":[],"collected_waiters":[]}},)"
        R"("stream_seq":0,"work_item_seq":2,"streams":{},"collection_release_states":{}})");
}

TEST_CASE("typed state of the Python library is known by its fields") {
  const auto context = read(
      R"({"version":2,"state":{"store_type":"in_memory","state_type":"Cart","state_module":"shop",)"
      R"("state_data":"{\"__is_pydantic\": true, \"value\": {\"items\": 2, \"owner\": \"Ada\"}, \"qualified_name\": \"shop.Cart\"}"},"is_running":false})");
  CHECK(context.states.at("") == Object{{"items", 2}, {"owner", "Ada"}});
}

TEST_CASE("a running context of the Python library goes on from its queues, counters and errors") {
  const auto context = read(
      R"({"version":2,"state":{},"is_running":true,"work_item_seq":7,"workers":{"taste":{"queue":[{)"
      R"("event":"{\"__is_pydantic\": true, \"value\": {\"i\": 3}, \"qualified_name\": \"tea.Leaf\"}","bound_events":null,"attempts":2,)"
      R"("first_attempt_at":1700000000.5,"last_exception":{"exception_type":"builtins.RuntimeError","exception_message":"cold"},)"
      R"("last_failed_at":1700000001.0,"recovery_counts":{},"not_before":1700000009.0,"scope_path":[],"collection_release_payload":null,)"
      R"("work_item_id":"work_item_4"}],"in_progress":[],"collected_events":{},"static_collect_events":[],"collected_waiters":[]},)"
      R"("gone":{"queue":[{"event":"?"}]}}})");
  REQUIRE(context.state);
  CHECK(context.state->started);
  const auto& attempt = context.state->steps[1].queue.at(0);
  CHECK(attempt.event.as<Leaf>()->i == 3);
  CHECK(attempt.failures == 2);
  CHECK(attempt.work_item == 4);
  CHECK(attempt.last_failure->error.exception_message == "cold");
  CHECK(attempt.first_attempt_at->time_since_epoch() == std::chrono::milliseconds(1700000000500));
  CHECK(attempt.not_before->time_since_epoch() == std::chrono::seconds(1700000009));
}

namespace {

const std::string leaf_text = R"("{\"__is_pydantic\":true,\"value\":{\"i\":1},\"qualified_name\":\"tea.Leaf\"}")";
const std::string yes_text = R"("{\"__is_pydantic\":true,\"value\":{\"text\":\"yes\"},\"qualified_name\":\"tea.Ans\"}")";

Plan asking() {
  Plan out;
  out.class_name = "Tea";
  out.steps = {step("steep", types<StartEvent>(), types<StopEvent, Leaf>()), step("taste", types<Leaf>(), types<StopEvent>())};
  out.additional_events = types<Ans>();
  complete(out);
  return out;
}

/// Asks, and ends the run with a yes.
std::map<std::string, Body> tasting() {
  return {
      {"steep", [](const RunStep&) { return nothing(); }},
      {"taste", [](const RunStep& run) {
         const auto id = "waiter_tea.Ans_{\"text\":\"yes\"}_work_item_" + std::to_string(run.work_item);
         for (const auto& answer : run.answers)
           if (answer.waiter_id == id) return returns(StopEvent{answer.event->field("text")});
         Action action{
             .ending = Suspended{
                 .waiter_id = id, .type = &event_type<Ans>(), .requirements = Object{{"text", "yes"}}, .publish = Ask{"?"}, .timeout = {}}};
         return action;
       }}};
}

SavedContext tasted(const std::string& worker) {
  return read(R"({"version":2,"is_running":true,"workers":{"taste":{)" + worker + "}}}", asking());
}

}  // namespace

TEST_CASE("a wait whose requirements were not written goes on: its body says them once more, and asks nobody again") {
  const auto context =
      tasted(R"("collected_waiters":[{"waiter_id":"waiter_tea.Ans_{\"text\":\"yes\"}_work_item_2","event":)" + leaf_text +
             R"(,"waiting_for_event":"tea.Ans","has_requirements":true,"resolved_event":null,"work_item_id":"work_item_2"}])");
  Simulation run(asking(), tasting());
  run.restore(context.state);
  run.send(std::chrono::microseconds(1), Ans{"no"});  // nobody knows yet what it waits for
  run.send(std::chrono::seconds(1), Ans{"no"});
  run.send(std::chrono::seconds(2), Ans{"yes"});
  run.run();
  CHECK(run.transcript().find("Ask") == std::string::npos);
  CHECK(std::count(run.stream().begin(), run.stream().end(), "R taste[0] Leaf") == 2);
  CHECK(run.stream().back() == R"(StopEvent{"result":"yes"})");
  Simulation impatient(asking(), tasting());
  impatient.restore(context.state);
  impatient.send(std::chrono::seconds(1), Ans{"no"});
  impatient.run();
  REQUIRE(impatient.state().steps[1].waiters.size() == 1);
  CHECK(impatient.state().steps[1].waiters[0].pending());
}

TEST_CASE("an answer that has come is used, also where the context does not say whose it is") {
  const auto waiter = R"("collected_waiters":[{"waiter_id":"waiter_tea.Ans_{\"text\":\"yes\"}","event":)" + leaf_text +
                      R"(,"waiting_for_event":"tea.Ans","has_requirements":true,"resolved_event":)" + yes_text + "}]";
  for (const auto& queue : {std::string(), R"("queue":[{"event":)" + leaf_text + "}],"}) {
    CAPTURE(queue);
    Simulation run(asking(), tasting());
    run.restore(tasted(queue + waiter).state);
    run.run();
    CHECK(run.transcript() == R"(R taste[0] Leaf | E taste[0] Leaf->StopEvent | StopEvent{"result":"yes"})");
  }
}

TEST_CASE("a context of a run that does not go on gives its queues to the one that begins") {
  auto context = read(R"({"version":2,"is_running":false,"work_item_seq":7,"workers":{"taste":{"queue":[{"event":)" + leaf_text + "}]}}}");
  REQUIRE(context.state);
  CHECK_FALSE(context.state->started);
  CHECK_FALSE(read(R"({"version":2,"is_running":false,"workers":{"taste":{"queue":[],"collected_waiters":[]}}})").state);
  for (const bool queues : {false, true}) {
    auto tea = asking();
    if (queues) tea.num_concurrent_runs = 1;
    auto state = std::make_shared<State>(*context.state);
    state->held.push_back({StartEvent(), std::nullopt});
    Simulation run(tea, tasting());
    run.admit_after = std::chrono::seconds(1);
    run.restore(state);
    run.send(std::chrono::seconds(5), Ans{"yes"});
    run.run();
    CHECK(run.transcript().starts_with("R taste[0] Leaf | R steep[0] StartEvent | "));
    CHECK(run.state().status == Status::completed);
  }
}

TEST_CASE("a waiter without requirements waits on; one whose requirements were not written waits on and asks again") {
  const std::string waiter =
      R"({"version":2,"is_running":true,"workers":{"taste":{"collected_waiters":[{"waiter_id":"w",)"
      R"("event":"{\"__is_pydantic\":true,\"value\":{\"i\":1},\"qualified_name\":\"tea.Leaf\"}","waiting_for_event":"tea.Ans",)"
      R"("has_requirements":HAS,"resolved_event":null,"scope_path":[],"work_item_id":"work_item_2"}]}}})";
  const auto with = [&](const char* has) {
    auto text = waiter;
    text.replace(text.find("HAS"), 3, has);
    return read(text);
  };
  CHECK(with("false").state->steps[1].waiters.size() == 1);
  CHECK(with("false").state->steps[1].queue.empty());
  CHECK(with("true").state->steps[1].waiters.size() == 1);
  CHECK(with("true").state->steps[1].queue.size() == 1);
}

TEST_CASE("what a wait requires, its deadline and that it timed out survive being written") {
  const auto tea = steeping();
  auto state = initial_state(tea);
  state.started = true;
  Waiter waiter;
  waiter.id = "w";
  waiter.type = &event_type<Ans>();
  waiter.requirements = Object{{"text", "yes"}};
  waiter.trigger.event = Leaf{1};
  waiter.trigger.failures = 2;
  waiter.trigger.recoveries = {{0, 1}};
  waiter.trigger.work_item = 5;
  waiter.deadline = Time(std::chrono::seconds(1800000000));
  state.steps[1].waiters = {waiter};
  waiter.timed_out = true;
  waiter.trigger.work_item = 6;
  state.steps[1].waiters.push_back(waiter);
  const auto again = read(to_json(save_context(tea, state, {})));
  REQUIRE(again.state->steps[1].waiters.size() == 2);
  const auto& first = again.state->steps[1].waiters[0];
  CHECK(first.requirements == Object{{"text", "yes"}});
  CHECK(first.deadline == waiter.deadline);
  CHECK_FALSE(first.timed_out);
  CHECK(first.trigger.failures == 2);
  CHECK(first.trigger.recoveries == Recoveries{{0, 1}});
  CHECK(again.state->steps[1].waiters[1].timed_out);
}

TEST_CASE("older formats are read: plain events in progress, and queues as texts") {
  const std::string leaf = R"("{\"__is_pydantic\":true,\"value\":{\"i\":1},\"qualified_name\":\"tea.Leaf\"}")";
  const auto one = read(R"({"version":1,"is_running":true,"workers":{"taste":{"in_progress":[)" + leaf + "]}}}");
  CHECK(one.state->steps[1].queue.at(0).event.as<Leaf>());
  const auto zero = read(R"({"is_running":true,"queues":{"taste":"[\"{\\\"__is_pydantic\\\":true,\\\"value\\\":{\\\"i\\\":1},)"
                         R"(\\\"qualified_name\\\":\\\"tea.Leaf\\\"}\"]"}})");
  CHECK(zero.state->steps[1].queue.at(0).event.as<Leaf>());
}

TEST_CASE("run_once results of contexts and snapshots that do not say whose they are stay with every step") {
  const std::map<std::string, std::string> charged{{"charge", "7"}};
  const auto context = read(R"({"version":2,"is_running":true,"workers":{},"recorded":{"work_item_2":{"charge":"7"}}})");
  const auto snapshot = decode_state(steeping(), R"({"started":true,"last":[3,1,9],"recorded":{"2":{"charge":"7"}}})");
  REQUIRE(snapshot.ok());
  for (std::size_t step = 0; step < 2; ++step) {
    CHECK(context.state->steps[step].recorded.at(2) == charged);
    CHECK(snapshot->steps[step].recorded.at(2) == charged);
  }
  CHECK(snapshot->work_item_last == 3);
  CHECK(snapshot->serial_last == 9);
}

TEST_CASE("what cannot be read is named") {
  CHECK(refusal_of(R"({"version":9})") ==
        "Cannot load serialized workflow context with version=9; this library supports up to version 2. The payload was likely written by "
        "a newer version of llama-index-workflows.");
  CHECK(refusal_of(R"({"version":"2"})").starts_with("Cannot load serialized workflow context with version='2'"));
  CHECK(refusal_of("[]") == "expected an object, got list");
  CHECK(refusal_of(R"({"state":{"store_type":"sqlite","run_id":"r"}})").find("'sqlite'") != std::string::npos);
  CHECK(refusal_of(R"({"state":{"state_data":{"_data":{"a":"{"}}}})").starts_with("state key 'a': "));
  CHECK(refusal_of(R"({"is_running":true,"workers":{"taste":{"queue":[{"event":"{\"value\":{},\"qualified_name\":\"x.Nope\"}"}]}}})") ==
        "workflow 'Tea' knows no event type 'x.Nope'");
}

TEST_CASE("what is of another kind than it should be is refused by its name") {
  CHECK(refusal_of(R"({"workers":[]})") == "workers: expected an object, got list");
  CHECK(refusal_of(R"({"state":[]})") == "state: expected an object, got list");
  CHECK(refusal_of(R"({"state":{"state_data":[1]}})") == "state.state_data: expected an object, got list");
  CHECK(refusal_of(R"({"state":{"state_data":{"_data":[]}}})") == "state.state_data._data: expected an object, got list");
  CHECK(refusal_of(R"({"state":{"state_data":{"_data":{"n":5}}}})") == "state.state_data._data.n: expected JSON text, got int");
  CHECK(refusal_of(R"({"namespaces":{"tools":[]}})") == "namespaces.tools: expected an object, got list");
  CHECK(refusal_of(R"({"is_running":"perhaps"})") == "is_running: expected true or false, got str");
  const auto running = [](const std::string& rest) { return refusal_of(R"({"is_running":true,)" + rest + "}"); };
  CHECK(running(R"("work_item_seq":"7")") == "work_item_seq: expected a count, got str");
  CHECK(running(R"("work_item_seq":-1)") == "work_item_seq: no count is -1");
  CHECK(running(R"("streams":[])") == "streams: expected an object, got list");
  CHECK(running(R"("streams":{"s":{"source_step":"steep"}})") == "streams.s.open_work_items: a stream that is open has some");
  CHECK(running(R"("mail":{})") == "mail: expected a list, got dict");
  CHECK(running(R"("workers":{"taste":5})") == "workers.taste: expected an object, got int");
  const auto worker = [&](const std::string& rest) { return running(R"("workers":{"taste":{)" + rest + "}}"); };
  CHECK(worker(R"("queue":{})") == "workers.taste.queue: expected a list, got dict");
  CHECK(worker(R"("queue":[5])") == "workers.taste.queue.event: expected an event as JSON text, got int");
  CHECK(worker(R"("collected_events":[])") == "workers.taste.collected_events: expected an object, got list");
  CHECK(worker(R"("collected_events":{"default":5})") == "workers.taste.collected_events.default: expected a list, got int");
  CHECK(worker(R"("collected_waiters":"w")") == "workers.taste.collected_waiters: expected a list, got str");
  const std::string leaf = R"("event":"{\"value\":{\"i\":1},\"qualified_name\":\"tea.Leaf\"}")";
  const auto queued = [&](const std::string& rest) { return worker(R"("queue":[{)" + leaf + rest + "}]"); };
  CHECK(queued(R"(,"work_item_id":"work_item_1")") == "");
  CHECK(queued(R"(,"attempts":"2")") == "workers.taste.queue.attempts: expected a count, got str");
  CHECK(queued(R"(,"attempts":5000000000)") == "workers.taste.queue.attempts: no count is 5000000000");
  CHECK(queued(R"(,"not_before":"soon")") == "workers.taste.queue.not_before: expected a time in seconds, got str");
  CHECK(queued(R"(,"scope_path":{})") == "workers.taste.queue.scope_path: expected a list, got dict");
  CHECK(queued(R"(,"bound_events":[])") == "workers.taste.queue.bound_events: expected an object, got list");
}

TEST_CASE("work that its step could not be called with is refused") {
  const std::string leaf = R"("{\"value\":{\"i\":1},\"qualified_name\":\"tea.Leaf\"}")",
                    cup = R"("{\"value\":{\"i\":1},\"qualified_name\":\"tea.Cup\"}")";
  auto mix = step("mix", types<Leaf, Cup>(), types<StopEvent>());
  mix.input = Input::join;
  mix.slots = types<Leaf, Leaf, Cup>();
  const auto tea = plan({step("a", types<StartEvent>(), types<Leaf>()), step("b", types<StartEvent>(), types<Cup>()), mix,
                         fan_out("lay", types<StartEvent>(), types<Sip>()), collect("tray", types<Sip>(), types<StopEvent>())});
  const auto queued = [&](const std::string& step, const std::string& attempt) {
    const auto out =
        read_context(tea, *parse_json(R"({"version":2,"is_running":true,"workers":{")" + step + R"(":{"queue":[{)" + attempt + "}]}}}"));
    return out.ok() ? "" : out.error().message;
  };
  CHECK(queued("a", "\"event\":" + leaf) == "workers.a.queue.event: step 'a' does not take Leaf");
  CHECK(queued("mix", "\"event\":" + cup) == "workers.mix.queue.bound_events: step 'mix' joins 3 events, and there are 0");
  const auto bound = [&](const std::string& x, const std::string& y, const std::string& z) {
    return queued("mix", "\"event\":" + cup + R"(,"bound_events":{"x":)" + x + R"(,"y":)" + y + R"(,"z":)" + z + "}");
  };
  CHECK(bound(leaf, leaf, cup) == "");
  CHECK(bound(leaf, cup, cup) == "workers.mix.queue.event: step 'mix' does not take Cup");
  CHECK(queued("tray", "\"event\":" + leaf) ==
        "workers.tray.queue.collection_release_payload: step 'tray' collects, and there is nothing for it");
  const std::string release =
      R"("event":"{\"value\":{\"events\":[],\"stream_id\":\"s\",\"binding_id\":\"b\"},\"qualified_name\":\"workflows.events.CollectionReleaseEvent\"}",)"
      R"("collection_release_payload":{"binding_id":"lay->tray:tea.Sip:All:nearest","stream_id":"s","events":[)";
  CHECK(queued("tray", release + R"("{\"value\":{\"n\":1},\"qualified_name\":\"tea.Sip\"}"]})") == "");
  CHECK(queued("tray", release + leaf + "]}") == "workers.tray.queue.event: step 'tray' does not take Leaf");
}

TEST_CASE("a context that was saved in the middle of a loop is as small as at its beginning") {
  const auto tea = plan({step("go", types<StartEvent, Water>(), types<Water, StopEvent>())});
  Simulation run(tea, {{"go", [](const RunStep&) { return returns(Water{1}); }}});
  run.start(StartEvent());
  run.run(std::chrono::milliseconds(10));
  const auto early = to_json(save_context(tea, run.state(), {})).size();
  run.run(std::chrono::seconds(2));
  CHECK(run.journal().size() > 1000);
  CHECK(to_json(save_context(tea, run.state(), {})).size() < early + 20);
}
