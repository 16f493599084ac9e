// What a run's commit consists of: events, journal, snapshot, states, and how the row looks.
#include "run_commits.hpp"

#include "actors/runtime/messages/event_row.hpp"
#include "unhandled.hpp"

#include "actors/engine/reduce/edits.hpp"
#include "actors/engine/reduce/reduce.hpp"
#include "actors/engine/text/state_codec.hpp"

#include <algorithm>
#include <utility>

namespace weir::runtime {
namespace {

std::string awaited_json(const engine::Plan& plan, const engine::State& state) {
  const auto awaited = engine::awaited(plan, state);
  if (awaited.empty()) return {};
  Value::Array out;
  for (const auto& [type, step, requirements] : awaited) {
    Object wait{{"event_type", type->name}, {"step", plan.steps[step].name}};
    if (!requirements.empty()) wait.set("requirements", requirements);
    out.emplace_back(std::move(wait));
  }
  return to_json(Value(std::move(out)));
}

}  // namespace

void RunCommits::apply_ending(HandlerRow& row, const engine::FinishRun& ending, Time at) {
  row.idle_since = row.wake_at = std::nullopt;
  row.waiting_for.clear();
  row.resumes = 0;
  row.status = handler_status(ending.status);
  row.error = ending.error;
  if (ending.status == engine::Status::completed) row.result = envelope_json(ending.terminal);
  row.updated_at = at;
  row.completed_at = at;
}

void RunCommits::note_unhandled(Commit& commit, const engine::PublishEvent& told, std::int64_t sequence, Time at) {
  row_.unhandled = with_unhandled(row_.unhandled, told, sequence, at);
  if (begun_ || !durable_) commit.handler = row_;  // else its beginning says it
}

void RunCommits::add_visible(Batch& batch) {
  const auto at = now();
  auto& commit = batch.commit;
  commit.run_id = row_.run_id;
  commit.events.reserve(batch.commands.size());
  auto next = event_next_;
  for (auto& command : batch.commands) {
    if (auto* publish = std::get_if<engine::PublishEvent>(&command)) {
      owner_.tell(publish->event);
      if (publish->about) note_unhandled(commit, *publish, next, at);
      commit.events.push_back(make_row(next++, at, std::move(*publish), run_->replaced_texts));
    } else if (const auto* ending = std::get_if<engine::FinishRun>(&command)) {
      batch.ended = row_;
      const ReplacedText replaced(*run_->replaced_texts, "", " ended with");
      apply_ending(*batch.ended, *ending, at);
      commit.handler = batch.ended;
    }
  }
  batch.events = next - event_next_;
  forget_oldest(commit, next);
}

std::int64_t RunCommits::events_kept_max() const {
  const auto& budget = run_->environment.options.budget;
  if (durable_) return budget.history_rows_max;
  return std::min(budget.history_rows_max, static_cast<std::int64_t>(budget.events_in_memory_max));
}

/// Some at a time: not at every commit, and never so many that others wait for it.
void RunCommits::forget_oldest(Commit& commit, std::int64_t event_next) {
  constexpr std::int64_t at_once = 1024;
  const auto before = event_next - events_kept_max();
  if (before - kept_from_ < std::min(at_once, events_kept_max() / 8 + 1)) return;
  kept_from_ = std::min(before, kept_from_ + 4 * at_once);
  commit.forget_events_before = kept_from_;
}

void RunCommits::look_at_budget() {
  if (state_.over()) return;
  const auto& budget = run_->environment.options.budget;
  const auto events = event_next_ - row_.first_sequence;
  if (!durable_ && events > static_cast<std::int64_t>(budget.events_in_memory_max))
    exceed(past_memory_, "events_in_memory_max", static_cast<std::int64_t>(budget.events_in_memory_max), "its oldest events are forgotten");
  if (events > budget.history_rows_max)
    exceed(past_history_, "history_rows_max", budget.history_rows_max,
           "its oldest events are forgotten, and no more than " + std::to_string(budget.steps_per_second_past_history) +
               " of its steps begin in a second");
}

/// The tick that tells it goes with the next commit.
void RunCommits::exceed(bool& told, const char* limit, std::int64_t max, const std::string& then) {
  if (std::exchange(told, true)) return;
  if (const auto& log = run_->environment.options.log)
    log(LogLevel::warning, "run " + row_.run_id + " of workflow '" + row_.workflow_name + "', at work in step '" + std::string(last_step_) +
                               "', has gone beyond " + limit + " (" + std::to_string(max) + "): " + then);
  row_.budgets_exceeded += (row_.budgets_exceeded.empty() ? "" : ",") + std::string(limit);
  backlog_.push_back({engine::BudgetExceeded{limit, max, std::string(last_step_)}});
}

/// In a durable run every tick is recorded.
void RunCommits::add_journal(Batch& batch) {
  auto& commit = batch.commit;
  if (on_trial_ && (got_further_ || state_.over() || engine::only_waits(state_))) end_trial(batch);
  if (!begun_) commit.begin = row_;
  if (!state_.over()) {
    mark_idle(commit);
    add_snapshot(commit);
  }
}

/// What steps keep goes with what they did.
void RunCommits::add_states(Batch& batch) {
  const auto writes = run_->states.writes();
  const bool changed = writes != std::exchange(states_committed_, writes);
  batch.commit.states_after = batch.events > 0 ? event_next_ : event_next_ - 1;
  if (batch.ended) keep_states(batch.commit, run_->states_to_keep());
  if (batch.ended || !(changed || (durable_ && !begun_))) return;
  auto taken = run_->states.take();
  if (durable_) add_edits(batch, taken.edits);
  keep_states(batch.commit, std::move(taken.states));
}

/// Also where all is known, in a commit of several ticks: who forks the run between them must know what the states hold.
void RunCommits::add_edits(Batch& batch, const std::map<std::uint64_t, engine::Edits>& in_stores) {
  const auto& ticks = batch.commit.ticks;
  engine::StateEdited edited{.since = ticks.empty() ? tick_last_ + 1 : static_cast<engine::Sequence>(ticks.front().sequence),
                             .edits = engine::unknown_edits(state_, in_stores)};
  if (!edited.edits.empty() || ticks.size() > 1) take(batch, {std::move(edited)});
}

/// The same for the commit with which the run ends, when bodies may be at work that nobody will hear of any more.
void RunCommits::add_last_edits(Batch& batch, Time at) {
  const auto& ticks = batch.commit.ticks;
  if (ticks.size() < 2 || run_->states.writes() == states_committed_) return;
  engine::StateEdited edited{.since = static_cast<engine::Sequence>(ticks.front().sequence), .edits = {}};
  for (auto& [serial, edits] : run_->states.edits()) edited.edits.emplace_back(engine::InvocationId{.serial = serial}, edits);
  reduce(batch, std::move(edited), at);
}

void RunCommits::keep_states(Commit& commit, NamedStates states) {
  std::erase_if(states, [](const auto& named) { return named.second.empty(); });
  if (states.empty() && !has_stored_states_) return;
  has_stored_states_ = true;
  commit.states = std::move(states);
}

/// Taken when the journal has outgrown the state, so that a run is resumed as fast after a million steps as after ten, and
/// writing snapshots costs no more than writing the journal.
void RunCommits::add_snapshot(Commit& commit) {
  constexpr std::size_t journal_bytes_min = 64 * 1024;
  for (const auto& tick : commit.ticks) journal_bytes_ += tick.text.size();
  if (journal_bytes_ < std::max(journal_bytes_min, 4 * snapshot_bytes_)) return;
  commit.snapshot = SnapshotRow{static_cast<std::int64_t>(tick_last_), engine::encode_state(run_->workflow->plan, state_)};
  if (replay_check_) replay_check_->snapshot_taken(commit.snapshot->text);
  commit.ticks.clear();
  snapshot_bytes_ = commit.snapshot->text.size();
  journal_bytes_ = 0;
}

void RunCommits::mark_idle(Commit& commit) {
  const bool idle = engine::only_waits(state_);
  if (!idle && !row_.idle_since) return;
  const auto at = now();
  const auto wake_at = idle ? engine::next_due(state_) : std::nullopt;
  auto waiting_for = idle ? awaited_json(run_->workflow->plan, state_) : "";
  if (idle == row_.idle_since.has_value() && wake_at == row_.wake_at && waiting_for == row_.waiting_for) return;
  if (!idle) row_.idle_since.reset();
  else if (!row_.idle_since) row_.idle_since = at;
  row_.wake_at = wake_at;
  row_.waiting_for = std::move(waiting_for);
  row_.updated_at = at;
  if (commit.begin) commit.begin = row_;
  else commit.handler = row_;
}

}  // namespace weir::runtime
