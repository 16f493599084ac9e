// The non-template half of workflow.hpp: option checks.
#include <weir/workflow.hpp>

namespace weir {

StepBuilder& StepBuilder::num_workers(int count) {
  if (count < 1) throw WorkflowError("num_workers of step '" + spec_->name + "' must be at least 1, not " + std::to_string(count));
  spec_->num_workers = count;
  return *this;
}

StepBuilder& StepBuilder::retry(RetryPolicy policy) {
  spec_->retry = std::move(policy);
  return *this;
}

StepBuilder& StepBuilder::timeout(Duration limit) {
  if (limit <= Duration::zero()) throw WorkflowError("step '" + spec_->name + "': its timeout must be positive");
  spec_->timeout = limit;
  return *this;
}

StepBuilder& StepBuilder::forward_stream() {
  if (!spec_->child) throw WorkflowError("step '" + spec_->name + "' runs no child workflow: it has no stream to forward");
  spec_->forward_stream = true;
  return *this;
}

StepBuilder& StepBuilder::blocking() {
  if (spec_->child) throw WorkflowError("step '" + spec_->name + "' runs a child workflow: blocking() is for the child's steps");
  if (spec_->coroutine)
    throw WorkflowError("step '" + spec_->name + "' is a coroutine: use co_await ctx.blocking(...) inside it instead of .blocking()");
  spec_->blocking = true;
  return *this;
}

StepBuilder& StepBuilder::named(std::string name) {
  if (name.empty()) throw WorkflowError("step '" + spec_->name + "': its name must not be empty");
  spec_->name = std::move(name);
  return *this;
}

StepBuilder& StepBuilder::description(std::string text) {
  spec_->description = std::move(text);
  return *this;
}

StepBuilder& StepBuilder::accept_event_subclasses() {
  spec_->accept_subclasses = true;
  return *this;
}

StepBuilder& StepBuilder::take(std::uint32_t count) {
  if (count < 1) throw WorkflowError("take(n) of step '" + spec_->name + "': n must be at least 1");
  if (!spec_->collects) throw WorkflowError("step '" + spec_->name + "' collects no std::vector of events: take(n) has no meaning for it");
  spec_->take = count;
  return *this;
}

StepBuilder& StepBuilder::skip_reachability_check() {
  spec_->skip_reachability = true;
  return *this;
}

StepBuilder& StepBuilder::skip_dead_end_check() {
  spec_->skip_dead_end = true;
  return *this;
}

StepBuilder Workflow::add(detail::StepSpec spec) {
  definition_.steps.push_back(std::make_unique<detail::StepSpec>(std::move(spec)));
  return StepBuilder(*definition_.steps.back());
}

StepBuilder Workflow::add_error_handler(detail::StepSpec spec, std::vector<std::string> steps, int max_recoveries) {
  if (max_recoveries < 1)
    throw WorkflowError("catch_error<>() of step '" + spec.name + "': max_recoveries must be at least 1, not " +
                        std::to_string(max_recoveries));
  if (spec.accepts.size() != 1 || !spec.accepts.front()->same_as(event_type<StepFailedEvent>()))
    throw WorkflowError("catch_error<>() of step '" + spec.name + "': it must take a weir::StepFailedEvent, and no other event");
  spec.is_error_handler = true;
  spec.num_workers = 1;
  spec.handles_steps = std::move(steps);
  spec.max_recoveries = max_recoveries;
  return add(std::move(spec));
}

StepBuilder Workflow::add_function(detail::StepSpec spec) {
  definition_.function_steps.push_back(std::make_unique<detail::StepSpec>(std::move(spec)));
  return StepBuilder(*definition_.function_steps.back());
}

StepBuilder Workflow::add_child(std::string name, std::string class_name, std::shared_ptr<Workflow> workflow) {
  detail::StepSpec spec;
  for (const auto& step : workflow->definition().steps) {
    for (const auto* type : step->accepts)
      if (type->kind == Kind::start) spec.accepts = {type};
    for (const auto* type : step->returns)
      if (type->kind == Kind::stop && !step->child) spec.returns = {type};
  }
  if (spec.accepts.empty() || spec.returns.empty())
    throw WorkflowError("child workflow '" + name + "' (" + class_name +
                        ") has no step that takes a start event, or none that returns a stop event");
  spec.name = std::move(name);
  spec.child = std::move(workflow);
  spec.child_class = std::move(class_name);
  return add(std::move(spec));
}

ResourceBuilder Workflow::add_resource(detail::ResourceSpec spec) {
  definition_.resources.push_back(std::make_unique<detail::ResourceSpec>(std::move(spec)));
  return ResourceBuilder(*definition_.resources.back());
}

void Workflow::num_concurrent_runs(int count) {
  if (count < 1)
    throw WorkflowError("num_concurrent_runs must be at least 1, not " + std::to_string(count) + ": leave it out for no limit");
  definition_.num_concurrent_runs = count;
}

}  // namespace weir
