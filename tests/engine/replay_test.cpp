// Replay equals live: for generated runs, every prefix of the journal gives the state, and the work, that the live run had.
#include <doctest/doctest.h>

#include "actors/engine/model/carried.hpp"
#include "actors/engine/text/journal_codec.hpp"
#include "actors/engine/text/saved_context.hpp"
#include "actors/engine/text/state_codec.hpp"
#include "tea.hpp"

#include <limits>
#include <random>

using namespace tea;
using namespace std::chrono_literals;

namespace {

/// A workflow with every kind of step; its bodies do something else each time.
Plan rich_plan(std::optional<std::uint32_t> num_concurrent_runs = std::nullopt, std::uint32_t boilers = 3) {
  auto start = fan_out("a_start", types<StartEvent>(), types<Leaf>());
  start.returns = types<Water, Ask>();
  auto make = workers(step("b_make", types<Leaf>(), types<Cup>()), 2);
  auto tray = collect("c_tray", types<Cup>(), types<Water>());
  auto boil = workers(step("d_boil", types<Water, Ans>(), types<StopEvent, Water, Sip>()), boilers);
  boil.timeout = 2500ms;
  auto gather = step("e_gather", types<Sip>(), types<StopEvent>());
  auto fix = error_handler("f_fix", types<Water>());
  fix.max_recoveries = 2;
  auto mix = workers(step("g_mix", types<Sip, Ans>(), types<Water>()), 2);
  mix.input = Input::join;
  mix.slots = types<Sip, Ans>();
  auto out = plan({start, make, tray, boil, gather, fix, mix}, 40s, {{&event_type<Green>(), 2}});
  out.num_concurrent_runs = num_concurrent_runs;
  return out;
}

class Chaos {
public:
  explicit Chaos(std::uint32_t seed) : random_(seed) {}

  int below(int bound) { return static_cast<int>(random_() % static_cast<std::uint32_t>(bound)); }

  Action act(const RunStep& run) {
    Action action;
    if (run.id.step == 0) action = begin();
    else if (run.id.step == 1) action = returns(Cup{below(100)});
    else if (run.id.step == 2) action = returns(Water{static_cast<int>(run.release->events.size())});
    else if (run.id.step == 3) action = boil();
    else if (run.id.step == 4) action = gather(run);
    else action = returns(Water{below(10)});
    if (run.id.step != 4 && below(8) == 0) action = fails("chance", below(2) ? std::optional(Duration(below(2000000))) : std::nullopt);
    if (run.id.step != 4 && run.answers.empty() && below(7) == 0)
      action = {.ending = Suspended{"w" + std::to_string(below(3)), &event_type<Ans>(), below(2) ? Object{{"text", "yes"}} : Object(),
                                    EventBox(Ask{"?"}), below(2) ? std::optional<Duration>(3s) : std::nullopt}};
    if (run.id.step != 4 && run.answers.empty() && below(9) == 0)
      action = {.ending = Suspended{"r" + std::to_string(below(3)), &event_type<Green>(), below(2) ? Object{{"i", 1}} : Object(),
                                    EventBox(Ask{"!"}), below(2) ? std::optional<Duration>(3s) : std::nullopt, true}};
    for (const auto& answer : run.answers) action.answered.push_back(answer.waiter_id);
    if (below(5) == 0) action.recorded = {{{}, "charge", std::to_string(below(100))}};
    for (int i = below(3); i > 0; --i) action.published.push_back(Sip{below(5)});
    if (below(4) == 0) action.sent.push_back({Leaf{below(9)}, std::nullopt});
    if (below(8) == 0) action.sent.push_back({Green{below(2)}, std::nullopt});
    if (below(3) == 0)
      action.progress.push_back({{}, {Sip{7}}, below(3) == 0 ? std::vector<Sent>{{Water{3}, std::nullopt}} : std::vector<Sent>{}});
    if (below(4) == 0) action.edits_in_states[below(2) ? "" : "tools"] = {static_cast<std::uint32_t>(below(3)), 1};
    if (below(4) == 0) action.edits = {{"", {static_cast<std::uint32_t>(1 + below(5))}}};
    action.takes = Duration(1 + below(3000000));
    return action;
  }

private:
  Action begin() {
    if (below(5) == 0) return returns(Ask{"go?"});
    std::vector<EventBox> leaves;
    for (int i = below(5); i > 0; --i) leaves.emplace_back(Leaf{i});
    return below(4) == 0 ? returns(Water{0}) : returns_list(std::move(leaves));
  }
  Action boil() {
    const auto choice = below(10);
    if (choice == 0) return returns(StopEvent{choice});
    if (choice < 4) return nothing();
    return choice < 7 ? returns(Water{choice}) : returns(Sip{choice});
  }
  Action gather(const RunStep& run) {
    const auto call = collect_call(run, {{&event_type<Sip>(), 3}});
    Action action;
    if (call.outcome == Collected::fired && below(2)) action = returns(StopEvent());
    action.collects = {call};
    return action;
  }

