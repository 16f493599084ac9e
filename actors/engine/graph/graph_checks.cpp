// Graph validation, in the protocol's order, and in the words of those who write in C++.
#include "graph_checks.hpp"

#include "actors/engine/model/plan.hpp"
#include "stream_levels.hpp"

#include <algorithm>
#include <iterator>
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

void add(Types& types, const EventType* type) {
  if (!contains(types, type)) types.push_back(type);
}

Types all_produced(const Plan& plan) {
  Types out;
  for (const auto& step : plan.steps)
    for (const auto* type : types_produced(step)) add(out, type);
  return out;
}

/// The start or stop event of a child workflow.
bool is_child_event(const Plan& plan, const EventType& type) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const auto& step) {
    return step.runs_child && (step.accepts.front()->same_as(type) || step.returns.front()->same_as(type));
  });
}

bool consumed_somewhere(const Plan& plan, const EventType& type) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const auto& step) { return accepts(step, type); });
}

/// A child's start and stop are ordinary events to its parent, so the parent needs others for itself.
void check_children(const Plan& plan) {
  for (const auto& child : plan.steps) {
    if (!child.runs_child) continue;
    for (const auto& own : plan.steps) {
      if (own.runs_child) continue;
      for (const auto* type : {child.accepts.front(), child.returns.front()})
        if (contains(type->kind == Kind::start ? own.accepts : types_produced(own), type))
          throw WorkflowError("Child workflow '" + child.name + "' uses " + type->name + ", as workflow '" + plan.class_name +
                              "' itself does: give the child start and stop event types of its own.");
    }
  }
}

void find_start_and_stop(Plan& plan) {
  Types starts, stops;
  for (const auto& step : plan.steps) {
    if (step.runs_child) continue;
    for (const auto* type : step.accepts)
      if (type->kind == Kind::start) add(starts, type);
    for (const auto* type : types_produced(step))
      if (type->kind == Kind::stop) add(stops, type);
  }
  const auto where = "in workflow '" + plan.class_name + "'.";
  if (starts.empty())
    throw WorkflowError("Workflow '" + plan.class_name +
                        "' has no step that starts it: one must take an event whose kind is StartEvent, or StartEvent itself.");
  if (starts.size() > 1)
    throw WorkflowError("Only one type of StartEvent is allowed per workflow, found " + std::to_string(starts.size()) + ": {" +
                        type_names(starts) + "} " + where);
  if (stops.empty())
    throw WorkflowError("Workflow '" + plan.class_name +
                        "' has no step that ends it: one must return an event whose kind is StopEvent, or StopEvent itself.");
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
      throw WorkflowError("Step '" + step.name + "' collects a std::vector of " + type_names(step.accepts) +
                          ", but no step that returns a std::vector leads to such events.");
  }
}

/// Where the type can occur, in words; the first level found.
std::string where_produced(StreamLevels& levels, const Plan& plan, const StepPlan& step, const EventType& slot) {
  const auto occurs = [&](const Types& level) {
    return std::any_of(level.begin(), level.end(),
                       [&](const auto* type) { return type->same_as(slot) || (step.accept_subclasses && type->is_a(slot)); });
  };
  if (occurs(levels.outside())) return "at the top level";
  for (StepIndex source = 0; source < plan.steps.size(); ++source)
    if (plan.steps[source].fans_out() && occurs(levels.inside(source))) return "at the stream of step '" + plan.steps[source].name + "'";
  return "";
}

void check_join(StreamLevels& levels, const Plan& plan, const StepPlan& step) {
  const auto fills_all = [&](const Types& level) {
    return std::all_of(step.slots.begin(), step.slots.end(), [&](const auto* slot) {
      return std::any_of(level.begin(), level.end(),
                         [&](const auto* type) { return type->same_as(*slot) || (step.accept_subclasses && type->is_a(*slot)); });
    });
  };
  bool filled = fills_all(levels.outside());
  for (StepIndex source = 0; source < plan.steps.size(); ++source)
    filled = filled || (plan.steps[source].fans_out() && fills_all(levels.inside(source)));
  if (filled) return;
  std::string places;
  for (std::size_t i = 0; i < step.slots.size(); ++i) {
    const auto where = where_produced(levels, plan, step, *step.slots[i]);
    if (where.empty()) return;  // never produced at all: check_production says so
    places += (places.empty() ? "" : "; ") + ("parameter " + std::to_string(i + 1)) + " (" + step.slots[i]->name + ") is produced " + where;
  }
  throw WorkflowError("Step '" + step.name + "' joins event parameters that are never produced at a common stream level: " + places +
                      ". Produce them inside the same fan-out, or collect the stream first.");
}

