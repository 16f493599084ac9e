// A workflow's places for concurrent runs: first come, first served.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace weir::runtime {

/// Thread-safe. Callbacks are called without a lock held, on the thread that made room.
class Admission {
public:
  explicit Admission(std::size_t places) : places_(places) {}

  /// Calls `admitted` when there is a place: before this returns, or when another run leaves.
  void enter(const std::string& run_id, std::function<void()> admitted);
  /// Gives the place back, or leaves the queue. A run that is neither is ignored.
  void leave(const std::string& run_id);
  /// 1 for the run that is admitted next; nothing when the run does not wait.
  std::optional<std::size_t> position(std::string_view run_id) const;

private:
  const std::size_t places_;
  mutable std::mutex mutex_;
  std::set<std::string> admitted_;
  std::deque<std::pair<std::string, std::function<void()>>> waiting_;
};

}  // namespace weir::runtime
