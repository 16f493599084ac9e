// The supervisor: owns one run's state, feeds it ticks, makes the outcome durable, then acts on it.
#pragma once

#include "live_run.hpp"

#include <functional>
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
  struct Input {
    engine::Tick tick;
    After after = nullptr;
    std::optional<IdempotencyKey> key = {};  ///< that is used up with it
  };

  /// Ticks that are reduced and made durable together, and what is to be done then.
  struct Batch {
    Commit commit;
    std::vector<engine::Command> commands;
    std::vector<After> afters;
    std::int64_t events = 0;            ///< that the commit makes visible
    bool handler_changed = false;       ///< with the commit
    std::optional<HandlerRow> ended;    ///< the handler's row, when the run ends with it
    std::optional<std::string> broken;  ///< the engine itself failed
  };

  /// Takes a tick at once, or behind the commit that is under way.
  void feed(Input input);
  void take(Batch& batch, Input input);
  void commit(Batch batch);
  void add_visible(Batch& batch);
  void add_journal(Commit& commit);
  void add_snapshot(Commit& commit);
  void add_states(Batch& batch);
  /// Of a handler that has never kept anything, nothing is written.
  void keep_states(Commit& commit, NamedStates states);
  /// Whether the run only waits, for what and until when, stands in its row.
  void mark_rest(Commit& commit);
  void committed(const std::optional<Error>& error);
  /// The batch is durable, or has failed: does what it asks, or ends the run.
  void settle(Batch batch, const std::optional<Error>& error);
  void act(engine::Command& command);
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

  // supervisor_rest.cpp
  void resume();
  /// The run ended while nobody had it in memory.
  void was_over(const std::optional<HandlerRow>& row);
  void could_not_be_loaded(const std::string& why);
  /// Looks again when the run has rested for long enough.
  void watch_rest();
  void rested();
  bool may_sleep();
  void remember_reader(const std::shared_ptr<Subscription>& reader);
  void forget_gone_readers();
  void fall_asleep();
  /// True when the run is somebody else's by now, who gets the message by `post`.
  bool passed_on(const std::function<void(const SupervisorActor&)>& post);
  template <class M>
  bool pass_on(M& message) {
    return asleep_ && passed_on([&](const SupervisorActor& owner) { compat::post(owner, std::move(message)); });
  }

  SupervisorActor::base* self_;
  std::shared_ptr<LiveRun> run_;
  HandlerRow row_;
  engine::State state_;
  engine::Sequence tick_last_ = 0;
  std::int64_t event_next_ = 0;
  bool durable_;
  bool begun_ = false;  ///< durable runs: written to the store
  bool pipelined_;
  std::optional<Batch> under_way_;      ///< with the commit queue
  std::vector<Input> backlog_;          ///< what has come meanwhile
  Batch gathering_;                     ///< the same, of pipelined runs: reduced already
  std::uint64_t states_committed_ = 0;  ///< StateStores::writes() at the last commit
  bool has_stored_states_;
  std::size_t journal_bytes_ = 0;         ///< since the last snapshot
  std::size_t snapshot_bytes_ = 0;        ///< of that
  std::optional<Timers::Id> rest_timer_;  ///< looks whether the run has rested for long
  bool asleep_ = false;                   ///< no longer the run's owner
  std::vector<std::weak_ptr<Subscription>> readers_;
  std::vector<StepActor> steps_;  ///< by step index; empty until the step first has work
  std::map<std::uint64_t, Timers::Id> timers_;
  bool waits_or_is_admitted_ = false;
  EventLogActor log_;
  std::vector<std::function<void(const HandlerRow&)>> awaiting_;
};

}  // namespace weir::runtime
