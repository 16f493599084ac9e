#include "catalog.hpp"

#include "../engine/representation.hpp"

#include <algorithm>
#include <mutex>

namespace weir::runtime {
namespace {

engine::StepPlan plan_step(const detail::StepSpec& spec) {
  engine::StepPlan step;
  step.name = spec.name;
  step.description = spec.description;
  step.input = spec.collects ? engine::Input::collect : engine::Input::single;
  step.accepts = spec.accepts;
  step.returns = spec.returns;
  step.returns_in_list = spec.returns_in_list;
  step.num_workers = static_cast<std::uint32_t>(spec.num_workers);
  step.accept_subclasses = spec.accept_subclasses;
  step.take = spec.take;
  step.is_error_handler = spec.is_error_handler;
  step.handles_steps = spec.handles_steps;
  step.max_recoveries = static_cast<std::uint32_t>(spec.max_recoveries);
  step.skip_reachability = spec.skip_reachability;
  step.skip_dead_end = spec.skip_dead_end;
  return step;
}

engine::Plan make_plan(const Workflow::Definition& definition, const std::vector<const detail::StepSpec*>& specs) {
  engine::Plan plan;
  plan.description = definition.description;
  plan.version = definition.version;
  plan.timeout = definition.timeout;
  plan.skip_reachability = definition.skip_reachability;
  plan.skip_terminal_event = definition.skip_terminal_event;
  plan.skip_dead_end = definition.skip_dead_end;
  for (const auto* spec : specs) plan.steps.push_back(plan_step(*spec));
  return plan;
}

}  // namespace

void Catalog::add(std::string name, std::string class_name, std::shared_ptr<Workflow> flow,
                  std::vector<const EventType*> additional_events) {
  if (name.empty()) throw WorkflowError("a workflow's name must not be empty (class " + class_name + ")");
  auto entry = std::make_shared<RegisteredWorkflow>();
  for (const auto& spec : flow->definition().steps) entry->specs.push_back(spec.get());
  std::sort(entry->specs.begin(), entry->specs.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  entry->name = std::move(name);
  entry->plan = make_plan(flow->definition(), entry->specs);
  entry->plan.class_name = std::move(class_name);
  entry->plan.additional_events = std::move(additional_events);
  entry->flow = std::move(flow);
  engine::complete(entry->plan);
  entry->start = entry->plan.start;
  entry->registry = entry->plan.registry;
  entry->schema_json = engine::schema_json(entry->plan);
  entry->events_json = engine::events_json(entry->plan);
  entry->representation_json = engine::representation_json(entry->plan);

  const std::unique_lock lock(mutex_);
  const auto known = std::find_if(workflows_.begin(), workflows_.end(), [&](const auto& other) { return other->name == entry->name; });
  if (known == workflows_.end()) workflows_.push_back(std::move(entry));
  else *known = std::move(entry);
}

WorkflowPtr Catalog::find(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  for (const auto& workflow : workflows_)
    if (workflow->name == name) return workflow;
  return nullptr;
}

std::vector<std::string> Catalog::names() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> out;
  for (const auto& workflow : workflows_) out.push_back(workflow->name);
  return out;
}

}  // namespace weir::runtime
