// Graph validation, in the protocol's order and words.
#include "graph_checks.hpp"

#include "plan.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <string>

namespace weir::engine {
namespace {

using Types = std::vector<const EventType*>;

bool contains(const Types& types, const EventType* type) {
  return std::any_of(types.begin(), types.end(), [&](const auto* known) { return known->same_as(*type); });
}

template <class Items, class Name>
std::string joined(const Items& items, Name name, std::string_view quote = "") {
  std::string out;
  for (const auto& item : items) {
    out += out.empty() ? "" : ", ";
    out += std::string(quote) + std::string(name(item)) + std::string(quote);
  }
  return out;
}

std::string type_names(const Types& types) {
  std::set<std::string> sorted;
  for (const auto* type : types) sorted.insert(type->name);
  return joined(sorted, [](const std::string& name) { return name; });
}

Types produced(const StepPlan& step) {
  Types out = step.returns;
  out.insert(out.end(), step.returns_in_list.begin(), step.returns_in_list.end());
  return out;
}

Types all_produced(const Plan& plan) {
  Types out;
  for (const auto& step : plan.steps)
    for (const auto* type : produced(step))
      if (!contains(out, type)) out.push_back(type);
  return out;
}

Types all_consumed(const Plan& plan) {
  Types out;
  for (const auto& step : plan.steps)
    for (const auto* type : step.accepts)
      if (!contains(out, type)) out.push_back(type);
  return out;
}

bool consumed_somewhere(const Plan& plan, const EventType& type) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const auto& step) { return accepts(step, type); });
}

void find_start_and_stop(Plan& plan) {
  Types starts, stops;
  for (const auto* type : all_consumed(plan))
    if (type->kind == Kind::start) starts.push_back(type);
  for (const auto* type : all_produced(plan))
    if (type->kind == Kind::stop) stops.push_back(type);
  const auto where = "in workflow '" + plan.class_name + "'.";
  if (starts.empty())
    throw WorkflowError("At least one Event of type StartEvent must be received by any step. (Workflow '" + plan.class_name +
                        "' has no @step that accepts StartEvent.)");
  if (starts.size() > 1)
    throw WorkflowError("Only one type of StartEvent is allowed per workflow, found " + std::to_string(starts.size()) + ": {" +
                        type_names(starts) + "} " + where);
  if (stops.empty())
    throw WorkflowError("At least one Event of type StopEvent must be returned by any step. (Workflow '" + plan.class_name +
                        "' has no @step that returns StopEvent.)");
  if (stops.size() > 1)
    throw WorkflowError("Only one type of StopEvent is allowed per workflow, found " + std::to_string(stops.size()) + ": {" +
                        type_names(stops) + "} " + where);
  plan.start = starts.front();
  plan.stop = stops.front();
}

void check_steps(const Plan& plan) {
  if (plan.steps.empty())
    throw WorkflowError("Workflow '" + plan.class_name + "' has no configured steps. Did you forget to call step<&" + plan.class_name +
                        "::your_step>() in its constructor?");
  for (auto step = plan.steps.begin(); step != plan.steps.end(); ++step)
    if (std::any_of(plan.steps.begin(), step, [&](const auto& other) { return other.name == step->name; }))
      throw WorkflowError("A step " + step->name + " is already part of this workflow, please choose another name.");
}

void check_collect_steps(const Plan& plan) {
  for (StepIndex i = 0; i < plan.steps.size(); ++i) {
    const auto& step = plan.steps[i];
    const bool bound = std::any_of(plan.bindings.begin(), plan.bindings.end(), [&](const Binding& b) { return b.target == i; });
    if (step.input == Input::collect && !bound)
      throw WorkflowError("Step '" + step.name + "' collects list[" + type_names(step.accepts) +
                          "], but no returned-list producer creates a stream for those event types.");
  }
}

void check_nobody_accepts_stop(const Plan& plan) {
  std::vector<std::string> names;
  for (const auto& step : plan.steps)
    if (std::any_of(step.accepts.begin(), step.accepts.end(), [](const auto* type) { return type->kind == Kind::stop; }))
      names.push_back(step.name);
  if (names.empty()) return;
  const auto subject = std::string(names.size() == 1 ? "Step " : "Steps ") + joined(
                                                                                 names, [](const auto& name) { return name; }, "'");
  throw WorkflowError(subject + " cannot accept StopEvent. StopEvent signals the end of the workflow. Use a different Event type instead.");
}

bool is_outside_input(const EventType& type) {
  return type.kind == Kind::start || type.kind == Kind::input_required || type.kind == Kind::human_response || type.kind == Kind::stop ||
         type.is_a(event_type<StepFailedEvent>());
}

