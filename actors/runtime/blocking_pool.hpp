// Threads for steps and jobs that block. Grows on demand up to a bound; jobs beyond it wait their turn.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace weir::runtime {

/// Thread-safe.
class BlockingPool {
public:
  explicit BlockingPool(std::size_t threads_max) : threads_max_(threads_max) {}
  ~BlockingPool() { stop(); }
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// Refused jobs (after stop) are dropped.
  void submit(std::function<void()> job);
  /// The bound on threads; those that exist stay.
  void resize(std::size_t threads_max);
  /// Drops waiting jobs and returns when the running ones have ended.
  void stop();

private:
  void run();

  std::mutex mutex_;
  std::size_t threads_max_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace weir::runtime
