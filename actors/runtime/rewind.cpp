#include "rewind.hpp"

#include "recovery.hpp"

#include "../engine/carried.hpp"
#include "../engine/edits.hpp"
#include "../engine/journal_codec.hpp"
#include "../engine/reduce.hpp"

#include <algorithm>
#include <map>
#include <vector>

namespace weir::runtime {
namespace {

struct Past {
  Journal journal;
  std::int64_t event_next = 0;
};

/// Read while the run may go on: both of the same moment.
std::optional<Past> read(const Store& store, const std::string& run_id) {
  const auto event_next = [&] {
    const auto last = store.last_event(run_id);
    return last ? last->sequence + 1 : 0;
  };
  for (int tries = 0; tries < 8; ++tries) {
    const auto before = event_next();
    Past past{store.read_journal(run_id), before};
    if (event_next() == before) return past;
  }
  return std::nullopt;
}

/// The ticks behind that one which were made durable with it, when states were written with them that hold edits of bodies.
std::vector<engine::Stamped> rest_of_commit(const Journal& journal, const engine::Plan& plan, engine::Sequence tick) {
  std::vector<engine::Stamped> out;
  for (const auto& entry : journal.ticks) {
    const auto sequence = static_cast<engine::Sequence>(entry.sequence);
    if (sequence <= tick) continue;
    auto decoded = engine::decode_tick(plan, entry.text);
    if (!decoded) return {};
    out.push_back({sequence, entry.at, std::move(*decoded)});
    if (const auto* edited = std::get_if<engine::StateEdited>(&out.back().tick))
      return edited->since <= tick ? std::move(out) : std::vector<engine::Stamped>();
  }
  return {};
}

using EditsBySpan = std::map<engine::SpanId, engine::Edits>;

void add(EditsBySpan& out, const engine::State& state, engine::InvocationId id, const engine::Edits& edits) {
  const auto& running = state.steps[id.step].running;
  const auto found = running.find(id.slot);
  if (found != running.end() && found->second.serial == id.serial) engine::add_edits(out[found->second.attempt.span], edits);
}

/// What the states that were written with that tick hold is done: the bodies that the state repeats do not do it again.
void note_edits_in_states(engine::State& state, const engine::Plan& plan, const std::vector<engine::Stamped>& rest) {
  EditsBySpan done;
  auto ahead = state;
  for (const auto& stamped : rest) {
    if (const auto* progressed = std::get_if<engine::StepProgressed>(&stamped.tick)) add(done, ahead, progressed->id, progressed->edits);
    if (const auto* ended = std::get_if<engine::StepEnded>(&stamped.tick)) add(done, ahead, ended->id, ended->edits);
    if (const auto* edited = std::get_if<engine::StateEdited>(&stamped.tick))
      for (const auto& [id, edits] : edited->edits) add(done, ahead, id, edits);
    ahead = engine::reduce(plan, std::move(ahead), stamped).state;
  }
  const auto note = [&](engine::Attempt& attempt) {
    if (const auto found = done.find(attempt.span); found != done.end()) engine::add_edits(attempt.edits, found->second);
  };
  for (auto& step : state.steps) {
    for (auto& attempt : step.queue) note(attempt);
    for (auto& [slot, running] : step.running) note(running.attempt);
    for (auto& waiter : step.waiters) note(waiter.trigger);
  }
}

}  // namespace

Expected<SavedContext> rewind(const Store& store, const HandlerRow& row, const RegisteredWorkflow& workflow, std::int64_t sequence,
                              Time now) {
  const auto refuse = [&](const std::string& why) { return Error{Code::failed_precondition, "Run " + row.run_id + " " + why}; };
  if (!store.durable()) return refuse("is kept in memory, without its journal: serve with --store sqlite:FILE to fork runs");
  const auto past = read(store, row.run_id);
  if (!past) return Error{Code::unavailable, "Run " + row.run_id + " is too busy to be read: ask again"};
  const auto whole = replay(past->journal, row, workflow);
  if (!whole) return refuse("cannot be forked: " + whole.error().message);
  // A run that was ended from outside has a last event that is in no tick.
  const bool ended_from_outside = row.terminal() && !whole->state.over();
  const auto first = past->event_next - whole->published - (ended_from_outside ? 1 : 0);
  if (sequence < std::max<std::int64_t>(0, first - 1) || sequence >= past->event_next)
    return refuse("can be forked at its events " + std::to_string(std::max<std::int64_t>(0, first - 1)) + " to " +
                  std::to_string(past->event_next - 1) + ", got " + std::to_string(sequence));
  auto then = replay(past->journal, row, workflow, [&](const Replay& at) { return first + at.published > sequence; });
  if (!then) return then.error();
  if (then->state.over() || first + then->published <= sequence)
    return refuse("ends with event " + std::to_string(sequence) + ": choose an earlier one");
  if (const auto rest = rest_of_commit(past->journal, workflow.plan, then->tick_last); !rest.empty())
    note_edits_in_states(then->state, workflow.plan, rest);
  if (then->at != Time()) engine::move_times(then->state, now - then->at);
  auto states = store.find_states_at(row.run_id, sequence);
  if (!states) return refuse("no longer knows what it kept after event " + std::to_string(sequence));
  return SavedContext{std::move(*states), std::make_shared<const engine::State>(std::move(then->state))};
}

}  // namespace weir::runtime
