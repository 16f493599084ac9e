// Derives routes, registry, bindings and error handlers from a workflow's steps.
#include "plan.hpp"

#include "graph_checks.hpp"

#include <algorithm>
#include <set>

namespace weir::engine {

const EventType* accepted_as(const StepPlan& step, const EventType& type) {
  for (const auto* declared : step.accepts)
    if (declared->same_as(type)) return declared;
  if (step.accept_subclasses && type.kind != Kind::stop)
    for (const auto* declared : step.accepts)
      if (type.is_a(*declared)) return declared;
  return nullptr;
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

using Types = std::vector<const EventType*>;

void add_type(Types& types, const EventType* type) {
  if (std::find(types.begin(), types.end(), type) == types.end()) types.push_back(type);
}

/// Which collect steps a fan-out step's stream reaches. Nested fan-outs count as what collects them returns.
class BindingSearch {
public:
  explicit BindingSearch(const Plan& plan) : plan_(plan) {}

  std::vector<StepIndex> targets(StepIndex source) {
    if (!open_.insert(source).second) return {};
    std::vector<StepIndex> out;
    const auto level = types_at_level_of(source);
    for (StepIndex i = 0; i < plan_.steps.size(); ++i) {
      const auto& step = plan_.steps[i];
      if (step.input != Input::collect) continue;
      if (std::any_of(level.begin(), level.end(), [&](const auto* type) { return accepts(step, *type); })) out.push_back(i);
    }
    open_.erase(source);
    return out;
  }

private:
  Types types_at_level_of(StepIndex source) {
    Types level = plan_.steps[source].returns_in_list;
    for (std::size_t next = 0; next < level.size(); ++next) {
      for (StepIndex i = 0; i < plan_.steps.size(); ++i) {
        const auto& step = plan_.steps[i];
        if (step.input != Input::single || !accepts(step, *level[next])) continue;
        for (const auto* type : step.returns) add_type(level, type);
        if (!step.fans_out()) continue;
        for (const auto target : targets(i))
          for (const auto* type : plan_.steps[target].returns) add_type(level, type);
      }
    }
    return level;
  }

  const Plan& plan_;
  std::set<StepIndex> open_;
};

void find_bindings(Plan& plan) {
  for (StepIndex source = 0; source < plan.steps.size(); ++source)
    if (plan.steps[source].fans_out())
      for (const auto target : BindingSearch(plan).targets(source)) plan.bindings.push_back({source, target});
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
  find_bindings(plan);
  check_graph(plan);
  assign_error_handlers(plan);
}

}  // namespace weir::engine