void check_joins(const Plan& plan) {
  StreamLevels levels(plan);
  for (const auto& step : plan.steps)
    if (step.input == Input::join) check_join(levels, plan, step);
}

void check_nobody_accepts_stop(const Plan& plan) {
  std::vector<std::string> names;
  for (const auto& step : plan.steps)
    if (std::any_of(step.accepts.begin(), step.accepts.end(),
                    [&](const auto* type) { return type->kind == Kind::stop && !is_child_event(plan, *type); }))
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
    if ((!may_stay_unconsumed(*type) || is_child_event(plan, *type)) && !consumed_somewhere(plan, *type)) out.push_back(type);
  return out;
}

void check_production(const Plan& plan) {
  if (const auto types = never_produced(plan); !types.empty())
    throw WorkflowError("The following events are consumed but never produced: " + type_names(types));
  if (const auto types = never_consumed(plan); !types.empty() && !plan.skip_terminal_event)
    throw WorkflowError("The following events are produced but never consumed: " + type_names(types));
}

/// The declaration's beginning, by which it is found.
std::string catch_error(const Plan& plan, const StepPlan& handler) {
  return "catch_error<&" + plan.class_name + "::" + handler.name + ">(): ";
}

void check_error_handlers(const Plan& plan) {
  std::vector<std::string> problems, wildcards;
  std::vector<std::pair<std::string, std::string>> claimed;  // step, handler
  for (const auto& handler : plan.steps) {
    if (!handler.is_error_handler) continue;
    if (handler.handles_steps.empty()) wildcards.push_back(handler.name);
    for (const auto& covered : handler.handles_steps) {
      const auto index = find_step(plan, covered);
      const auto prefix = catch_error(plan, handler);
      if (!index) problems.push_back(prefix + "the workflow has no step '" + covered + "'.");
      else if (plan.steps[*index].is_error_handler) problems.push_back(prefix + "'" + covered + "' is an error handler itself.");
      for (const auto& [step, other] : claimed)
        if (step == covered) problems.push_back(prefix + "step '" + step + "' has the error handler '" + other + "' already.");
      claimed.emplace_back(covered, handler.name);
    }
  }
  if (wildcards.size() > 1)
    problems.insert(problems.begin(), "Only one catch_error<>() may leave out its list of steps, found " +
                                          std::to_string(wildcards.size()) + ": " + joined(wildcards, [](const auto& n) { return n; }) +
                                          ".");
  if (problems.empty()) return;
  std::string text;
  for (const auto& problem : problems) text += (text.empty() ? "" : "\n") + problem;
  throw WorkflowError(text);
}

bool may_end_run(const StepPlan& step) {
  const auto produced = types_produced(step);
  return std::any_of(produced.begin(), produced.end(), [&](const auto* type) { return ends_run(step, *type); });
}

/// Something that both take; nullptr when there is nothing.
const EventType* taken_by_both(const StepPlan& one, const StepPlan& other) {
  for (const auto* type : one.accepts)
    if (accepts(other, *type)) return type;
  for (const auto* type : other.accepts)
    if (accepts(one, *type)) return type;
  return nullptr;
}

}  // namespace

std::vector<std::string> hints(const Plan& plan) {
  std::vector<std::string> out;
  for (auto one = plan.steps.begin(); one != plan.steps.end(); ++one)
    for (auto other = std::next(one); other != plan.steps.end(); ++other) {
      const auto* type = taken_by_both(*one, *other);
      if (!type || one->is_error_handler || other->is_error_handler || !may_end_run(*one) || !may_end_run(*other)) continue;
      out.push_back("steps '" + one->name + "' and '" + other->name + "' both take " + type->name +
                    ", and both may end the run: the first that returns its " + plan.stop->name + " does, and the other is dropped");
    }
  return out;
}

void check_graph(Plan& plan) {
  check_steps(plan);
  check_children(plan);
  find_start_and_stop(plan);
  if (plan.disable_validation) return;
  check_collect_steps(plan);
  check_joins(plan);
  check_nobody_accepts_stop(plan);
  check_production(plan);
  check_error_handlers(plan);
  check_paths(plan);
}

}  // namespace weir::engine
