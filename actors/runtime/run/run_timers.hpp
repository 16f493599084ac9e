// The times that a run waits for: those the engine asked for, and the look whether the run has been idle for long.
#pragma once

#include "actors/runtime/clock/timers.hpp"
#include "actors/runtime/messages/messages.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace weir::runtime {

/// Owned by a supervisor and used on its thread. What is set dies with it: no timer outlives its run.
class RunTimers {
public:
  explicit RunTimers(Timers& timers) : timers_(timers) {}
  ~RunTimers() { clear_all(); }
  RunTimers(const RunTimers&) = delete;
  RunTimers& operator=(const RunTimers&) = delete;

  /// Sends TimerFired to the supervisor when the time has come. A wait that has just begun goes by the clock that nobody sets; of one
  /// that was stored only the instant is known.
  void set(engine::SetTimer& timer, const SupervisorActor& supervisor) {
    clear(timer.timer);
    auto fire = [supervisor, number = timer.timer, due = timer.due, tick = std::move(timer.tick)] {
      compat::post(supervisor, TimerFired{number, due, tick});
    };
    set_[timer.timer] = timer.in ? timers_.after(*timer.in, std::move(fire)) : timers_.at(timer.due, std::move(fire));
  }
  void clear(std::uint64_t timer) {
    const auto found = set_.find(timer);
    if (found == set_.end()) return;
    timers_.cancel(found->second);
    set_.erase(found);
  }
  /// That timer has fired. False when it had been cleared in that moment: it is not to count.
  bool take_fired(std::uint64_t timer) { return set_.erase(timer) > 0; }

  /// Sends HibernationDue to the supervisor then, unless it is to come already.
  void look_at_idleness(Duration in, const SupervisorActor& supervisor) {
    if (!idleness_) idleness_ = timers_.after(in, [supervisor] { compat::post(supervisor, HibernationDue()); });
  }
  void idleness_looked_at() { idleness_.reset(); }
  bool idleness_watched() const noexcept { return idleness_.has_value(); }

  /// Sends TrialPassed to the supervisor then.
  void look_at_trial(Duration in, const SupervisorActor& supervisor) {
    trial_ = timers_.after(in, [supervisor] { compat::post(supervisor, TrialPassed()); });
  }

  /// Begins a body in its turn, where no more than so many are to begin in a second. It never begins when it is dropped before.
  void begin_in_turn(const StepActor& step, engine::RunStep& command, std::size_t per_second) {
    const auto present = std::chrono::steady_clock::now();
    while (!in_turn_.empty() && in_turn_.front().at <= present) in_turn_.pop_front();
    last_turn_ = std::max(later(last_turn_, Duration(1'000'000 / std::max<std::size_t>(1, per_second))), present);
    const auto serial = command.id.serial;
    const auto begun = std::make_shared<engine::RunStep>(std::move(command));
    const auto id = timers_.after(std::chrono::ceil<Duration>(last_turn_ - present),
                                  [step, begun] { compat::post(step, StartBody{std::move(*begun)}); });
    in_turn_.push_back({last_turn_, serial, id});
  }
  void drop_turn(std::uint64_t serial) {
    const auto found = std::find_if(in_turn_.begin(), in_turn_.end(), [&](const Turn& turn) { return turn.serial == serial; });
    if (found == in_turn_.end()) return;
    timers_.cancel(found->timer);
    in_turn_.erase(found);
  }

  void clear_all() {
    for (const auto& turn : std::exchange(in_turn_, {})) timers_.cancel(turn.timer);
    if (trial_) timers_.cancel(*std::exchange(trial_, std::nullopt));
    for (const auto& [timer, id] : std::exchange(set_, {})) timers_.cancel(id);
    if (idleness_) timers_.cancel(*std::exchange(idleness_, std::nullopt));
  }

private:
  Timers& timers_;
  std::map<std::uint64_t, Timers::Id> set_;
  std::optional<Timers::Id> idleness_, trial_;
  struct Turn {
    SteadyTime at;
    std::uint64_t serial;  ///< of the body
    Timers::Id timer;
  };
  std::deque<Turn> in_turn_;  ///< of bodies that have not begun, and perhaps of some that have
  SteadyTime last_turn_;
};

}  // namespace weir::runtime