  std::mt19937 random_;
};

/// A fork: what the state was, a day later.
std::shared_ptr<const State> a_day_later(const State& state) {
  auto out = state;
  move_times(out, 24h);
  return std::make_shared<const State>(std::move(out));
}

/// The state as a context that was written and read again; both must say the same.
std::shared_ptr<const State> through_json(const Plan& plan, const State& state) {
  const auto written = save_context(plan, state, {});
  auto read = read_context(plan, *parse_json(to_json(written)));
  REQUIRE_MESSAGE(read.ok(), read.error().message);
  REQUIRE(read->state);
  const auto again = save_context(plan, *read->state, {});
  // What was in progress waits at the front of its queue.
  for (const auto& [name, worker] : written.find("workers")->as_object()) {
    auto expected = worker.find("in_progress")->as_array();
    const auto& queue = worker.find("queue")->as_array();
    expected.insert(expected.end(), queue.begin(), queue.end());
    const auto* other = again.find("workers")->find(name);
    CHECK(other->find("queue")->as_array().size() == expected.size());
    for (const auto* key : {"collected_events", "static_collect_events"}) CHECK(to_json(*worker.find(key)) == to_json(*other->find(key)));
    CHECK(worker.find("collected_waiters")->as_array().size() == other->find("collected_waiters")->as_array().size());
  }
  for (const auto* key : {"early", "mail"})
    CHECK(to_json(written.find(key) ? *written.find(key) : Value()) == to_json(again.find(key) ? *again.find(key) : Value()));
  CHECK(again.find("streams")->as_object().size() == written.find("streams")->as_object().size());
  CHECK(to_json(again.find("recorded") ? *again.find("recorded") : Value()) ==
        to_json(written.find("recorded") ? *written.find("recorded") : Value()));
  return read->state;
}

/// The journal as it comes back from a disk.
void check_texts(const Plan& plan, const std::vector<Stamped>& journal) {
  for (const auto& stamped : journal) {
    const auto text = encode_tick(plan, stamped.tick);
    const auto tick = decode_tick(plan, text);
    REQUIRE_MESSAGE(tick.ok(), tick.error().message);
    CHECK(encode_tick(plan, *tick) == text);
  }
}

/// A run that goes on from a snapshot taken after `length` ticks cannot be told from one that was never interrupted.
State check_snapshot(const Plan& plan, const std::vector<Stamped>& journal, std::size_t length) {
  auto middle = initial_state(plan);
  for (std::size_t i = 0; i < length; ++i) middle = reduce(plan, std::move(middle), journal[i]).state;
  const auto text = encode_state(plan, middle);
  auto read = decode_state(plan, text);
  REQUIRE_MESSAGE(read.ok(), read.error().message);
  CHECK(encode_state(plan, *read) == text);
  CHECK(dump(*read) == dump(middle));
  CHECK(dump(pending(*read)) == dump(pending(middle)));
  auto state = std::move(*read), live = middle;
  for (auto next = length; next < journal.size(); ++next) {
    state = reduce(plan, std::move(state), journal[next]).state;
    live = reduce(plan, std::move(live), journal[next]).state;
    CHECK(encode_state(plan, state) == encode_state(plan, live));
  }
  return middle;
}

/// Runs that send, fail, wait, fan out and join as the seed says; what one was in its middle is what another begins with.
struct Chances {
  std::map<std::size_t, int> ticks, commands;
  std::vector<std::shared_ptr<const State>> saved;
  int restored = 0, queued = 0;

