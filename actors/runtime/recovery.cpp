#include "recovery.hpp"

#include "event_row.hpp"
#include "timers.hpp"

#include "../engine/journal_codec.hpp"
#include "../engine/reduce.hpp"

namespace weir::runtime {
namespace {

Error refuse(std::string why) { return {Code::failed_precondition, std::move(why)}; }

}  // namespace

Expected<RecoveredRun> recover(const Store& store, const HandlerRow& row, const RegisteredWorkflow& workflow) {
  const auto& plan = workflow.plan;
  if (const auto changed = engine::signature_difference(row.workflow_graph, engine::signature(plan)); !changed.empty())
    return refuse("workflow '" + row.workflow_name + "' has changed since this run was recorded: " + changed +
                  ". To finish such runs, give the new workflow another version and register the old one beside it.");
  const auto journal = store.read_journal(row.run_id);
  if (journal.empty()) return refuse("handler crashed before persisting any state; cannot resume");
  RecoveredRun out{engine::initial_state(plan), 0, 0};
  for (const auto& entry : journal) {
    auto tick = engine::decode_tick(plan, entry.text);
    if (!tick) return refuse("its journal cannot be read at entry " + std::to_string(entry.sequence) + ": " + tick.error().message);
    out.tick_last = static_cast<engine::Sequence>(entry.sequence);
    out.state = engine::reduce(plan, std::move(out.state), {out.tick_last, entry.at, std::move(*tick)}).state;
  }
  if (const auto last = store.last_event(row.run_id)) out.event_next = last->sequence + 1;
  return out;
}

void give_up(Store& store, HandlerRow row, const std::string& why) {
  const auto last = store.last_event(row.run_id);
  const WorkflowFailedEvent event{.step_name = "",
                                  .exception = {"workflows.errors.WorkflowRuntimeError", why},
                                  .attempts = std::nullopt,
                                  .elapsed_seconds = std::nullopt};
  row.status = HandlerStatus::failed;
  row.error = why;
  row.updated_at = now();
  row.completed_at = row.updated_at;
  const auto run_id = row.run_id;
  (void)store.commit({.run_id = run_id,
                      .events = {make_row(last ? last->sequence + 1 : 0, row.updated_at, event)},
                      .handler = std::move(row),
                      .states = std::nullopt});
}

}  // namespace weir::runtime
