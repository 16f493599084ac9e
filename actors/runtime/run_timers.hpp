// The times that a run waits for: those the engine asked for, and the look whether the run has rested for long.
#pragma once

#include "messages.hpp"
#include "timers.hpp"

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

  /// Sends TimerFired to the supervisor when the time has come.
  void set(engine::SetTimer& timer, const SupervisorActor& supervisor) {
    clear(timer.timer);
    set_[timer.timer] = timers_.at(timer.due, [supervisor, number = timer.timer, tick = std::move(timer.tick)] {
      compat::post(supervisor, TimerFired{number, tick});
    });
  }
  void clear(std::uint64_t timer) {
    const auto found = set_.find(timer);
    if (found == set_.end()) return;
    timers_.cancel(found->second);
    set_.erase(found);
  }
  /// That timer has fired.
  void forget(std::uint64_t timer) { set_.erase(timer); }

  /// Sends Rested to the supervisor then, unless it is to come already.
  void look_at_rest(Time due, const SupervisorActor& supervisor) {
    if (!rest_) rest_ = timers_.at(due, [supervisor] { compat::post(supervisor, Rested()); });
  }
  void rest_looked_at() { rest_.reset(); }
  bool rest_watched() const noexcept { return rest_.has_value(); }

  /// Sends LivedOn to the supervisor then.
  void look_at_trial(Time due, const SupervisorActor& supervisor) {
    trial_ = timers_.at(due, [supervisor] { compat::post(supervisor, LivedOn()); });
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
