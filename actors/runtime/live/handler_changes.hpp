// Tells those who show a list of handlers what changes in it.
#pragma once

#include "actors/runtime/clock/exceptions.hpp"

#include <weir/store.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace weir::runtime {

/// Thread-safe. Costs one load when nobody listens.
class HandlerChanges {
public:
  /// A handler that has begun, ended, become idle or gone on; with `gone` it is no longer stored. Called on any thread. What it throws is
  /// told to `threw`, and keeps neither the run nor the other listeners from anything.
  using Listener = std::function<void(const HandlerRow& row, bool gone)>;

  explicit HandlerChanges(std::function<void(const std::string&)> threw) : threw_(std::move(threw)) {}

  /// Until the returned handle is dropped; a call may still be under way then.
  [[nodiscard]] std::shared_ptr<void> listen(Listener listener) {
    auto handle = std::make_shared<Listener>(std::move(listener));
    const std::lock_guard lock(mutex_);
    std::erase_if(listeners_, [](const auto& known) { return known.expired(); });
    listeners_.push_back(handle);
    any_ = true;
    return handle;
  }

  void tell(const HandlerRow& row, bool gone = false) {
    if (!any_) return;
    std::vector<std::shared_ptr<Listener>> present;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& listener : listeners_)
        if (auto alive = listener.lock()) present.push_back(std::move(alive));
      any_ = !present.empty();
    }
    for (const auto& listener : present) {
      try {
        (*listener)(row, gone);
      } catch (...) { threw_(describe_current_exception().exception_message); }
    }
  }

private:
  const std::function<void(const std::string&)> threw_;
  std::atomic<bool> any_ = false;
  std::mutex mutex_;
  std::vector<std::weak_ptr<Listener>> listeners_;
};

}  // namespace weir::runtime
