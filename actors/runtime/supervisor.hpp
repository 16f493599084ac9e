// The supervisor: owns one run's state, feeds it ticks, makes the outcome durable, then acts on it.
#pragma once

#include "live_run.hpp"

#include <map>
#include <memory>
#include <vector>

namespace weir::runtime {

class Supervisor {
public:
  static constexpr const char* actor_name = "weir.supervisor";

  Supervisor(SupervisorActor::base* self, std::shared_ptr<LiveRun> run);
  ~Supervisor();
  SupervisorActor::behavior_type make_behavior();

private:
  /// False when the run broke down over it.
  bool feed(engine::Tick tick);
  /// Makes what the commands show durable, then does what they ask.
  bool execute(std::vector<engine::Command> commands);
  void add_journal(Commit& commit);
  void act(engine::Command& command);
  void resume(ResumeRun& request);
  void deliver(Deliver& request);
  void cancel(CancelRun& request);
  void subscribe(Subscribe& request);
  void timer_fired(TimerFired& fired);
  void set_timer(engine::SetTimer& timer);
  void clear_timer(std::uint64_t timer);
  void await_admission();
  void run_step(engine::RunStep& command);
  void tell(const EventBox& event) const;
  bool broken(const std::string& why);
  void finished();

  SupervisorActor::base* self_;
  std::shared_ptr<LiveRun> run_;
  HandlerRow row_;
  engine::State state_;
  engine::Sequence tick_last_ = 0;
  std::int64_t event_next_ = 0;
  std::vector<TickRow> ticks_;          ///< of durable runs: reduced, and not yet committed
  std::uint64_t states_committed_ = 0;  ///< StateStores::writes() at the last commit
  std::vector<StepActor> steps_;        ///< by step index; empty until the step first has work
  std::map<std::uint64_t, Timers::Id> timers_;
  bool waits_or_is_admitted_ = false;
  EventLogActor log_;
  std::vector<std::function<void(const HandlerRow&)>> awaiting_;
};

}  // namespace weir::runtime
