#include "rewind.hpp"

#include "recovery.hpp"

#include "../engine/carried.hpp"

#include <algorithm>

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
  if (then->at != Time()) engine::move_times(then->state, now - then->at);
  auto states = store.find_states_at(row.run_id, sequence);
  if (!states) return refuse("no longer knows what it kept after event " + std::to_string(sequence));
  return SavedContext{std::move(*states), std::make_shared<const engine::State>(std::move(then->state))};
}

}  // namespace weir::runtime
