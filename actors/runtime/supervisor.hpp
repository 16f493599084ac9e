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
  /// What became of an input.
  enum class Fate {
    done,    ///< it is durable, as is what followed from it
    over,    ///< the run had ended before
    failed,  ///< it could not be stored: the run has broken down over it
  };
  using After = std::function<void(Fate)>;  ///< may be empty

  /// Ticks that are reduced and made durable together, and what is to be done then.
  struct Batch {
    Commit commit;
    std::vector<engine::Command> commands;
    std::vector<After> afters;
    std::int64_t events = 0;            ///< that the commit makes visible
    std::optional<HandlerRow> ended;    ///< the handler's row, when the run ends with it
    std::optional<std::string> broken;  ///< the engine itself failed
  };

  /// Takes a tick at once, or behind the commit that is under way.
  void feed(engine::Tick tick, After after = nullptr);
  void take(Batch& batch, engine::Tick tick, After after);
  void commit(Batch batch);
  void add_visible(Batch& batch);
  void add_journal(Commit& commit);
  void committed(const std::optional<Error>& error);
  /// The batch is durable, or has failed: does what it asks, or ends the run.
  void settle(Batch batch, const std::optional<Error>& error);
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
  void broken(const std::string& why);
  void finished();

  SupervisorActor::base* self_;
  std::shared_ptr<LiveRun> run_;
  HandlerRow row_;
  engine::State state_;
  engine::Sequence tick_last_ = 0;
  std::int64_t event_next_ = 0;
  bool durable_;
  bool begun_ = false;                                   ///< durable runs: written to the store
  std::optional<Batch> under_way_;                       ///< with the commit queue
  std::vector<std::pair<engine::Tick, After>> backlog_;  ///< what has come meanwhile
  std::uint64_t states_committed_ = 0;                   ///< StateStores::writes() at the last commit
  std::vector<StepActor> steps_;                         ///< by step index; empty until the step first has work
  std::map<std::uint64_t, Timers::Id> timers_;
  bool waits_or_is_admitted_ = false;
  EventLogActor log_;
  std::vector<std::function<void(const HandlerRow&)>> awaiting_;
};

}  // namespace weir::runtime
