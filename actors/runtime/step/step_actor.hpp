// The actor of one step of one run: owns the bodies in flight, at most `num_workers` of them.
#pragma once

#include "actors/runtime/live/live_run.hpp"
#include "invocation.hpp"

#include <map>
#include <memory>

namespace weir::runtime {

class Step {
public:
  static constexpr const char* actor_name = "weir.step";

  Step(StepActor::base* self, std::shared_ptr<LiveRun> run, SupervisorActor supervisor);
  StepActor::behavior_type make_behavior();

private:
  /// Whatever goes wrong with an invocation is its step's failure, not this actor's end.
  template <class F>
  void guarded(engine::InvocationId id, F&& handle);
  void start(engine::RunStep command);
  void resume(std::uint64_t serial);
  void drop(std::uint64_t serial);
  void keep(std::shared_ptr<Invocation> invocation, Invocation::Outcome outcome);

  StepActor::base* self_;
  std::shared_ptr<LiveRun> run_;
  SupervisorActor supervisor_;
  std::shared_ptr<StepRunner> runner_;
  std::map<std::uint64_t, std::shared_ptr<Invocation>> pending_;  ///< by serial
  std::map<std::uint64_t, std::weak_ptr<Invocation>> blocking_;   ///< those that may have to be stopped
  std::map<engine::WorkItem, std::shared_ptr<Invocation>> suspended_;
};

}  // namespace weir::runtime
