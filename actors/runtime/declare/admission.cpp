#include "admission.hpp"

#include <algorithm>

namespace weir::runtime {

void Admission::enter(const std::string& run_id, std::function<void()> admitted) {
  {
    const std::lock_guard lock(mutex_);
    if (admitted_.size() >= places_) {
      waiting_.emplace_back(run_id, std::move(admitted));
      return;
    }
    admitted_.insert(run_id);
  }
  admitted();
}

void Admission::leave(const std::string& run_id) {
  std::function<void()> next;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [&](const auto& entry) { return entry.first == run_id; });
    if (admitted_.erase(run_id) == 0 || waiting_.empty()) return;
    admitted_.insert(waiting_.front().first);
    next = std::move(waiting_.front().second);
    waiting_.pop_front();
  }
  next();
}

std::optional<std::size_t> Admission::position(std::string_view run_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& entry) { return entry.first == run_id; });
  if (found == waiting_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - waiting_.begin()) + 1;
}

}  // namespace weir::runtime
