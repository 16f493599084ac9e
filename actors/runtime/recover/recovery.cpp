#include "recovery.hpp"

#include "actors/runtime/clock/timers.hpp"
#include "actors/runtime/messages/event_row.hpp"

#include "actors/engine/reduce/reduce.hpp"
#include "actors/engine/text/journal_codec.hpp"
#include "actors/engine/text/state_codec.hpp"

#include <algorithm>

namespace weir::runtime {
namespace {

Error refuse(std::string why) { return {Code::failed_precondition, std::move(why)}; }

}  // namespace

std::int64_t published_by(const engine::Outcome& outcome) {
  return std::count_if(outcome.commands.begin(), outcome.commands.end(),
                       [](const engine::Command& command) { return std::holds_alternative<engine::PublishEvent>(command); });
}

Expected<Replay> replay(const Journal& journal, const HandlerRow& row, const RegisteredWorkflow& workflow,
                        const std::function<bool(const Replay&)>& enough) {
  const auto& plan = workflow.plan;
  if (const auto changed = engine::signature_difference(row.workflow_graph, engine::signature(plan)); !changed.empty())
    return refuse("workflow '" + row.workflow_name + "' has changed since this run was recorded: " + changed +
                  ". To finish such runs, give the new workflow another version and register the old one beside it.");
  if (!journal.snapshot && journal.ticks.empty()) return refuse("handler crashed before persisting any state; cannot resume");
  Replay out{.state = engine::initial_state(plan)};
  if (journal.snapshot) {
    auto state = engine::decode_state(plan, journal.snapshot->text);
    if (!state) return refuse("its snapshot cannot be read: " + state.error().message);
    out.state = std::move(*state);
    out.tick_last = static_cast<engine::Sequence>(journal.snapshot->sequence);
    out.snapshot_bytes = journal.snapshot->text.size();
  }
  for (const auto& entry : journal.ticks) {
    if (enough && enough(out)) break;
    if (static_cast<engine::Sequence>(entry.sequence) != out.tick_last + 1)
      return refuse("its journal has a gap before entry " + std::to_string(entry.sequence));
    out.journal_bytes += entry.text.size();
    auto tick = engine::decode_tick(plan, entry.text);
    if (!tick) return refuse("its journal cannot be read at entry " + std::to_string(entry.sequence) + ": " + tick.error().message);
    out.tick_last = static_cast<engine::Sequence>(entry.sequence);
    out.at = entry.at;
    auto outcome = engine::reduce(plan, std::move(out.state), {out.tick_last, entry.at, std::move(*tick)});
    out.state = std::move(outcome.state);
    out.published += published_by(outcome);
  }
  return out;
}

Expected<RecoveredRun> recover(const Store& store, const HandlerRow& row, const RegisteredWorkflow& workflow) {
  auto replayed = replay(store.read_journal(row.run_id), row, workflow);
  if (!replayed) return replayed.error();
  const auto last = store.last_event(row.run_id);
  return RecoveredRun{std::move(*replayed), last ? last->sequence + 1 : row.first_sequence};
}

namespace {

Expected<HandlerRow> end(Store& store, HandlerRow row, HandlerStatus status, const EventBox& event, std::string error) {
  const auto last = store.last_event(row.run_id);
  row.status = status;
  row.error = std::move(error);
  row.updated_at = now();
  row.completed_at = row.updated_at;
  row.idle_since = row.wake_at = std::nullopt;
  row.resumes = 0;
  row.quarantined = false;
  const auto stored = store.commit({.run_id = row.run_id,
                                    .events = {make_row(last ? last->sequence + 1 : row.first_sequence, row.updated_at, {event})},
                                    .handler = row,
                                    .states = std::nullopt});
  if (!stored) return stored.error();
  return row;
}

}  // namespace

Expected<HandlerRow> give_up(Store& store, HandlerRow row, const std::string& why) {
  const WorkflowFailedEvent event{.step_name = "",
                                  .exception = {"workflows.errors.WorkflowRuntimeError", why},
                                  .attempts = std::nullopt,
                                  .elapsed_seconds = std::nullopt};
  return end(store, std::move(row), HandlerStatus::failed, event, why);
}

Expected<HandlerRow> give_up_cancelled(Store& store, HandlerRow row) {
  return end(store, std::move(row), HandlerStatus::cancelled, WorkflowCancelledEvent(), "");
}

}  // namespace weir::runtime
