#include "rewind.hpp"

#include "recovery.hpp"

#include "actors/engine/model/carried.hpp"
#include "actors/engine/reduce/edits.hpp"
#include "actors/engine/reduce/reduce.hpp"
#include "actors/engine/text/journal_codec.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>
#include <vector>

namespace weir::runtime {
namespace {

struct Past {
  Journal journal;
  std::int64_t event_next = 0;
};

constexpr int tries_max = 8;  // while the run goes on

std::int64_t event_next(const Store& store, const HandlerRow& row) {
  const auto last = store.last_event(row.run_id);
  return last ? last->sequence + 1 : row.first_sequence;
}

/// Both of the same moment.
std::optional<Past> read(const Store& store, const HandlerRow& row) {
  for (int tries = 0; tries < tries_max; ++tries) {
    const auto before = event_next(store, row);
    Past past{store.read_journal(row.run_id), before};
    if (event_next(store, row) == before) return past;
  }
  return std::nullopt;
}

/// Nothing has been recorded since: states that were read meanwhile are those that the journal knows.
bool is_still(const Store& store, const HandlerRow& row, const Past& past) {
  const auto journal = store.read_journal(row.run_id);
  const auto last = [](const Journal& of) { return of.ticks.empty() ? 0 : of.ticks.back().sequence; };
  return last(journal) == last(past.journal) && event_next(store, row) == past.event_next;
}

/// What the journal has behind a tick; nothing when it cannot be read.
std::vector<engine::Stamped> ticks_behind(const Journal& journal, const engine::Plan& plan, engine::Sequence tick) {
  std::vector<engine::Stamped> out;
  for (const auto& entry : journal.ticks) {
    const auto sequence = static_cast<engine::Sequence>(entry.sequence);
    if (sequence <= tick) continue;
    auto decoded = engine::decode_tick(plan, entry.text);
    if (!decoded) return {};
    out.push_back({sequence, entry.at, std::move(*decoded)});
  }
  return out;
}

/// How many of the ticks do not publish anything, before one does.
std::size_t silent(const engine::Plan& plan, engine::State state, const std::vector<engine::Stamped>& ticks) {
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    auto outcome = engine::reduce(plan, std::move(state), ticks[i]);
    if (published_by(outcome) > 0) return i;
    state = std::move(outcome.state);
  }
  return ticks.size();
}

/// The ticks that were made durable together with one of them, as far as it matters: their commit wrote states.
struct CommitTicks {
  engine::Sequence first;
  std::size_t end;  ///< behind the last
};
CommitTicks commit_of(const std::vector<engine::Stamped>& ticks, std::size_t tick) {
  for (auto i = tick; i < ticks.size(); ++i)
    if (const auto* edited = std::get_if<engine::StateEdited>(&ticks[i].tick)) {
      if (edited->since <= ticks[tick].seq) return {edited->since, i + 1};
      break;
    }
  return {ticks[tick].seq, tick + 1};
}

/// What bodies did to the states, as a tick tells it.
std::vector<std::pair<std::uint64_t, engine::Edits>> edits_in(const engine::Tick& tick) {
  std::vector<std::pair<std::uint64_t, engine::Edits>> out;
  const auto add = [&](const engine::InvocationId& id, const engine::Edits& edits) {
    if (!edits.empty()) out.emplace_back(id.serial, edits);
  };
  if (const auto* progressed = std::get_if<engine::StepProgressed>(&tick)) add(progressed->id, progressed->edits);
  if (const auto* ended = std::get_if<engine::StepEnded>(&tick)) add(ended->id, ended->edits);
  if (const auto* edited = std::get_if<engine::StateEdited>(&tick))
    for (const auto& [id, edits] : edited->edits) add(id, edits);
  return out;
}

template <class F>
void for_each_attempt(engine::State& state, F&& f) {
  for (auto& step : state.steps) {
    for (auto& attempt : step.queue) f(attempt);
    for (auto& [slot, running] : step.running) f(running.attempt);
    for (auto& waiter : step.waiters) f(waiter.trigger);
  }
}

/// One attempt at a piece of work: what tells its body from those of earlier attempts, also when it has been suspended in between.
using Body = std::pair<engine::SpanId, std::uint32_t>;
Body body_of(const engine::Attempt& attempt) { return {attempt.span, attempt.failures}; }

/// Goes through the ticks of one commit, whose states hold what all its bodies had done by its end.
class CommitWalk {
public:
  CommitWalk(const engine::Plan& plan, const engine::State& begin, const std::vector<engine::Stamped>& ticks) {
    auto state = begin;
    for (std::size_t i = 0; i < ticks.size(); ++i) {
      see(state, i);
      for (auto& [serial, edits] : edits_in(ticks[i].tick))
        if (const auto body = bodies_.find(serial); body != bodies_.end()) done_.push_back({i, body->second, std::move(edits)});
      state = engine::reduce(plan, std::move(state), ticks[i]).state;
    }
  }

  /// How many of the ticks have to be gone through before every body whose edits the states hold has begun: what it did is part of
  /// the states, and it must not be begun anew.
  std::size_t ticks_to_take() const {
    std::size_t out = 0;
    for (bool more = true; more;) {
      more = false;
      for (const auto& [tick, body, edits] : done_) {
        const auto begun = begun_.at(body);
        if (tick < out || begun <= out) continue;
        out = begun;
        more = true;
      }
    }
    return out;
  }

