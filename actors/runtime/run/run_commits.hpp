// A run's way from tick to disk: takes ticks one after another, reduces them, hands what followed to the store as one commit, and
// has it acted upon when that is durable. One commit at a time; what comes meanwhile is gathered (commit_state.hpp).
#pragma once

#include "actors/runtime/commit/commit_state.hpp"
#include "actors/runtime/live/live_run.hpp"
#include "replay_check.hpp"

#include "actors/engine/reduce/reception.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace weir::runtime {

struct RecoveredRun;

/// A tick, and who wants to know what became of it.
struct Input {
  enum class Became {
    done,       ///< it is durable, as is what followed from it
    unhandled,  ///< the same, of an event that nothing in the run took
    too_late,   ///< the run had ended before
  };
  /// Code::unavailable: the store does not answer, and the text says whether the input may still count. Code::conflict: nothing takes
  /// the event, which was to be taken. Code::resource_exhausted: it would have been kept, and there is no room. Other errors: it could
  /// never be stored.
  using Answer = std::function<void(const Expected<Became>&)>;

  engine::Tick tick;
  Answer answer = nullptr;                 ///< may be empty
  std::optional<IdempotencyKey> key = {};  ///< that is used up with it
  /// Counts however long the store takes: what the run does to itself, and what its parent does to it. Others are refused while the
  /// store does not answer.
  bool patient = true;
  Time not_before = Time::min();         ///< what a timer brings is not earlier than that, though the wall clock may have been set back
  bool strict = false;                   ///< an event that nothing takes is refused
  std::shared_ptr<void> held = nullptr;  ///< until what follows from the tick is durable: StepReport::held
};

/// Used on the supervisor's thread only.
class RunCommits {
public:
  /// What follows from a commit. The supervisor.
  class Owner {
  public:
    virtual ~Owner() = default;
    /// Does what the engine wants done: what led to it is durable, or need not be.
    virtual void act(engine::Command& command) = 0;
    /// An event is about to be made durable.
    virtual void tell(const EventBox& event) const = 0;
    /// Somebody follows the run's events.
    virtual bool is_read() const = 0;
    /// Events, and perhaps a changed row, are there for everybody to see. `rows`: the events, if somebody followed them when they were
    /// handed to the store.
    virtual void visible(bool events, SharedRows rows, bool row_changed) = 0;
    /// The run is over, and so is its row.
    virtual void over() = 0;
    /// The run has never begun: nothing of it is in the store.
    virtual void never_begun(const Error& why) = 0;
    /// The run has got further since it was gone on with, or is idle.
    virtual void settled() = 0;
  };

  RunCommits(Owner& owner, std::shared_ptr<LiveRun> run, SupervisorActor supervisor);
  /// Nobody learns any more what becomes of what is under way.
  ~RunCommits();
  RunCommits(const RunCommits&) = delete;
  RunCommits& operator=(const RunCommits&) = delete;

  /// Takes an input at once, or behind the commit that is under way.
  void feed(Input input);
  /// What the queue says of the commit that is under way.
  void hear(const CommitNews& news);
  /// Goes on where a store says that the run is, with the commands that its state implies.
  void load(const HandlerRow& row, RecoveredRun recovered);
  /// The run cannot go on, by a fault of ours: it ends with that text, behind the commit that is under way.
  void fail(const std::string& why);
  /// The run ended, or left, by somebody else's hand: inputs are answered as those of an ended run.
  void close(const HandlerRow& row);

  const HandlerRow& row() const noexcept { return row_; }
  const engine::State& state() const noexcept { return state_; }
  CommitState commit_state() const noexcept { return commit_state_; }
  bool begun() const noexcept { return begun_; }
  bool durable() const noexcept { return durable_; }
  /// It has more events than RunBudget::history_rows_max allows: it is to be slowed.
  bool past_history() const noexcept { return past_history_; }
  /// The run leaves memory.
  void left() const;
  /// It was gone on with after a crash, by which it counts as tried, and has got no further yet.
  bool on_trial() const noexcept { return on_trial_; }
  /// It has been on trial for long: when others wait for that, it is not counted against it.
  void trial_passed();

private:
  struct UsedUp {
    std::string key;
    Input::Became became;
  };
  static const UsedUp* find(const std::vector<UsedUp>& keys, const IdempotencyKey& key);
  /// Ticks that are reduced and made durable together, and what is to be done then.
  struct Batch {
    Commit commit;
    std::vector<engine::Command> commands;
    std::vector<UsedUp> keys;                    ///< that are used up with it
    std::vector<Input::Answer> answers;          ///< of clients, who are told of a delay
    std::vector<Input::Answer> patient_answers;  ///< of those who wait for as long as it takes
    std::int64_t events = 0;                     ///< that the commit makes visible
    SharedRows rows;                             ///< those, when somebody follows
    bool handler_changed = false;                ///< with the commit
    std::optional<HandlerRow> ended;             ///< the handler's row, when the run ends with it
    std::optional<std::string> broken;           ///< the engine itself failed
    bool settles = false;                        ///< a trial is over with it
    std::vector<std::shared_ptr<void>> held;     ///< of the run's backlog, until it is durable