bool may_stay_unconsumed(const EventType& type) {
  return type.kind == Kind::input_required || type.kind == Kind::human_response || type.kind == Kind::stop;
}

Types never_produced(const Plan& plan) {
  Types out;
  const auto made = all_produced(plan);
  for (const auto& step : plan.steps)
    for (const auto* type : step.accepts) {
      const bool by_descendant =
          step.accept_subclasses && std::any_of(made.begin(), made.end(), [&](const auto* m) { return m->is_a(*type); });
      if (!is_outside_input(*type) && !contains(made, type) && !by_descendant) out.push_back(type);
    }
  return out;
}

Types never_consumed(const Plan& plan) {
  Types out;
  for (const auto* type : all_produced(plan))
    if (!may_stay_unconsumed(*type) && !consumed_somewhere(plan, *type)) out.push_back(type);
  return out;
}

void check_production(const Plan& plan) {
  if (const auto types = never_produced(plan); !types.empty())
    throw WorkflowError("The following events are consumed but never produced: " + type_names(types));
  if (const auto types = never_consumed(plan); !types.empty() && !plan.skip_terminal_event)
    throw WorkflowError("The following events are produced but never consumed: " + type_names(types));
}

void check_error_handlers(const Plan& plan) {
  std::vector<std::string> problems, wildcards;
  std::vector<std::pair<std::string, std::string>> claimed;  // step, handler
  for (const auto& handler : plan.steps) {
    if (!handler.is_error_handler) continue;
    if (handler.handles_steps.empty()) wildcards.push_back(handler.name);
    for (const auto& covered : handler.handles_steps) {
      const auto index = find_step(plan, covered);
      const auto prefix = "@catch_error handler '" + handler.name + "' ";
      if (!index) problems.push_back(prefix + "lists unknown step '" + covered + "' in for_steps.");
      else if (plan.steps[*index].is_error_handler) problems.push_back(prefix + "cannot cover another handler step '" + covered + "'.");
      for (const auto& [step, other] : claimed)
        if (step == covered)
          problems.push_back("Step '" + step + "' is claimed by two @catch_error handlers: '" + other + "' and '" + handler.name + "'.");
      claimed.emplace_back(covered, handler.name);
    }
  }
  if (wildcards.size() > 1)
    problems.insert(problems.begin(), "Only one wildcard @catch_error handler is allowed per workflow, found " +
                                          std::to_string(wildcards.size()) + ": " + joined(wildcards, [](const auto& n) { return n; }));
  if (problems.empty()) return;
  std::string text;
  for (const auto& problem : problems) text += (text.empty() ? "" : "\n") + problem;
  throw WorkflowError(text);
}

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

void check_paths(const Plan& plan) {
  const auto count = plan.steps.size();
  const auto reachable = spread(count, [&](StepIndex i, const std::vector<bool>& marked) {
    const auto& step = plan.steps[i];
    if (step.is_error_handler) return true;
    for (const auto* type : step.accepts)
      if (type->same_as(*plan.start) || type->kind == Kind::human_response) return true;
    for (StepIndex from = 0; from < count; ++from)
      if (marked[from])
        for (const auto* type : produced(plan.steps[from]))
          if (accepts(step, *type)) return true;
    return false;
  });
  const auto leads_out = spread(count, [&](StepIndex i, const std::vector<bool>& marked) {
    for (const auto* type : produced(plan.steps[i])) {
      if (type->kind == Kind::stop || type->kind == Kind::input_required) return true;
      for (StepIndex to = 0; to < count; ++to)
        if (marked[to] && accepts(plan.steps[to], *type)) return true;
    }
    return false;
  });
  const auto unreachable = step_names_without(plan, reachable, [&](const auto& step) { return !step.skip_reachability; });
  const auto dead_ends =
      step_names_without(plan, leads_out, [](const auto& step) { return !step.skip_dead_end && !produced(step).empty(); });
  std::string text;
  if (!unreachable.empty() && !plan.skip_reachability)
    text +=
        "\n  - [reachability] Unreachable steps: " + unreachable + "\n    Steps must be reachable from StartEvent or HumanResponseEvent.";
  if (!dead_ends.empty() && !plan.skip_dead_end)
    text += "\n  - [dead_end] Dead-end steps: " + dead_ends + "\n    Steps must have a path to StopEvent or InputRequiredEvent.";
  if (!text.empty()) throw WorkflowError("Graph validation failed:" + text);
}

}  // namespace

void check_graph(Plan& plan) {
  check_steps(plan);
  find_start_and_stop(plan);
  check_collect_steps(plan);
  check_nobody_accepts_stop(plan);
  check_production(plan);
  check_error_handlers(plan);
  check_paths(plan);
}

}  // namespace weir::engine
