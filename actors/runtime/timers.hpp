// Absolute deadlines for everybody, on one thread. CAF's own delayed messages cannot be cancelled and would keep
// finished actors alive until they fire.
#pragma once

#include <weir/codec.hpp>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace weir::runtime {

/// Thread-safe. Actions run on the timer thread: they must only send a message.
class Timers {
public:
  using Id = std::pair<Time, std::uint64_t>;

  Timers();
  ~Timers();
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  Id at(Time due, std::function<void()> action);
  void cancel(Id id);
  /// No action runs after this returns.
  void stop();

private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Id, std::function<void()>> actions_;
  std::uint64_t last_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

/// The wall clock, in the wire's resolution. The one place that reads it.
Time now();

}  // namespace weir::runtime
