// Threads that may wait, for the routes: the I/O thread must not.
#pragma once

#include "budget.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace weir::http {

/// A piece of a request's work.
struct Job {
  std::function<void()> run;  ///< whatever it throws is dropped
  /// Instead of `run`, when it has waited too long; without one it waits for as long as it takes.
  std::function<void()> expired = nullptr;
  std::stop_source gone{std::nostopstate};  ///< stopped when nobody wants the answer any more: then neither is called
};

/// Thread-safe. Threads begin on demand.
class Workers {
public:
  explicit Workers(budget::WorkerPool pool) : pool_(pool) {}
  ~Workers() { stop(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// False, and nothing happens, when the queue is full or the workers have been stopped.
  bool submit(Job job);
  /// The next piece of work that was submitted before: waits whatever the queue's length. There are as many as there are requests
  /// under way. Dropped after stop().
  void resume(Job job);
  /// True once, when something waits: expire() is to be called after the pool's wait_max. The timer is kept until then, or stop().
  bool wants_timer();
  void keep_timer(std::shared_ptr<void> timer);
  /// Tells those that have waited too long. True while others wait: then it is to be called again after as long.
  bool expire();
  /// Is the calling thread one of these?
  bool here() const noexcept;
  const budget::WorkerPool& pool() const noexcept { return pool_; }

  /// Drops what waits, asks what is at work to end, and returns when it has.
  void stop();

private:
  struct Waiting {
    Job job;
    std::chrono::steady_clock::time_point since;
  };
  void push(Job job);
  void run();

  const budget::WorkerPool pool_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting> waiting_;
  std::vector<std::stop_source> at_work_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
  bool timed_ = false;
  std::shared_ptr<void> timer_;
};

}  // namespace weir::http
