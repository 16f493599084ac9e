// Runs the pure engine on virtual time with scripted step bodies, and writes down what happened.
#pragma once

#include "actors/engine/text/shadow.hpp"
#include "actors/engine/text/state_codec.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace simulator {

using namespace weir;
using namespace weir::engine;

/// What a scripted body does: everything at the end, after `takes`.
struct Action {
  Ending ending = Returned{};
  Duration takes = std::chrono::milliseconds(1);
  std::vector<EventBox> published = {};
  std::vector<Sent> sent = {};
  std::vector<CollectCall> collects = {};
  std::vector<std::string> answered = {};
  std::vector<StepProgressed> progress = {};  ///< reported before the end, ids filled in
  std::vector<ValueRecorded> recorded = {};   ///< the same
  Edits edits = {};                           ///< reported with the end
  Edits edits_in_states = {};                 ///< recorded at once, as when the states are stored meanwhile
};

using Body = std::function<Action(const RunStep&)>;

inline Action returns(EventBox event) { return {.ending = Returned{{std::move(event)}, false}}; }
inline Action returns_list(std::vector<EventBox> events) { return {.ending = Returned{std::move(events), true}}; }
inline Action nothing() { return {}; }
inline Action fails(std::string message, std::optional<Duration> retry = std::nullopt) {
  return {.ending = Failed{{"test.Error", std::move(message)}, retry}};
}

/// After every tick, what a replay of the ticks' texts would give is compared with the state; the first difference is thrown.
class Simulation {
public:
  Simulation(Plan plan, std::map<std::string, Body> bodies);
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  void start(EventBox event) { schedule(time_, RunStarted{std::move(event)}); }
  void send(Duration at, EventBox event, std::optional<StepIndex> target = std::nullopt);
  void cancel(Duration at);
  void change_limits(Duration at, Limits limits) { schedule(time_ + at, LimitsChanged{std::move(limits)}); }
  void exceed_budget(Duration at) { schedule(time_ + at, BudgetExceeded{"history_rows_max", 9, "boil"}); }
  /// Instead of start().
  void restore(std::shared_ptr<const State> state);
  /// The state is written down, and the journal up to it dropped.
  void take_snapshot() { shadow_.go_on_from(encode_state(plan_, state_)); }
  /// When a run that asks to be admitted is; empty: never.
  std::optional<Duration> admit_after;
  /// The verdict on steps that time out.
  std::optional<Duration> retry_timed_out;
  /// Until nothing is left to happen, or the time is reached.
  void run(Duration until = std::chrono::hours(1));

  /// One line per published event, in the notation of the contract's golden transcripts.
  const std::vector<std::string>& stream() const { return stream_; }
  std::string transcript() const;
  const std::vector<Stamped>& journal() const { return journal_; }
  const State& state() const { return state_; }
  const Plan& plan() const { return plan_; }
  const std::optional<FinishRun>& ending() const { return ending_; }
  /// How often each kind of tick and command was seen, by variant index.
  std::map<std::size_t, int> ticks_seen, commands_seen;

private:
  using Due = std::pair<Time, std::uint64_t>;
  Due schedule(Time due, Tick tick);
  Tick verdict(Tick tick) const;
  void apply(Stamped stamped);
  void execute(const Command& command);

  Plan plan_;
  std::map<std::string, Body> bodies_;
  State state_;
  Shadow shadow_;
  Time time_;
  std::uint64_t order_ = 0;
  std::map<Due, Tick> due_;
  std::map<std::uint64_t, Due> timers_;
  std::vector<Stamped> journal_;
  std::vector<std::string> stream_;
  std::optional<FinishRun> ending_;
};

/// The whole state as text: equal texts, equal states.
std::string dump(const State& state);
/// The commands as text.
std::string dump(const std::vector<Command>& commands);

}  // namespace simulator
