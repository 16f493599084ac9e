// Can every step be reached, and does every step lead somewhere? (contract 5.12, group 10)
#include "graph_checks.hpp"

#include "actors/engine/model/plan.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <string>

namespace weir::engine {
namespace {

/// Steps that `reaches` marks, growing until nothing changes.
std::vector<bool> spread(std::size_t count, const std::function<bool(StepIndex, const std::vector<bool>&)>& reaches) {
  std::vector<bool> marked(count, false);
  for (bool changed = true; changed;) {
    changed = false;
    for (StepIndex i = 0; i < count; ++i)
      if (!marked[i] && reaches(i, marked)) changed = marked[i] = true;
  }
  return marked;
}

std::string step_names_without(const Plan& plan, const std::vector<bool>& marked, const std::function<bool(const StepPlan&)>& counts) {
  std::string out;
  for (StepIndex i = 0; i < plan.steps.size(); ++i)
    if (!marked[i] && counts(plan.steps[i])) out += (out.empty() ? "" : ", ") + plan.steps[i].name;
  return out;
}

/// Sorted by name. A stop event or a question may end a path, an answer may not.
std::string never_consumed_names(const Plan& plan) {
  std::set<std::string> names;
  for (const auto& step : plan.steps)
    for (const auto* type : types_produced(step)) {
      const bool terminal = ends_run(step, *type) || type->kind == Kind::input_required;
      const bool taken = std::any_of(plan.steps.begin(), plan.steps.end(), [&](const auto& other) { return accepts(other, *type); });
      if (!terminal && !taken) names.insert(type->name);
    }
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

}  // namespace

void check_paths(const Plan& plan) {
  const auto count = plan.steps.size();
  const auto reachable = spread(count, [&](StepIndex i, const std::vector<bool>& marked) {
    const auto& step = plan.steps[i];
    if (step.is_error_handler) return true;
    for (const auto* type : step.accepts)
      if (type->same_as(*plan.start) || type->kind == Kind::human_response) return true;
    for (StepIndex from = 0; from < count; ++from)
      if (marked[from])
        for (const auto* type : types_produced(plan.steps[from]))
          if (accepts(step, *type)) return true;
    return false;
  });
  const auto leads_out = spread(count, [&](StepIndex i, const std::vector<bool>& marked) {
    for (const auto* type : types_produced(plan.steps[i])) {
      if (ends_run(plan.steps[i], *type) || type->kind == Kind::input_required) return true;
      for (StepIndex to = 0; to < count; ++to)
        if (marked[to] && accepts(plan.steps[to], *type)) return true;
    }
    return false;
  });
  const auto unreachable = step_names_without(plan, reachable, [&](const auto& step) { return !step.skip_reachability; });
  const auto dead_ends =
      step_names_without(plan, leads_out, [](const auto& step) { return !step.skip_dead_end && !types_produced(step).empty(); });
  const auto unconsumed = never_consumed_names(plan);
  std::string text;
  if (!unreachable.empty() && !plan.skip_reachability)
    text +=
        "\n  - [reachability] Unreachable steps: " + unreachable + "\n    Steps must be reachable from StartEvent or HumanResponseEvent.";
  if (!unconsumed.empty() && !plan.skip_terminal_event)
    text += "\n  - [terminal_event] Events produced but never consumed: " + unconsumed +
            "\n    Only StopEvent and InputRequiredEvent may be terminal.";
  if (!dead_ends.empty() && !plan.skip_dead_end)
    text += "\n  - [dead_end] Dead-end steps: " + dead_ends + "\n    Steps must have a path to StopEvent or InputRequiredEvent.";
  if (!text.empty()) throw WorkflowError("Graph validation failed:" + text);
}

}  // namespace weir::engine
