#include "step_actor.hpp"

#include "actors/runtime/clock/exceptions.hpp"

namespace weir::runtime {
namespace {

/// A timer that is cancelled when nobody holds it any more: else it would hold its actor until it is due.
class SetTimer {
public:
  SetTimer(Timers& timers, Duration delay, std::function<void()> action) : timers_(timers), id_(timers.after(delay, std::move(action))) {}
  ~SetTimer() { timers_.cancel(id_); }
  SetTimer(const SetTimer&) = delete;
  SetTimer& operator=(const SetTimer&) = delete;

private:
  Timers& timers_;
  Timers::Id id_;
};

/// Turns what invocations ask for into messages, timers and jobs.
class ActorRunner final : public StepRunner {
public:
  ActorRunner(Environment& environment, SupervisorActor supervisor, StepActor step)
      : environment_(environment), supervisor_(std::move(supervisor)), step_(std::move(step)) {}

  Time now() const override { return runtime::now(); }
  void report(StepReport report) override { compat::post(supervisor_, std::move(report)); }
  void resume(std::uint64_t serial) override { compat::post(step_, ResumeBody{serial}); }
  std::shared_ptr<void> resume_after(Duration delay, std::uint64_t serial) override {
    return std::make_shared<SetTimer>(environment_.timers, delay, [step = step_, serial] { compat::post(step, ResumeBody{serial}); });
  }
  void resume_when_called(const std::function<void(std::function<void()>)>& begin, std::uint64_t serial) override {
    begin([step = step_, serial] { compat::post(step, ResumeBody{serial}); });
  }
  void run_blocking(std::function<void()> job) override { environment_.pool.submit(std::move(job)); }
  std::unique_ptr<ChildRun> start_child(ChildRequest request) override {
    return start_child_run(*environment_.service, std::move(request));
  }
  const RuntimeOptions& options() const override { return environment_.options; }
  BodiesAtWork* bodies() const override { return &environment_.bodies; }

private:
  Environment& environment_;
  SupervisorActor supervisor_;
  StepActor step_;
};

}  // namespace

Step::Step(StepActor::base* self, std::shared_ptr<LiveRun> run, SupervisorActor supervisor)
    : self_(self), run_(std::move(run)), supervisor_(std::move(supervisor)) {}

StepActor::behavior_type Step::make_behavior() {
  runner_ = std::make_shared<ActorRunner>(run_->environment, supervisor_, StepActor(self_));
  return {
      compat::on(self_, [this](StartBody& m) { guarded(m.command.id, [&] { start(std::move(m.command)); }); }),
      compat::on(self_, [this](ResumeBody m) { resume(m.serial); }),
      compat::on(self_, [this](DropBody m) { drop(m.serial); }),
  };
}

template <class F>
void Step::guarded(engine::InvocationId id, F&& handle) {
  try {
    handle();
  } catch (...) {
    runner_->report({engine::StepEnded{.id = id,
                                       .published = {},
                                       .sent = {},
                                       .collects = {},
                                       .answered_waiters = {},
                                       .ending = engine::Failed{describe_current_exception(), std::nullopt}}});
  }
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
  auto invocation = std::make_shared<Invocation>(run_, runner_, std::move(command));
  const auto& spec = *run_->workflow->specs[invocation->id().step];
  if (spec.blocking) {
    std::erase_if(blocking_, [](const auto& entry) { return entry.second.expired(); });
    if (spec.timeout) blocking_[invocation->id().serial] = invocation;
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
  guarded(invocation->id(), [&] {
    const auto outcome = invocation->resume();
    keep(std::move(invocation), outcome);
  });
}

void Step::drop(std::uint64_t serial) {
  if (const auto found = pending_.find(serial); found != pending_.end()) {
    found->second->stop();
    pending_.erase(found);
  }
  if (const auto found = blocking_.find(serial); found != blocking_.end()) {
    if (const auto invocation = found->second.lock()) invocation->stop();
    blocking_.erase(found);
  }
}

void Step::keep(std::shared_ptr<Invocation> invocation, Invocation::Outcome outcome) {
  if (outcome == Invocation::Outcome::pending) pending_[invocation->id().serial] = std::move(invocation);
  else if (outcome == Invocation::Outcome::suspended) suspended_[invocation->work_item()] = std::move(invocation);
}

}  // namespace weir::runtime
