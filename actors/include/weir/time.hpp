// Instants and spans of time, and sums of them that do not wrap around.
#pragma once

#include <algorithm>
#include <chrono>

namespace weir {

/// Time points on the wire: UTC, microseconds.
using Time = std::chrono::sys_time<std::chrono::microseconds>;
using Duration = std::chrono::microseconds;

/// The span in another unit. What that cannot hold is the longest span that it can.
template <class To, class Rep, class Period>
constexpr To clamped(std::chrono::duration<Rep, Period> span) noexcept {
  if constexpr (std::ratio_greater_v<Period, typename To::period>) {
    constexpr auto longest = std::chrono::duration_cast<std::chrono::duration<Rep, Period>>(To::max());
    if (span > longest) return To::max();
    if (span < -longest) return -To::max();
  }
  return std::chrono::duration_cast<To>(span);
}

/// `delay` after `time`. What lies beyond the last instant is the last instant, max(), which never comes: Duration::max() is a wait
/// without end. Used wherever a delay is added to a time.
template <class Clock, class Tick, class Rep, class Period>
constexpr std::chrono::time_point<Clock, Tick> later(std::chrono::time_point<Clock, Tick> time,
                                                     std::chrono::duration<Rep, Period> delay) noexcept {
  using Point = std::chrono::time_point<Clock, Tick>;
  constexpr Point epoch{}, last = Point::max(), first{-last.time_since_epoch()};
  const auto span = clamped<Tick>(delay);
  if (span > last - std::max(time, epoch)) return last;
  if (span < first - std::min(std::max(time, first), epoch)) return first;
  return time + span;
}

/// From `from` to `to`. What is longer than a Duration can be is the longest one.
constexpr Duration between(Time from, Time to) noexcept {
  if (from < Time() && to > later(from, Duration::max())) return Duration::max();
  if (from > Time() && to < later(from, -Duration::max())) return -Duration::max();
  return to - from;
}

/// Both spans together, at most the longest that there is.
constexpr Duration together(Duration a, Duration b) noexcept { return later(Time(a), b).time_since_epoch(); }

}  // namespace weir
