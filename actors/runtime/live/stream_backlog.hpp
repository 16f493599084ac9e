// What a run's steps have written and sent that the store has not taken yet: bounded, so that who writes faster than the store
// takes is slowed to its pace.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <vector>

namespace weir::runtime {

/// Thread-safe.
class StreamBacklog : public std::enable_shared_from_this<StreamBacklog> {
public:
  /// A part of the backlog, given back when it is destroyed: with the report that it travels in, whatever becomes of that.
  class Share {
  public:
    explicit Share(std::shared_ptr<StreamBacklog> backlog) : backlog_(std::move(backlog)) {}
    ~Share();
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    void add(std::size_t bytes);
    std::size_t events() const noexcept { return events_; }
    std::size_t bytes() const noexcept { return bytes_; }
    /// Called when the share has been given back, on any thread.
    void then(std::function<void()> action) { then_ = std::move(action); }

  private:
    std::shared_ptr<StreamBacklog> backlog_;
    std::size_t events_ = 0, bytes_ = 0;
    std::function<void()> then_;
  };

  /// Zero: no limit.
  StreamBacklog(std::size_t events_max, std::size_t bytes_max) : events_max_(events_max), bytes_max_(bytes_max) {}

  bool has_room() const;
  /// False when asked to stop before there is room.
  bool wait_for_room(const std::stop_token& stop);
  /// Calls `action` once, at once or when there is room, on any thread: it must only send a message.
  void when_room(std::function<void()> action);

private:
  bool room() const noexcept;
  void give_back(std::size_t events, std::size_t bytes);

  const std::size_t events_max_, bytes_max_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::size_t events_ = 0, bytes_ = 0;
  std::vector<std::function<void()>> waiting_;
};

}  // namespace weir::runtime
