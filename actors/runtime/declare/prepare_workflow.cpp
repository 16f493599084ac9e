// From what an author declared to what the engine runs: plan, bodies, children, resources, introspection texts.
#include "catalog.hpp"
#include "resource_cache.hpp"
#include "resource_files.hpp"

#include "actors/engine/graph/representation.hpp"

#include <algorithm>

namespace weir::runtime {
namespace {

engine::StepPlan plan_step(const Workflow::Definition& definition, const detail::StepSpec& spec) {
  engine::StepPlan step;
  step.name = spec.name;
  step.description = spec.description;
  if (spec.collects) step.input = engine::Input::collect;
  else if (!spec.slots.empty()) step.input = engine::Input::join;
  step.accepts = spec.accepts;
  step.slots = spec.slots;
  step.returns = spec.returns;
  step.returns_in_list = spec.returns_in_list;
  step.num_workers = static_cast<std::uint32_t>(spec.num_workers);
  step.accept_subclasses = spec.accept_subclasses;
  step.take = spec.take;
  step.timeout = spec.timeout;
  step.runs_child = spec.child != nullptr;
  step.is_error_handler = spec.is_error_handler;
  step.handles_steps = spec.handles_steps;
  step.max_recoveries = static_cast<std::uint32_t>(spec.max_recoveries);
  step.skip_reachability = spec.skip_reachability;
  step.skip_dead_end = spec.skip_dead_end;
  for (const auto type : spec.resources) step.resources.push_back(detail::find_resource(definition.resources, type)->name);
  return step;
}

engine::Plan make_plan(const Workflow::Definition& definition, const std::vector<const detail::StepSpec*>& specs) {
  engine::Plan plan;
  plan.description = definition.description;
  plan.version = definition.version;
  plan.timeout = definition.timeout;
  for (const auto& [type, events_max] : definition.mailboxes) plan.mailboxes.push_back({type, events_max});
  if (definition.num_concurrent_runs) plan.num_concurrent_runs = static_cast<std::uint32_t>(*definition.num_concurrent_runs);
  plan.disable_validation = definition.disable_validation;
  plan.skip_reachability = definition.skip_reachability;
  plan.skip_terminal_event = definition.skip_terminal_event;
  plan.skip_dead_end = definition.skip_dead_end;
  for (const auto* spec : specs) plan.steps.push_back(plan_step(definition, *spec));
  return plan;
}

/// Wire order: the class's steps by name, then functions as they were added.
std::vector<const detail::StepSpec*> ordered_steps(const Workflow::Definition& definition) {
  std::vector<const detail::StepSpec*> out;
  for (const auto& spec : definition.steps) out.push_back(spec.get());
  std::sort(out.begin(), out.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  for (const auto& spec : definition.function_steps) out.push_back(spec.get());
  return out;
}

void prepare_children(RegisteredWorkflow& workflow) {
  for (engine::StepIndex step = 0; step < workflow.specs.size(); ++step) {
    const auto& spec = *workflow.specs[step];
    if (!spec.child) continue;
    auto child = prepare_workflow(workflow.name + "." + spec.name, spec.child_class, spec.child, {});
    auto marked = std::make_shared<RegisteredWorkflow>(*child);
    marked->is_child = true;
    if (spec.forward_stream)  // clients that follow the parent see the child's questions: let them answer
      for (const auto* type : marked->registry.all())
        if (type->kind == Kind::human_response || type->kind == Kind::input_required) workflow.plan.additional_events.push_back(type);
    workflow.children.emplace(step, std::move(marked));
  }
}

}  // namespace

WorkflowPtr prepare_workflow(std::string name, std::string class_name, std::shared_ptr<Workflow> flow,
                             std::vector<const EventType*> additional_events) {
  const auto& definition = flow->definition();
  check_resources(definition);
  auto entry = std::make_shared<RegisteredWorkflow>();
  entry->name = std::move(name);
  entry->version = definition.version;
  entry->verbose = definition.verbose;
  entry->specs = ordered_steps(definition);
  entry->plan = make_plan(definition, entry->specs);
  entry->plan.class_name = std::move(class_name);
  entry->plan.additional_events = std::move(additional_events);
  entry->plan.resources = load_resources(definition, *flow->resource_cache());
  prepare_children(*entry);
  engine::complete(entry->plan);
  entry->flow = std::move(flow);
  if (entry->plan.num_concurrent_runs) entry->admission = std::make_shared<Admission>(*entry->plan.num_concurrent_runs);
  entry->start = entry->plan.start;
  entry->registry = entry->plan.registry;
  entry->schema_json = engine::schema_json(entry->plan);
  entry->events_json = engine::events_json(entry->plan);
  entry->representation_json = engine::representation_json(entry->plan);
  entry->detailed_representation_json = engine::detailed_representation_json(entry->plan);
  return entry;
}

}  // namespace weir::runtime
