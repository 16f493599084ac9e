// An invocation whose body is another workflow's run.
#include "invocation.hpp"

#include <utility>

namespace weir::runtime {

Invocation::Outcome Invocation::begin_child() {
  const auto& workflow = run_->workflow->children.at(command_.id.step);
  ChildRequest request{
      .workflow = workflow,
      .start = command_.event,
      .handler_id = child_handler_id(),
      .parent_handler_id = run_->row.handler_id,
      .attempt = run_->row.run_id + "." + spec().name + "." + std::to_string(command_.work_item) + "." + std::to_string(command_.failures),
      .publish = nullptr,
      .ended = nullptr};
  if (spec().forward_stream) run_->forwarded.add(request.handler_id, workflow);
  const std::weak_ptr<Invocation> weak = weak_from_this();
  if (spec().forward_stream) {
    request.publish = [weak](EventBox event) {
      if (const auto self = weak.lock()) self->write(std::move(event), true);
    };
    request.when_room = [backlog = run_->backlog](std::function<void()> action) { backlog->when_room(std::move(action)); };
  }
  request.ended = [weak](ChildOutcome outcome) {
    const auto self = weak.lock();
    if (!self) return;
    {
      const std::lock_guard lock(self->mutex_);
      self->child_outcome_ = std::move(outcome);
    }
    self->runner_->resume(self->command_.id.serial);
  };
  child_ = runner_->start_child(std::move(request));
  return Outcome::pending;
}

/// The same for every attempt: they are runs of one handler.
std::string Invocation::child_handler_id() const {
  return run_->row.handler_id + "." + spec().name + "." + std::to_string(command_.work_item);
}

Invocation::Outcome Invocation::child_ended() {
  run_->forwarded.remove(child_handler_id());
  child_.reset();
  std::optional<ChildOutcome> outcome;
  {
    const std::lock_guard lock(mutex_);
    outcome = std::exchange(child_outcome_, std::nullopt);
  }
  if (!outcome) return Outcome::pending;
  if (outcome->status == HandlerStatus::completed) return report(engine::Returned{{outcome->terminal}, false});
  ExceptionInfo error{"workflows.errors.WorkflowRuntimeError", outcome->error};
  if (const auto* failure = outcome->terminal.as<WorkflowFailedEvent>()) error.exception_type = failure->exception.exception_type;
  if (outcome->terminal.as<WorkflowTimedOutEvent>()) error.exception_type = "builtins.TimeoutError";
  if (outcome->status == HandlerStatus::cancelled) error.exception_message = "child workflow '" + spec().name + "' was cancelled";
  return report(failed(std::move(error), nullptr));
}

}  // namespace weir::runtime
