#include "stream_machine.hpp"

#include <algorithm>

namespace weir::client {

void StreamMachine::connect(Clock::time_point now) {
  if (phase_ == Phase::over) return;
  phase_ = Phase::connecting;
  heard_ = now;
}

void StreamMachine::head(Clock::time_point now, std::optional<Duration> heartbeat) {
  if (phase_ == Phase::over) return;
  phase_ = Phase::live;
  was_live_ = true;
  heartbeat_ = heartbeat;
  heard_ = live_since_ = now;
}

void StreamMachine::event(Clock::time_point now) {
  bytes(now);
  outage_is_over();
}

void StreamMachine::comment(Clock::time_point now) {
  bytes(now);
  if (now >= later(live_since_, steady_after)) outage_is_over();
}

void StreamMachine::outage_is_over() {
  pause_ = {};
  broken_since_.reset();
}

std::optional<Duration> StreamMachine::broken(Clock::time_point now, std::optional<Duration> retry_after, double dice) {
  const bool held = phase_ == Phase::live && now >= later(live_since_, steady_after);
  if (held) outage_is_over();
  if (phase_ == Phase::over) return std::nullopt;
  if (!broken_since_) broken_since_ = now;
  const auto left = std::chrono::floor<Duration>(later(*broken_since_, limits_.reconnect_for) - now);
  if (!was_live_ || left <= Duration::zero()) {
    over();
    return std::nullopt;
  }
  phase_ = Phase::broken;
  pause_ = std::clamp<Duration>(pause_ * 2, first_pause, longest_pause);
  const auto drawn = std::chrono::round<Duration>(pause_ * (1 - dice / 2));
  return std::min(left, std::max(drawn, retry_after.value_or(Duration::zero())));
}

std::optional<StreamMachine::Clock::time_point> StreamMachine::silent_at() const {
  if (phase_ == Phase::connecting) return later(heard_, limits_.answer_within);
  if (phase_ != Phase::live) return std::nullopt;
  if (limits_.idle_limit) return later(heard_, *limits_.idle_limit);
  if (heartbeat_) return later(heard_, std::chrono::round<Duration>(*heartbeat_ * heartbeats_missed_max));
  return std::nullopt;
}

}  // namespace weir::client