    void answer(const Expected<Input::Became>& what);
  };

  void enter(CommitEvent event);
  /// False: nothing has changed, and whoever sent it has been told.
  bool take(Batch& batch, Input input);
  std::optional<Error> refusal(engine::Reception reception, const engine::Sent& sent, bool strict) const;
  /// True for a request that is sent again while what it sent first is on its way to the disk: both get that answer.
  bool joins_earlier(Input& input);
  /// Records the tick and reduces it; returns what is to be done.
  std::vector<engine::Command> reduce(Batch& batch, engine::Tick tick, Time at);
  std::string_view step_of(const engine::Tick& tick) const;
  bool may_run_ahead(const engine::Command& command) const;
  void commit(Batch batch);
  void submit(Batch batch);
  // run_commits_content.cpp
  static void apply_ending(HandlerRow& row, const engine::FinishRun& ending, Time at);
  void add_visible(Batch& batch);
  void note_unhandled(Commit& commit, const engine::PublishEvent& told, std::int64_t sequence, Time at);
  void forget_oldest(Commit& commit, std::int64_t event_next);
  void add_journal(Batch& batch);
  void add_snapshot(Commit& commit);
  void add_states(Batch& batch);
  /// States that hold more than their bodies have reported say so in the journal.
  void add_edits(Batch& batch, const std::map<std::uint64_t, engine::Edits>& in_stores);
  void add_last_edits(Batch& batch, Time at);
  /// Of a handler that has never kept anything, nothing is written.
  void keep_states(Commit& commit, NamedStates states);
  /// Before user code runs again, the row says so.
  void begin_trial(Batch& batch);
  void end_trial(Batch& batch);
  /// Whether the run only waits, for what and until when, stands in its row.
  void mark_idle(Commit& commit);

  std::int64_t events_kept_max() const;
  /// After more has become visible: a budget that is exceeded is told once, in the log and in the run.
  void look_at_budget();
  void exceed(bool& told, const char* limit, std::int64_t max, const std::string& then);

  // run_commits.cpp
  void on_durable();
  void on_delayed();
  void on_refused(const Error& error);
  void settle(Batch batch);
  void take_gathered();
  /// The run cannot go on: ends it with the reason, or lets it be as if it had never begun.
  void end_with(const Error& why);
  void ended_for_good();

  Owner& owner_;
  std::shared_ptr<LiveRun> run_;
  SupervisorActor supervisor_;
  HandlerRow row_;
  engine::State state_;
  std::unique_ptr<ReplayCheck> replay_check_;  ///< in tests
  engine::Sequence tick_last_ = 0;
  std::int64_t event_next_;
  std::int64_t kept_from_;                           ///< events below that may be forgotten
  std::string_view last_step_;                       ///< that a tick was about
  bool past_memory_ = false, past_history_ = false;  ///< RunBudget
  const bool durable_, pipelined_;
  bool begun_ = false;  ///< durable runs: written to the store
  bool on_trial_ = false;
  bool got_further_ = false;  ///< since then: a tick of the run's own
  CommitState commit_state_ = CommitState::idle;
  std::optional<Batch> under_way_;  ///< with the commit queue
  std::vector<Input> backlog_;      ///< what has come meanwhile
  /// The last that were made durable: who asked the store for one just before that finds it here.
  std::vector<UsedUp> used_keys_;
  static constexpr std::size_t used_keys_max = 64;
  Batch gathering_;                     ///< the same, of pipelined runs: reduced already
  std::uint64_t states_committed_ = 0;  ///< StateStores::writes() at the last commit
  bool has_stored_states_;
  std::size_t journal_bytes_ = 0;   ///< since the last snapshot
  std::size_t snapshot_bytes_ = 0;  ///< of that
};

}  // namespace weir::runtime
