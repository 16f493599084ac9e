#include "blocking_pool.hpp"

#include <weir/time.hpp>

#include "exceptions.hpp"

#include <algorithm>

namespace weir::runtime {

void BlockingPool::submit(std::function<void()> job) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  jobs_.push_back(std::move(job));
  if (idle_ < jobs_.size() && threads_.size() < threads_max_) threads_.emplace_back([this] { run(); });
  else changed_.notify_one();
}

void BlockingPool::resize(std::size_t threads_max) {
  const std::lock_guard lock(mutex_);
  threads_max_ = threads_max;
}

bool BlockingPool::stop(std::chrono::steady_clock::time_point deadline) {
  std::deque<std::function<void()>> dropped;
  std::vector<std::thread> threads;
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    dropped.swap(jobs_);
    changed_.notify_all();
    while (busy_ > 0 && std::chrono::steady_clock::now() < deadline) {
      constexpr std::chrono::hours far{1};  // a wait until time_point::max() would overflow
      rests_.wait_until(lock, std::min(deadline, later(std::chrono::steady_clock::now(), far)));
    }
    if (busy_ > 0) return false;
    threads.swap(threads_);
  }
  for (auto& thread : threads) thread.join();
  return true;
}

void BlockingPool::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    --idle_;
    if (stopping_) return;
    run_one(lock);
  }
}

void BlockingPool::run_one(std::unique_lock<std::mutex>& lock) {
  auto job = std::move(jobs_.front());
  jobs_.pop_front();
  ++busy_;
  lock.unlock();
  try {
    job();
  } catch (...) { threw_(describe_current_exception().exception_message); }
  job = nullptr;
  lock.lock();
  if (--busy_ == 0) rests_.notify_all();
}

}  // namespace weir::runtime