  void run(std::uint32_t seed) {
    const auto tea = rich_plan(seed % 3 == 0 ? std::optional<std::uint32_t>(1) : std::nullopt, seed % 5 == 0 ? 1 : 3);
    Chaos chaos(seed);
    std::map<std::string, Body> bodies;
    for (const auto& step : tea.steps) bodies[step.name] = [&](const RunStep& run) { return chaos.act(run); };
    Simulation run(tea, bodies);
    run.admit_after = 500ms;
    if (chaos.below(2)) run.retry_timed_out = Duration(chaos.below(1000000));
    if (!saved.empty() && chaos.below(2) == 0) {
      const auto& from = saved[static_cast<std::size_t>(chaos.below(static_cast<int>(saved.size())))];
      ++restored;
      queued += from->queued ? 1 : 0;
      run.restore(from);
    } else {
      run.start(StartEvent());
    }
    for (int i = 0; i < 8; ++i) {
      if (chaos.below(4) == 0) run.send(Duration(chaos.below(30000000)), Green{chaos.below(2)});
      else if (chaos.below(2)) run.send(Duration(chaos.below(30000000)), Ans{chaos.below(2) ? "yes" : "no"});
      else run.send(Duration(chaos.below(30000000)), Sip{1});
    }
    if (chaos.below(4) == 0) run.change_limits(Duration(chaos.below(20000000)), limits_of(rich_plan(std::nullopt, 1 + seed % 4)));
    if (chaos.below(4) == 0) run.exceed_budget(Duration(chaos.below(20000000)));
    if (chaos.below(6) == 0) run.cancel(Duration(chaos.below(20000000)));
    for (int i = 0; i < 4; ++i) {
      run.run(Duration(chaos.below(20000000)));
      run.take_snapshot();
    }
    run.run(60s);
    for (const auto& [kind, count] : run.ticks_seen) ticks[kind] += count;
    for (const auto& [kind, count] : run.commands_seen) commands[kind] += count;
    check(tea, run);
  }

private:
  void check(const Plan& tea, const Simulation& run) {
    check_texts(tea, run.journal());
    for (std::size_t length : {std::size_t{1}, run.journal().size() / 3, run.journal().size() / 2, run.journal().size()}) {
      if (length == 0) continue;
      const auto middle = check_snapshot(tea, run.journal(), length);
      if (middle.over()) continue;
      saved.push_back(a_day_later(middle));
      if (middle.started && !middle.queued) saved.push_back(through_json(tea, middle));
    }
    CHECK(std::count_if(run.stream().begin(), run.stream().end(), [](const auto& entry) {
            return entry.starts_with("StopEvent") || entry.starts_with("WorkflowFailedEvent") ||
                   entry.starts_with("WorkflowTimedOutEvent") || entry.starts_with("WorkflowCancelledEvent");
          }) == (run.ending() ? 1 : 0));
  }
};

}  // namespace

TEST_CASE("replaying what is journaled gives the live state and its pending work after every tick, forks and restored runs included") {
  Chances chances;
  for (std::uint32_t seed = 1; seed <= 120; ++seed) {
    CAPTURE(seed);
    chances.run(seed);
  }
  CHECK(chances.restored > 15);
  CHECK(chances.queued > 0);
  for (std::size_t kind = 0; kind < std::variant_size_v<Tick>; ++kind) CHECK_MESSAGE(chances.ticks[kind] > 0, "tick kind ", kind);
  for (std::size_t kind = 0; kind < std::variant_size_v<Command>; ++kind) CHECK_MESSAGE(chances.commands[kind] > 0, "command kind ", kind);
}

