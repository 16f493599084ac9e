#include "workers.hpp"

#include <sys/resource.h>
#include <weir/assert.hpp>

#include <algorithm>
#include <utility>

namespace weir::http {
namespace {

thread_local const Workers* workers_here = nullptr;

}  // namespace

bool Workers::here() const noexcept { return workers_here == this; }

bool Workers::submit(Job job) {
  std::vector<Waiting> abandoned;  // destroyed without the lock
  const std::lock_guard lock(mutex_);
  if (stopping_) return false;
  if (waiting_.size() >= pool_.queue_max) {
    const auto wanted = std::stable_partition(waiting_.begin(), waiting_.end(), [](const auto& w) { return !w.job.gone.stop_requested(); });
    std::move(wanted, waiting_.end(), std::back_inserter(abandoned));
    waiting_.erase(wanted, waiting_.end());
    if (waiting_.size() >= pool_.queue_max) return false;
  }
  push(std::move(job));
  return true;
}

void Workers::resume(Job job) {
  const std::lock_guard lock(mutex_);
  if (!stopping_) push(std::move(job));
}

void Workers::push(Job job) {
  waiting_.push_back({std::move(job), std::chrono::steady_clock::now()});
  if (idle_ < waiting_.size() && threads_.size() < pool_.threads_max) threads_.emplace_back([this] { run(); });
  else changed_.notify_one();
}

bool Workers::wants_timer() {
  const std::lock_guard lock(mutex_);
  return !stopping_ && !waiting_.empty() && !std::exchange(timed_, true);
}

void Workers::keep_timer(std::shared_ptr<void> timer) {
  const std::lock_guard lock(mutex_);
  if (!stopping_) timer_.swap(timer);
}

bool Workers::expire() {
  std::vector<Job> expired;
  bool more = false;
  {
    const std::lock_guard lock(mutex_);
    const auto due = std::chrono::steady_clock::now() - pool_.wait_max;
    const auto in_time =
        std::stable_partition(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.since > due || !w.job.expired; });
    for (auto at = in_time; at != waiting_.end(); ++at) expired.push_back(std::move(at->job));
    waiting_.erase(in_time, waiting_.end());
    more = timed_ = !waiting_.empty();
  }
  for (const auto& job : expired)
    if (!job.gone.stop_requested()) job.expired();
  return more;
}

void Workers::stop() {
  std::deque<Waiting> dropped;
  std::vector<std::thread> threads;
  std::shared_ptr<void> timer;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(waiting_);
    threads.swap(threads_);
    timer.swap(timer_);
    for (auto& gone : at_work_) gone.request_stop();
  }
  changed_.notify_all();
  for (auto& thread : threads) thread.join();
}

void Workers::run() {
  workers_here = this;
  if (pool_.niceness != 0)
    (void)::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + pool_.niceness);  // on Linux of this thread
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    --idle_;
    if (stopping_) return;
    auto job = std::move(waiting_.front().job);
    waiting_.pop_front();
    at_work_.push_back(job.gone);
    lock.unlock();
    try {
      if (!job.gone.stop_requested()) job.run();
    } catch (...) {}  // no request may end the process
    const auto gone = job.gone;
    job = {};
    lock.lock();
    const auto found = std::find(at_work_.begin(), at_work_.end(), gone);
    WEIR_ASSERT(found != at_work_.end(), "a job that ends was at work");
    at_work_.erase(found);
  }
}

}  // namespace weir::http
