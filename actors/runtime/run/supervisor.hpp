// The supervisor: one live run. Takes the messages for it, feeds them to the run's commits, and does what follows.
#pragma once

#include "actors/runtime/clock/exceptions.hpp"
#include "actors/runtime/live/live_run.hpp"
#include "passing.hpp"
#include "run_commits.hpp"
#include "run_timers.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace weir::runtime {

class Supervisor final : RunCommits::Owner {
public:
  static constexpr const char* actor_name = "weir.supervisor";

  Supervisor(SupervisorActor::base* self, std::shared_ptr<LiveRun> run);
  ~Supervisor() override;
  SupervisorActor::behavior_type make_behavior();

private:
  // RunCommits::Owner
  void act(engine::Command& command) override;
  void tell(const EventBox& event) const override;
  bool is_read() const override { return log_ != nullptr; }
  void visible(bool events, SharedRows rows, bool row_changed) override;
  void over() override;
  void never_begun(const Error& why) override;
  void settled() override;

  /// The one boundary of all messages: whatever is thrown ends the run, not the actor, and nobody is left waiting.
  template <class F>
  void guarded(F&& handle);
  template <class M>
  auto taking(void (Supervisor::*handle)(M&)) {
    return compat::on(self_, [this, handle](M& message) { guarded([&] { (this->*handle)(message); }); });
  }
  /// What may come before the run has been loaded, or after it has left.
  template <class M>
  auto taking_request(void (Supervisor::*handle)(M&)) {
    return compat::on(self_, [this, handle](M& message) {
      if (!loading_ && !hibernated_) return guarded([&] { (this->*handle)(message); });
      const auto kept = std::make_shared<M>(std::move(message));
      auto later = [this, handle, kept] { (this->*handle)(*kept); };
      if (loading_) return kept_.push_back(std::move(later));
      pass_on({[kept](const SupervisorActor& owner) { compat::post(owner, std::move(*kept)); }, std::move(later)});
    });
  }
  void start(StartRun& request);
  void deliver(Deliver& request);
  void cancel(CancelRun& request);
  void await_end(AwaitEnd& request);
  void inspect(Inspect& request);
  void step_reported(StepReport& report);
  void admitted(Admitted&);
  void committed(Committed& committed);
  void subscribe(Subscribe& request);
  void timer_fired(TimerFired& fired);
  void await_admission();
  void run_step(engine::RunStep& command);
  void stop_step(engine::InvocationId id);
  /// Whoever waits is told; the registry forgets the run, and this actor ends.
  void leave();
  const HandlerRow& row() const noexcept { return commits_.row(); }
  void log(LogLevel level, const std::string& text) const;

  // supervisor_hibernation.cpp
  void resume(ResumeRun&);
  void loaded(RunLoaded& message);
  void begin_with(LoadedRun& loaded);
  /// The run ended while nobody had it in memory.
  void was_over(const std::optional<HandlerRow>& row);
  /// The run stays as it is in the store; whoever asks for it has it loaded again.
  void could_not_be_loaded(const std::string& why);
  /// Looks again when the run has been idle for long enough.
  void watch_idleness();
  void hibernation_due(HibernationDue&);
  void trial_passed(TrialPassed&);
  bool may_hibernate();
  Duration idle_for() const;
  void remember_reader(const std::shared_ptr<Subscription>& reader);
  void forget_gone_readers();
  void hibernate();
  /// The run is somebody else's by now.
  void pass_on(PassedRequest request);
  void pass_on_next();
  void passed_on(PassedOn& message);
  void retire();

  SupervisorActor::base* self_;
  std::shared_ptr<LiveRun> run_;
  RunCommits commits_;
  RunTimers timers_;
  bool loading_ = false;
  std::vector<std::function<void()>> kept_;  ///< requests that have come meanwhile
  bool hibernated_ = false;                  ///< no longer the run's owner
  std::vector<PassedRequest> to_pass_on_;
  bool passing_ = false;           ///< others are being passed on
  bool retired_ = false;           ///< nothing more comes
  std::optional<Time> idle_seen_;  ///< the row's idle_since that idle_since_ is about
  SteadyTime idle_since_;
  std::optional<Error> gone_;     ///< why there is no run to be had here: it never began, or could not be loaded
  std::vector<StepActor> steps_;  ///< by step index; empty until the step first has work
  bool waits_or_is_admitted_ = false;
  EventLogActor log_;
  std::vector<std::weak_ptr<Subscription>> readers_;
  std::vector<HandlerReply> awaiting_;
};

template <class F>
void Supervisor::guarded(F&& handle) {
  const BlockingForbidden here;
  std::string what;
  try {
    return handle();
  } catch (...) { what = describe_current_exception().exception_message; }
  try {
    commits_.fail(what);
  } catch (...) {  // not even that: the run is found unfinished by whoever asks next
    gone_ = Error{Code::internal, what};
    leave();
  }
}

}  // namespace weir::runtime