TEST_CASE("pending work of a live run is what its commands have asked for and not yet got") {
  const auto tea = rich_plan();
  Chaos chaos(4711);
  std::map<std::string, Body> bodies;
  for (const auto& step : tea.steps) bodies[step.name] = [&](const RunStep& run) { return chaos.act(run); };
  Simulation run(tea, bodies);
  run.start(StartEvent());
  run.run(60s);
  auto state = initial_state(tea);
  std::map<std::uint64_t, std::string> running;
  for (const auto& stamped : run.journal()) {
    auto outcome = reduce(tea, std::move(state), stamped);
    state = std::move(outcome.state);
    if (const auto* ended = std::get_if<StepEnded>(&stamped.tick)) running.erase(ended->id.serial);
    for (const auto& command : outcome.commands) {
      if (const auto* stopped = std::get_if<StopStep>(&command)) running.erase(stopped->id.serial);
      if (const auto* step = std::get_if<RunStep>(&command)) running[step->id.serial] = dump(std::vector<Command>{command});
    }
    if (state.over()) running.clear();
    std::map<std::uint64_t, std::string> implied;
    for (const auto& command : pending(state))
      if (const auto* step = std::get_if<RunStep>(&command)) implied[step->id.serial] = dump(std::vector<Command>{command});
    std::vector<std::uint64_t> a, b;
    for (const auto& [serial, text] : running) a.push_back(serial);
    for (const auto& [serial, text] : implied) b.push_back(serial);
    CHECK(a == b);
  }
}

TEST_CASE("a restored run's journal carries the state with the numbers that only the run knows, and every instant exactly") {
  const auto tea = plan({step("taste", types<StartEvent, Ans>(), types<StopEvent>())}, 45s);
  State state = initial_state(tea);
  state.started = true;
  state.work_item_last = 3;
  state.stream_last = std::numeric_limits<std::uint64_t>::max();
  state.serial_last = (1ull << 63) + 7;
  state.span_last = 12345678901234567ull;
  Attempt attempt;
  attempt.event = StartEvent();
  attempt.first_attempt_at = Time();
  attempt.not_before = Time(Duration(1799999999999999));
  attempt.last_failure = Failure{{"x", "y"}, Time(Duration(-1))};
  attempt.span = state.span_last;
  attempt.caused_by = 4;
  attempt.joined = std::make_shared<const std::vector<EventBox>>();
  state.steps[0].queue.push_back(attempt);
  const auto tick = decode_tick(tea, encode_tick(tea, RunRestored{std::make_shared<const State>(state)}));
  REQUIRE(tick.ok());
  const auto& read = *std::get<RunRestored>(*tick).state;
  CHECK(encode_state(tea, read) == encode_state(tea, state));
  CHECK(read.serial_last == state.serial_last);
  CHECK(read.stream_last == state.stream_last);
  CHECK(read.steps[0].queue[0].first_attempt_at == Time());
  CHECK(read.steps[0].queue[0].last_failure->at == Time(Duration(-1)));
  CHECK(read.steps[0].queue[0].joined);
}

TEST_CASE("what a join step waits with is the same text in whatever order its types came") {
  const auto tea = rich_plan();
  auto a = initial_state(tea), b = initial_state(tea);
  a.steps[6].arrivals = {{&event_type<Sip>(), {}}, {&event_type<Ans>(), {{4, Ans{"x"}}}}, {&event_type<Leaf>(), {{3, Leaf{1}}}}};
  b.steps[6].arrivals = {{&event_type<Leaf>(), {{3, Leaf{1}}}}, {&event_type<Ans>(), {{4, Ans{"x"}}}}};
  CHECK(encode_state(tea, a) == encode_state(tea, b));
}

TEST_CASE("every instant of a state moves when it is forked") {
  auto state = initial_state(rich_plan());
  const Time then(1000s);
  Attempt attempt;
  attempt.event = StartEvent();
  attempt.not_before = attempt.first_attempt_at = then;
  attempt.last_failure = Failure{{"x", "y"}, then};
  Waiter waiter;
  waiter.trigger = attempt;
  waiter.deadline = then;
  state.deadline = then;
  state.steps[1].queue = {attempt};
  state.steps[2].running[0] = {.attempt = attempt, .serial = 1, .collected = {}, .deadline = then};
  state.steps[3].waiters = {waiter};
  move_times(state, 5s);
  const auto moved = [&](const Attempt& one) {
    return one.not_before == then + 5s && one.first_attempt_at == then + 5s && one.last_failure->at == then + 5s;
  };
  CHECK(state.deadline == then + 5s);
  CHECK(moved(state.steps[1].queue[0]));
  CHECK(moved(state.steps[2].running[0].attempt));
  CHECK(state.steps[2].running[0].deadline == then + 5s);
  CHECK(moved(state.steps[3].waiters[0].trigger));
  CHECK(state.steps[3].waiters[0].deadline == then + 5s);
}

