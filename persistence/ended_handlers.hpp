// The order in which handlers have ended, for a store that keeps only so many of them.
#pragma once

#include <weir/assert.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// Thread-safe. A handler stands where its last run ended.
class EndedHandlers {
public:
  /// It has ended, perhaps again; returns the oldest when there are more than `kept_max`, which is one less then.
  std::optional<std::string> add(const std::string& handler_id, std::size_t kept_max) {
    const std::lock_guard lock(mutex_);
    forget(handler_id);
    numbers_[handler_id] = ++last_;
    oldest_first_.emplace_hint(oldest_first_.end(), last_, handler_id);
    if (oldest_first_.size() <= kept_max) return std::nullopt;
    auto oldest = oldest_first_.begin()->second;
    forget(oldest);
    return oldest;
  }
  /// It is gone, or runs again.
  void remove(std::string_view handler_id) {
    const std::lock_guard lock(mutex_);
    forget(handler_id);
  }

private:
  void forget(std::string_view handler_id) {
    const auto found = numbers_.find(handler_id);
    if (found == numbers_.end()) return;
    oldest_first_.erase(found->second);
    numbers_.erase(found);
    WEIR_ASSERT(numbers_.size() == oldest_first_.size(), "each handler that has ended has one place");
  }

  std::mutex mutex_;
  std::map<std::uint64_t, std::string> oldest_first_;
  std::map<std::string, std::uint64_t, std::less<>> numbers_;
  std::uint64_t last_ = 0;
};

}  // namespace weir
