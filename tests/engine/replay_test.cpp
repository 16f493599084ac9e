// Replay equals live: for generated runs, every prefix of the journal gives the state, and the work, that the live run had.
#include <doctest/doctest.h>

#include "../../actors/engine/journal_codec.hpp"
#include "../../actors/engine/saved_context.hpp"
#include "../../actors/engine/state_codec.hpp"
#include "tea.hpp"

#include <random>

using namespace tea;
using namespace std::chrono_literals;

namespace {

/// A workflow with every kind of step; its bodies do something else each time.
Plan rich_plan(std::optional<std::uint32_t> num_concurrent_runs = std::nullopt) {
  auto start = fan_out("a_start", types<StartEvent>(), types<Leaf>());
  start.returns = types<Water, Ask>();
  auto make = workers(step("b_make", types<Leaf>(), types<Cup>()), 2);
  auto tray = collect("c_tray", types<Cup>(), types<Water>());
  auto boil = workers(step("d_boil", types<Water, Ans>(), types<StopEvent, Water, Sip>()), 3);
  boil.timeout = 2500ms;
  auto gather = step("e_gather", types<Sip>(), types<StopEvent>());
  auto fix = error_handler("f_fix", types<Water>());
  fix.max_recoveries = 2;
  auto mix = workers(step("g_mix", types<Sip, Ans>(), types<Water>()), 2);
  mix.input = Input::join;
  mix.slots = types<Sip, Ans>();
  auto out = plan({start, make, tray, boil, gather, fix, mix}, 40s);
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
    for (const auto& answer : run.answers) action.answered.push_back(answer.waiter_id);
    if (below(5) == 0) action.recorded = {{{}, "charge", std::to_string(below(100))}};
    for (int i = below(3); i > 0; --i) action.published.push_back(Sip{below(5)});
    if (below(4) == 0) action.sent.push_back({Leaf{below(9)}, std::nullopt});
    if (below(3) == 0)
      action.progress.push_back({{}, {Sip{7}}, below(3) == 0 ? std::vector<Sent>{{Water{3}, std::nullopt}} : std::vector<Sent>{}});
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

struct Recorded {
  std::vector<Stamped> journal;
  std::vector<std::string> states, works;
};

Recorded live(const Plan& plan, const std::vector<Stamped>& journal) {
  Recorded out{journal, {}, {}};
  auto state = initial_state(plan);
  for (const auto& stamped : journal) {
    state = reduce(plan, std::move(state), stamped).state;
    out.states.push_back(dump(state));
    out.works.push_back(dump(pending(state)));
  }
  return out;
}

/// The journal as it comes back from a disk.
std::vector<Stamped> through_text(const Plan& plan, const std::vector<Stamped>& journal) {
  std::vector<Stamped> out;
  for (const auto& stamped : journal) {
    const auto text = encode_tick(plan, stamped.tick);
    auto tick = decode_tick(plan, text);
    REQUIRE_MESSAGE(tick.ok(), tick.error().message);
    CHECK(encode_tick(plan, *tick) == text);
    out.push_back({stamped.seq, stamped.at, std::move(*tick)});
  }
  return out;
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
  CHECK(again.find("streams")->as_object().size() == written.find("streams")->as_object().size());
  CHECK(to_json(again.find("recorded") ? *again.find("recorded") : Value()) ==
        to_json(written.find("recorded") ? *written.find("recorded") : Value()));
  return read->state;
}

/// A run that goes on from a snapshot cannot be told from one that was never interrupted.
void check_snapshot(const Plan& plan, const std::vector<Stamped>& journal, std::size_t length, const State& middle,
                    const Recorded& recorded) {
  const auto text = encode_state(plan, middle);
  auto read = decode_state(plan, text);
  REQUIRE_MESSAGE(read.ok(), read.error().message);
  CHECK(encode_state(plan, *read) == text);
  CHECK(dump(*read) == recorded.states[length - 1]);
  CHECK(dump(pending(*read)) == recorded.works[length - 1]);
  auto state = std::move(*read);
  for (auto next = length; next < journal.size(); ++next) {
    state = reduce(plan, std::move(state), journal[next]).state;
    CHECK(dump(state) == recorded.states[next]);
  }
}

}  // namespace

TEST_CASE("every prefix of a generated journal replays to the state and the pending work of the live run") {
  std::map<std::size_t, int> ticks, commands;
  std::shared_ptr<const State> saved;
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    const auto tea = rich_plan(seed % 3 == 0 ? std::optional<std::uint32_t>(1) : std::nullopt);
    Chaos chaos(seed);
    std::map<std::string, Body> bodies;
    for (const auto& step : tea.steps) bodies[step.name] = [&](const RunStep& run) { return chaos.act(run); };
    Simulation run(tea, bodies);
    run.admit_after = 500ms;
    if (chaos.below(2)) run.retry_timed_out = Duration(chaos.below(1000000));
    if (saved && chaos.below(3) == 0) run.restore(saved);
    else run.start(StartEvent());
    for (int i = 0; i < 6; ++i) {
      if (chaos.below(2)) run.send(Duration(chaos.below(30000000)), Ans{chaos.below(2) ? "yes" : "no"});
      else run.send(Duration(chaos.below(30000000)), Sip{1});
    }
    if (chaos.below(6) == 0) run.cancel(Duration(chaos.below(20000000)));
    run.run(60s);
    for (const auto& [kind, count] : run.ticks_seen) ticks[kind] += count;
    for (const auto& [kind, count] : run.commands_seen) commands[kind] += count;

    const auto recorded = live(tea, run.journal());
    CHECK(recorded.states.back() == dump(run.state()));
    for (std::size_t length : {std::size_t{1}, run.journal().size() / 3, run.journal().size() / 2, run.journal().size()}) {
      if (length == 0) continue;
      const std::vector<Stamped> prefix(run.journal().begin(), run.journal().begin() + static_cast<std::ptrdiff_t>(length));
      const auto replayed = live(tea, through_text(tea, prefix));
      CHECK(replayed.states.back() == recorded.states[length - 1]);
      CHECK(replayed.works.back() == recorded.works[length - 1]);
      auto middle = initial_state(tea);
      for (const auto& stamped : prefix) middle = reduce(tea, std::move(middle), stamped).state;
      if (!middle.over()) check_snapshot(tea, run.journal(), length, middle, recorded);
      if (!middle.over() && middle.started && !middle.queued) saved = through_json(tea, middle);
    }
    CHECK(std::count_if(run.stream().begin(), run.stream().end(), [](const auto& entry) {
            return entry.starts_with("StopEvent") || entry.starts_with("WorkflowFailedEvent") ||
                   entry.starts_with("WorkflowTimedOutEvent") || entry.starts_with("WorkflowCancelledEvent");
          }) == (run.ending() ? 1 : 0));
  }
  for (std::size_t kind = 0; kind < std::variant_size_v<Tick>; ++kind) CHECK_MESSAGE(ticks[kind] > 0, "tick kind ", kind);
  for (std::size_t kind = 0; kind < std::variant_size_v<Command>; ++kind) CHECK_MESSAGE(commands[kind] > 0, "command kind ", kind);
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
