// One run's events as they arrive, over as many connections as it takes.
#pragma once

#include "sse_reader.hpp"
#include "state.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace weir::detail {

/// Transfers' callbacks fill a queue of limited length, the reader empties it. Lives until both are done; readers keep the
/// client's state beside it.
class StreamState : public std::enable_shared_from_this<StreamState> {
public:
  StreamState(ClientState& client, std::string handler_id, const StreamOptions& options);

  void open() { connect(); }
  void close();
  /// Called at once, or when the next event is there.
  void next(std::function<void(std::optional<RemoteEvent>)> answer);

  bool ready_within(Duration time) const;
  std::optional<Error> error() const;
  std::int64_t last_sequence() const;
  int reconnects() const;

private:
  using Clock = std::chrono::steady_clock;

  void connect();
  bool take(std::string_view data);
  /// The stream has set its id.
  void move_cursor(std::string_view id);
  /// Where the server begins, as it says.
  void begins_behind(std::string_view position);
  void ended(const client::Reply& reply);
  void connect_again(Error reason);
  void finish(std::optional<Error> error);
  /// Gives the reader that waits what there is. Call without the lock.
  void serve();

  ClientState& client_;  ///< there as long as the I/O thread, or somebody who reads
  const std::string handler_id_;
  const StreamOptions options_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<RemoteEvent> events_;
  std::function<void(std::optional<RemoteEvent>)> reader_;
  std::optional<Error> error_;
  bool connected_ = false, complete_ = false, paused_ = false;
  bool over_ = false;            ///< nothing follows what is in the queue
  bool from_now_;                ///< the next connection begins with what is new: no server has said yet where that is
  std::int64_t cursor_;          ///< behind which the next connection begins: that of the last event that arrived
  std::int64_t delivered_ = -1;  ///< of the last one that the reader got
  int reconnects_ = -1;
  client::Transfers::Id transfer_ = 0;
  client::SseReader sse_;
  std::chrono::milliseconds delay_{0};
  std::optional<Clock::time_point> broken_since_;
};

}  // namespace weir::detail
