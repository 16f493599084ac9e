// Waits and deadlines for everybody, on one thread. CAF's own delayed messages cannot be cancelled and would keep
// finished actors alive until they fire.
#pragma once

#include <weir/time.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <variant>

namespace weir::runtime {

/// The clock that nobody sets. For waits.
using SteadyTime = std::chrono::steady_clock::time_point;

/// Thread-safe. Actions run on the timer thread: they must only send a message. What is due at the last instant never comes.
class Timers {
  template <class Point>
  using Key = std::pair<Point, std::uint64_t>;

public:
  using Id = std::variant<Key<SteadyTime>, Key<Time>>;

  Timers();
  ~Timers();
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  /// When that time has passed, whatever is done to the wall clock.
  Id after(Duration delay, std::function<void()> action);
  /// When the wall clock says `due`, also when it is set meanwhile (then up to a second late).
  Id at(Time due, std::function<void()> action);
  void cancel(Id id);
  /// No action runs after this returns.
  void stop();

private:
  template <class Point>
  using Queue = std::map<Key<Point>, std::function<void()>>;

  template <class Point>
  Id add(Queue<Point>& queue, Point due, std::function<void()> action);
  void run();
  /// The earliest action whose time has come, taken out; empty when there is none.
  std::function<void()> take_due();
  /// With the mutex held.
  void wait(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable changed_;
  Queue<SteadyTime> waits_;
  Queue<Time> deadlines_;
  std::uint64_t last_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

/// Whoever waits for an instant of the wall clock looks at it again after at most this time: it may have been set.
inline constexpr Duration wall_clock_looked_at = std::chrono::seconds(1);

/// The wall clock, in the wire's resolution. The one place that reads it.
Time now();
/// From `then` to now, and nothing when the clock has been set back behind it.
inline Duration since(Time then) { return std::max(between(then, now()), Duration::zero()); }

}  // namespace weir::runtime
