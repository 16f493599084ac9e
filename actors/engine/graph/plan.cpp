// Derives routes, registry, bindings and error handlers from a workflow's steps.
#include "actors/engine/model/plan.hpp"

#include "graph_checks.hpp"
#include "stream_levels.hpp"

#include <algorithm>

namespace weir::engine {

const EventType* accepted_as(const StepPlan& step, const EventType& type) {
  for (const auto* declared : step.accepts)
    if (declared->same_as(type)) return declared;
  if (step.accept_subclasses && type.kind != Kind::stop)
    for (const auto* declared : step.accepts)
      if (type.is_a(*declared)) return declared;
  return nullptr;
}

std::vector<const EventType*> types_produced(const StepPlan& step) {
  auto out = step.returns_in_list;
  for (const auto* type : step.returns)
    if (std::find(out.begin(), out.end(), type) == out.end()) out.push_back(type);
  return out;
}

bool ends_run(const StepPlan& step, const EventType& type) { return type.kind == Kind::stop && !step.runs_child; }

std::string binding_id(const Plan& plan, StepIndex source, StepIndex target) {
  const auto& collector = plan.steps[target];
  std::string types;
  for (const auto* type : collector.accepts) types += (types.empty() ? "" : ",") + type->qualified_name;
  const auto amount = collector.take == 0 ? "All" : "Take(" + std::to_string(collector.take) + ")";
  return plan.steps[source].name + "->" + collector.name + ":" + types + ":" + amount + ":nearest";
}

bool accepts(const StepPlan& step, const EventType& type) { return accepted_as(step, type) != nullptr; }

namespace {

std::vector<StepIndex> scan(const Plan& plan, const EventType& type) {
  std::vector<StepIndex> out;
  for (StepIndex i = 0; i < plan.steps.size(); ++i)
    if (accepts(plan.steps[i], type)) out.push_back(i);
  return out;
}

void register_types(Plan& plan) {
  for (const auto& step : plan.steps) {
    for (const auto* type : step.accepts) plan.registry.add(*type);
    for (const auto* type : step.returns) plan.registry.add(*type);
    for (const auto* type : step.returns_in_list) plan.registry.add(*type);
  }
  for (const auto* type : plan.additional_events) plan.registry.add(*type);
  for (const auto* type : plan.registry.all()) plan.routes.emplace_back(type, scan(plan, *type));
}

void assign_error_handlers(Plan& plan) {
  plan.error_handlers.assign(plan.steps.size(), std::nullopt);
  for (const bool scoped : {false, true}) {  // a handler that names the step beats the wildcard
    for (StepIndex i = 0; i < plan.steps.size(); ++i) {
      const auto& handler = plan.steps[i];
      if (!handler.is_error_handler || handler.handles_steps.empty() == scoped) continue;
      for (StepIndex covered = 0; covered < plan.steps.size(); ++covered) {
        const auto& name = plan.steps[covered].name;
        const bool named = std::find(handler.handles_steps.begin(), handler.handles_steps.end(), name) != handler.handles_steps.end();
        if (!plan.steps[covered].is_error_handler && (named || !scoped)) plan.error_handlers[covered] = i;
      }
    }
  }
}

void find_bindings(Plan& plan) {
  StreamLevels levels(plan);
  for (StepIndex source = 0; source < plan.steps.size(); ++source)
    if (plan.steps[source].fans_out())
      for (const auto target : levels.collectors(source)) plan.bindings.push_back({source, target});
}

}  // namespace

std::vector<StepIndex> accepting(const Plan& plan, const EventType& type) {
  for (const auto& [known, steps] : plan.routes)
    if (known == &type) return steps;
  return scan(plan, type);
}

std::optional<StepIndex> find_step(const Plan& plan, std::string_view name) {
  for (StepIndex i = 0; i < plan.steps.size(); ++i)
    if (plan.steps[i].name == name) return i;
  return std::nullopt;
}

void complete(Plan& plan) {
  register_types(plan);
  assign_error_handlers(plan);
  find_bindings(plan);
  check_graph(plan);
}

}  // namespace weir::engine
