// The times that a run waits for: those the engine asked for, and the look whether the run has rested for long.
#pragma once

#include "actors/runtime/clock/timers.hpp"
#include "actors/runtime/messages/messages.hpp"

#include <map>
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

  /// Sends Rested to the supervisor then, unless it is to come already.
  void look_at_rest(Duration in, const SupervisorActor& supervisor) {
    if (!rest_) rest_ = timers_.after(in, [supervisor] { compat::post(supervisor, Rested()); });
  }
  void rest_looked_at() { rest_.reset(); }
  bool rest_watched() const noexcept { return rest_.has_value(); }

  /// Sends LivedOn to the supervisor then.
  void look_at_trial(Duration in, const SupervisorActor& supervisor) {
    trial_ = timers_.after(in, [supervisor] { compat::post(supervisor, LivedOn()); });
  }

  void clear_all() {
    if (trial_) timers_.cancel(*std::exchange(trial_, std::nullopt));
    for (const auto& [timer, id] : std::exchange(set_, {})) timers_.cancel(id);
    if (rest_) timers_.cancel(*std::exchange(rest_, std::nullopt));
  }

private:
  Timers& timers_;
  std::map<std::uint64_t, Timers::Id> set_;
  std::optional<Timers::Id> rest_, trial_;
};

}  // namespace weir::runtime
