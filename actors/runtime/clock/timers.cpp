#include "timers.hpp"

namespace weir::runtime {

Time now() { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); }

Timers::Timers() : thread_([this] { run(); }) {}
Timers::~Timers() { stop(); }

template <class Point>
Timers::Id Timers::add(Queue<Point>& queue, Point due, std::function<void()> action) {
  const std::lock_guard lock(mutex_);
  const Key<Point> key{due, ++last_};
  if (due == Point::max()) return key;
  queue.emplace(key, std::move(action));
  if (queue.begin()->first == key) changed_.notify_one();
  return key;
}

Timers::Id Timers::after(Duration delay, std::function<void()> action) {
  return add(waits_, later(std::chrono::steady_clock::now(), delay), std::move(action));
}
Timers::Id Timers::at(Time due, std::function<void()> action) { return add(deadlines_, due, std::move(action)); }

void Timers::cancel(Id id) {
  const std::lock_guard lock(mutex_);
  if (const auto* wait = std::get_if<Key<SteadyTime>>(&id)) waits_.erase(*wait);
  else deadlines_.erase(std::get<Key<Time>>(id));
}

void Timers::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    waits_.clear();
    deadlines_.clear();
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

std::function<void()> Timers::take_due() {
  if (!waits_.empty() && waits_.begin()->first.first <= std::chrono::steady_clock::now())
    return std::move(waits_.extract(waits_.begin()).mapped());
  if (!deadlines_.empty() && deadlines_.begin()->first.first <= now()) return std::move(deadlines_.extract(deadlines_.begin()).mapped());
  return nullptr;
}

void Timers::wait(std::unique_lock<std::mutex>& lock) {
  if (waits_.empty() && deadlines_.empty()) return changed_.wait(lock);
  auto until = waits_.empty() ? SteadyTime::max() : waits_.begin()->first.first;
  if (!deadlines_.empty()) {
    const auto left = std::min(between(now(), deadlines_.begin()->first.first), wall_clock_looked_at);
    until = std::min(until, later(std::chrono::steady_clock::now(), left));
  }
  changed_.wait_until(lock, until);
}

void Timers::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    auto action = take_due();
    if (!action) {
      wait(lock);
      continue;
    }
    lock.unlock();
    action();
    action = nullptr;
    lock.lock();
  }
}

}  // namespace weir::runtime