TEST_CASE("a fork that must queue does nothing until it is admitted, and is not bound by its origin's deadline") {
  auto tea = plan({step("taste", types<StartEvent>(), types<StopEvent>())}, 45s);
  auto state = reduce(tea, initial_state(tea), {1, Time(1000s), RunStarted{StartEvent()}}).state;
  REQUIRE(state.deadline);
  tea.num_concurrent_runs = 1;
  tea.timeout = std::nullopt;
  const Stamped begins{1, Time(9000s), RunRestored{std::make_shared<const State>(state)}};
  state = reduce(tea, initial_state(tea), begins).state;
  CHECK(dump(pending(state)) == dump(std::vector<Command>{AwaitAdmission()}));
  state = reduce(tea, std::move(state), {2, Time(9100s), RunAdmitted()}).state;
  const auto work = pending(state);
  REQUIRE(work.size() == 1);
  CHECK(std::holds_alternative<RunStep>(work[0]));
}

TEST_CASE("a fork of a run that was still queued begins with its start event, where there is room as where there is none") {
  auto tea = plan({step("taste", types<StartEvent>(), types<StopEvent>())}, 45s);
  tea.num_concurrent_runs = 1;
  const auto queued = std::make_shared<const State>(reduce(tea, initial_state(tea), {1, Time(1000s), RunStarted{StartEvent()}}).state);
  REQUIRE(queued->queued);
  for (const bool room : {true, false}) {
    tea.num_concurrent_runs = room ? std::nullopt : std::optional<std::uint32_t>(1);
    Simulation run(tea, {{"taste", [](const RunStep&) { return returns(StopEvent{7}); }}});
    run.admit_after = 1s;
    run.restore(queued);
    run.run(1h);
    CHECK(run.transcript() == "R taste[0] StartEvent | E taste[0] StartEvent->StopEvent | StopEvent{\"result\":7}");
  }
}

TEST_CASE("a journal replays alike in a build whose workflow allows more or less; the run then goes on with that") {
  auto boil = workers(step("boil", types<StartEvent, Water>(), types<StopEvent, Water>()), 3);
  boil.timeout = 60s;
  auto tea = plan({boil}, 45s);
  State state = initial_state(tea);
  std::vector<std::string> texts;
  Sequence seq = 0;
  const auto feed = [&](Tick tick) {
    texts.push_back(encode_tick(tea, tick));
    state = reduce(tea, std::move(state), {++seq, Time(Duration(seq)), std::move(tick)}).state;
  };
  feed(RunStarted{StartEvent()});
  feed(EventArrived{{Water{1}, {}}});
  feed(EventArrived{{Water{2}, {}}});
  feed(ValueRecorded{{0, 2, 3}, "charge", "7"});

  auto tight = tea;
  tight.steps[0].num_workers = 1;
  tight.steps[0].timeout.reset();
  tight.num_concurrent_runs = 1;
  tight.timeout = 90s;
  auto replayed = initial_state(tight);
  for (seq = 0; seq < texts.size(); ++seq)
    replayed = reduce(tight, std::move(replayed), {seq + 1, Time(Duration(seq + 1)), *decode_tick(tight, texts[seq])}).state;
  CHECK(encode_state(tight, replayed) == encode_state(tea, state));
  CHECK(replayed.steps[0].recorded.size() == 1);
  replayed = reduce(tight, std::move(replayed), {++seq, Time(5s), LimitsChanged{limits_of(tight)}}).state;
  CHECK(replayed.deadline == Time(Duration(1) + 90s));
  replayed = reduce(tight, std::move(replayed), {++seq, Time(6s), EventArrived{{Water{3}, {}}}}).state;
  CHECK(replayed.steps[0].running.size() == 3);
  CHECK(replayed.steps[0].queue.size() == 1);
}