  /// The bodies that the state after so many ticks repeats do not do again what the states hold.
  void note(engine::State& state, std::size_t ticks) const {
    std::map<Body, engine::Edits> by_body;
    for (const auto& [tick, body, edits] : done_)
      if (tick >= ticks) engine::add_edits(by_body[body], edits);
    for_each_attempt(state, [&](engine::Attempt& attempt) {
      if (const auto found = by_body.find(body_of(attempt)); found != by_body.end()) engine::add_edits(attempt.edits, found->second);
    });
  }

private:
  struct Done {
    std::size_t tick;
    Body body;
    engine::Edits edits;
  };
  void see(engine::State& state, std::size_t ticks) {
    for_each_attempt(state, [&](const engine::Attempt& attempt) { begun_.try_emplace(body_of(attempt), ticks); });
    for (const auto& step : state.steps)
      for (const auto& [slot, running] : step.running) bodies_[running.serial] = body_of(running.attempt);
  }

  std::map<std::uint64_t, Body> bodies_;  ///< by serial
  std::map<Body, std::size_t> begun_;     ///< after so many ticks
  std::vector<Done> done_;
};

void go_on(Replay& then, const engine::Plan& plan, const engine::Stamped& stamped) {
  auto outcome = engine::reduce(plan, std::move(then.state), stamped);
  then.state = std::move(outcome.state);
  then.published += published_by(outcome);
  then.at = stamped.at;
  then.tick_last = stamped.seq;
}

/// The states that are stored for an event are those before the commit that published the next one, or, when one commit published both,
/// those at its end. Makes what was replayed up to the event agree with them, by going on no further than it must.
void agree_with_states(Replay& then, const Journal& journal, const engine::Plan& plan) {
  auto ticks = ticks_behind(journal, plan, then.tick_last);
  const auto next = silent(plan, then.state, ticks);
  const auto commit = next < ticks.size() ? commit_of(ticks, next) : CommitTicks{std::numeric_limits<engine::Sequence>::max(), next};
  if (commit.first > then.tick_last) {
    std::size_t taken = 0;
    for (std::size_t i = 0; i < ticks.size() && ticks[i].seq < commit.first; ++i)
      if (!edits_in(ticks[i].tick).empty()) taken = i + 1;
    for (std::size_t i = 0; i < taken; ++i) go_on(then, plan, ticks[i]);
    return;
  }
  ticks.resize(commit.end);
  const CommitWalk walk(plan, then.state, ticks);
  const auto taken = walk.ticks_to_take();
  for (std::size_t i = 0; i < taken; ++i) go_on(then, plan, ticks[i]);
  walk.note(then.state, taken);
}

Error refusal(const HandlerRow& row, const std::string& why) { return {Code::failed_precondition, "Run " + row.run_id + " " + why}; }

Expected<Rewound> rewind_to(const Store& store, const HandlerRow& row, const RegisteredWorkflow& workflow, const Past& past,
                            std::int64_t sequence, Time now) {
  const auto refuse = [&](const std::string& why) { return refusal(row, why); };
  const auto whole = replay(past.journal, row, workflow);
  if (!whole) return refuse("cannot be forked: " + whole.error().message);
  // A run that was ended from outside has a last event that is in no tick.
  const bool ended_from_outside = row.terminal() && !whole->state.over();
  const auto first = past.event_next - whole->published - (ended_from_outside ? 1 : 0);
  const auto earliest = std::max(row.first_sequence, first - 1);
  if (sequence < earliest || sequence >= past.event_next)
    return refuse("can be forked at its events " + std::to_string(earliest) + " to " + std::to_string(past.event_next - 1) + ", got " +
                  std::to_string(sequence));
  auto then = replay(past.journal, row, workflow, [&](const Replay& at) { return first + at.published > sequence; });
  if (!then) return then.error();
  const auto begins = !then->state.over() && first + then->published > sequence;
  const auto published = then->published;
  if (begins) agree_with_states(*then, past.journal, workflow.plan);
  if (!begins || then->state.over()) return refuse("ends with event " + std::to_string(sequence) + ": choose an earlier one");
  if (then->at != Time()) engine::move_times(then->state, now - then->at);
  auto states = store.find_states_at(row.run_id, first + published - 1);  // after the last event of the tick that published this one
  if (!states) return refuse("no longer knows what it kept after event " + std::to_string(sequence));
  return Rewound{{std::move(*states), std::make_shared<const engine::State>(std::move(then->state))},
                 then->published == published ? sequence : first + then->published - 1};
}

}  // namespace

Expected<Rewound> rewind(const Store& store, const HandlerRow& row, const RegisteredWorkflow& workflow, std::int64_t sequence, Time now) {
  if (!store.durable()) return refusal(row, "is kept in memory, without its journal: serve with --store sqlite:FILE to fork runs");
  for (int tries = 0; tries < tries_max; ++tries) {
    const auto past = read(store, row);
    if (!past) break;
    auto out = rewind_to(store, row, workflow, *past, sequence, now);
    if (row.terminal() || is_still(store, row, *past)) return out;
  }
  return Error{Code::unavailable, "Run " + row.run_id + " is too busy to be read: ask again"};
}

}  // namespace weir::runtime
