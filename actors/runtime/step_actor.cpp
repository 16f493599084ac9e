#include "step_actor.hpp"

namespace weir::runtime {

Step::Step(StepActor::base* self, std::shared_ptr<LiveRun> run, SupervisorActor supervisor)
    : self_(self), run_(std::move(run)), supervisor_(std::move(supervisor)) {}

StepActor::behavior_type Step::make_behavior() {
  return {
      compat::on(self_, [this](StartBody& m) { start(std::move(m.command)); }),
      compat::on(self_, [this](ResumeBody m) { resume(m.serial); }),
  };
}

void Step::start(engine::RunStep command) {
  if (const auto found = suspended_.find(command.work_item); found != suspended_.end()) {
    auto invocation = std::move(found->second);
    suspended_.erase(found);
    if (invocation->answered_by(command)) {
      const auto outcome = invocation->continue_with(std::move(command));
      return keep(std::move(invocation), outcome);
    }
  }
  auto invocation = std::make_shared<Invocation>(run_, supervisor_, StepActor(self_), std::move(command));
  if (run_->workflow->specs[invocation->id().step]->blocking) {
    run_->environment.pool.submit([invocation = std::move(invocation)] { invocation->begin(); });
    return;
  }
  const auto outcome = invocation->begin();
  keep(std::move(invocation), outcome);
}

void Step::resume(std::uint64_t serial) {
  const auto found = pending_.find(serial);
  if (found == pending_.end()) return;
  auto invocation = std::move(found->second);
  pending_.erase(found);
  const auto outcome = invocation->resume();
  keep(std::move(invocation), outcome);
}

void Step::keep(std::shared_ptr<Invocation> invocation, Invocation::Outcome outcome) {
  if (outcome == Invocation::Outcome::pending) pending_[invocation->id().serial] = std::move(invocation);
  else if (outcome == Invocation::Outcome::suspended) suspended_[invocation->work_item()] = std::move(invocation);
}

}  // namespace weir::runtime
