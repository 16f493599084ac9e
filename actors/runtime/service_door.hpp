// The way to a service for those that may outlive it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>

namespace weir::runtime {

class Service;

/// Thread-safe.
class ServiceDoor {
public:
  explicit ServiceDoor(Service& service) : service_(service) {}

  /// Calls `work` with the service, which does not end meanwhile. False: it has ended, or is about to.
  bool enter(const std::function<void(Service&)>& work) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return false;
      ++inside_;
    }
    const std::shared_ptr<void> leaves(nullptr, [this](void*) { leave(); });
    work(service_);
    return true;
  }
  /// Nobody enters any more, and everybody has left. False: at the deadline somebody was still in, who needs the service.
  bool close(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    closed_ = true;
    return left_.wait_until(lock, deadline, [&] { return inside_ == 0; });
  }

private:
  void leave() {
    const std::lock_guard lock(mutex_);
    if (--inside_ == 0) left_.notify_all();
  }

  Service& service_;
  std::mutex mutex_;
  std::condition_variable left_;
  std::size_t inside_ = 0;
  bool closed_ = false;
};

}  // namespace weir::runtime
