// What the stores have in common.
#include <weir/store.hpp>

namespace weir {

std::string_view to_string(HandlerStatus status) noexcept {
  constexpr std::string_view names[] = {"running", "completed", "failed", "cancelled"};
  return names[static_cast<std::size_t>(status)];
}

std::optional<HandlerStatus> parse_handler_status(std::string_view text) noexcept {
  for (const auto status : {HandlerStatus::running, HandlerStatus::completed, HandlerStatus::failed, HandlerStatus::cancelled})
    if (to_string(status) == text) return status;
  return std::nullopt;
}

const std::optional<Duration>& kept_for(const Retention& retention, HandlerStatus status) noexcept {
  static const std::optional<Duration> for_ever;
  switch (status) {
    case HandlerStatus::running: return for_ever;
    case HandlerStatus::completed: return retention.completed;
    case HandlerStatus::failed: return retention.failed;
    case HandlerStatus::cancelled: return retention.cancelled;
  }
  return for_ever;
}

std::vector<Expected<bool>> Store::commit_all(std::vector<Commit> commits) {
  std::vector<Expected<bool>> out;
  for (auto& commit : commits) out.push_back(this->commit(std::move(commit)));
  return out;
}

}  // namespace weir
