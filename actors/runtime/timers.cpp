#include "timers.hpp"

#include <chrono>

namespace weir::runtime {

Time now() { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); }

Timers::Timers() : thread_([this] { run(); }) {}
Timers::~Timers() { stop(); }

Timers::Id Timers::at(Time due, std::function<void()> action) {
  const std::lock_guard lock(mutex_);
  const Id id{due, ++last_};
  actions_.emplace(id, std::move(action));
  if (actions_.begin()->first == id) changed_.notify_one();
  return id;
}

void Timers::cancel(Id id) {
  const std::lock_guard lock(mutex_);
  actions_.erase(id);
}

void Timers::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    actions_.clear();
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Timers::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (actions_.empty()) {
      changed_.wait(lock);
    } else if (const auto due = actions_.begin()->first.first; due > now()) {
      changed_.wait_until(lock, due);
    } else {
      auto action = std::move(actions_.begin()->second);
      actions_.erase(actions_.begin());
      lock.unlock();
      action();
      action = nullptr;
      lock.lock();
    }
  }
}

}  // namespace weir::runtime
