// The non-template half of workflow.hpp: option checks.
#include <weir/workflow.hpp>

namespace weir {

StepBuilder& StepBuilder::num_workers(int count) {
  if (count < 1)
    throw WorkflowError("num_workers must be an integer greater than 0 (step '" + spec_->name + "', got " + std::to_string(count) + ")");
  spec_->num_workers = count;
  return *this;
}

StepBuilder& StepBuilder::retry(Retry policy) {
  if (policy.max_attempts < 1)
    throw WorkflowError("retry of step '" + spec_->name + "': max_attempts must be at least 1, got " + std::to_string(policy.max_attempts));
  spec_->retry = std::move(policy);
  return *this;
}

StepBuilder& StepBuilder::blocking() {
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
  if (count < 1) throw WorkflowError("Take(n) requires an integer n >= 1 (step '" + spec_->name + "')");
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
  if (max_recoveries < 1) throw WorkflowError("@catch_error max_recoveries must be an integer >= 1");
  if (spec.accepts.size() != 1 || !spec.accepts.front()->same_as(event_type<StepFailedEvent>()))
    throw WorkflowError("@catch_error handler '" + spec.name + "' must accept StepFailedEvent as its event parameter.");
  spec.is_error_handler = true;
  spec.num_workers = 1;
  spec.handles_steps = std::move(steps);
  spec.max_recoveries = max_recoveries;
  return add(std::move(spec));
}

}  // namespace weir
