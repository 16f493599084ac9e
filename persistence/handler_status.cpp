// The names of a handler's statuses: part of weir::value, because clients read them.
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

}  // namespace weir
