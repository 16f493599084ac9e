// Threads for steps and jobs that block. Grows on demand up to a bound; jobs beyond it wait their turn.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace weir::runtime {

/// Thread-safe.
class BlockingPool {
public:
  /// `threw` is told of an exception that a job lets out; it must not throw itself.
  BlockingPool(std::size_t threads_max, std::function<void(const std::string&)> threw)
      : threads_max_(threads_max), threw_(std::move(threw)) {}
  ~BlockingPool() { stop(); }
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// Refused jobs (after stop) are dropped.
  void submit(std::function<void()> job);
  /// The bound on threads; those that exist stay.
  void resize(std::size_t threads_max);
  /// Drops waiting jobs and returns when the running ones have ended, or at the deadline: then false, and the pool must live on, for
  /// its threads use it.
  bool stop(std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max());

private:
  void run();
  void run_one(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::size_t threads_max_;
  const std::function<void(const std::string&)> threw_;
  std::condition_variable changed_, rests_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0, busy_ = 0;
  bool stopping_ = false;
};

}  // namespace weir::runtime
