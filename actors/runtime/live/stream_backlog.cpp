#include "stream_backlog.hpp"

#include <utility>

namespace weir::runtime {

StreamBacklog::Share::~Share() {
  backlog_->give_back(events_, bytes_);
  if (then_) then_();
}

void StreamBacklog::Share::add(std::size_t bytes) {
  const std::lock_guard lock(backlog_->mutex_);
  ++events_;
  bytes_ += bytes;
  ++backlog_->events_;
  backlog_->bytes_ += bytes;
}

bool StreamBacklog::room() const noexcept {
  return (events_max_ == 0 || events_ < events_max_) && (bytes_max_ == 0 || bytes_ < bytes_max_);
}

bool StreamBacklog::has_room() const {
  const std::lock_guard lock(mutex_);
  return room();
}

bool StreamBacklog::wait_for_room(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  return changed_.wait(lock, stop, [this] { return room(); });
}

void StreamBacklog::when_room(std::function<void()> action) {
  {
    const std::lock_guard lock(mutex_);
    if (!room()) {
      waiting_.push_back(std::move(action));
      return;
    }
  }
  action();
}

void StreamBacklog::give_back(std::size_t events, std::size_t bytes) {
  std::vector<std::function<void()>> ready;
  {
    const std::lock_guard lock(mutex_);
    const bool was_full = !room();
    events_ -= events;
    bytes_ -= bytes;
    if (!was_full || !room()) return;
    ready.swap(waiting_);
  }
  changed_.notify_all();
  for (const auto& action : ready) action();
}

}  // namespace weir::runtime
