// One run's events as they arrive, over as many connections as it takes.
#pragma once

#include "sse_reader.hpp"
#include "state.hpp"
#include "stream_machine.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace weir::detail {

/// Transfers' callbacks fill a queue of limited length, the reader empties it. Lives until both are done; who reads keeps the client
/// beside it, and what is left when the client has gone does nothing any more.
class StreamState : public std::enable_shared_from_this<StreamState> {
public:
  StreamState(const std::shared_ptr<ClientState>& client, std::string handler_id, const StreamOptions& options);

  void open() { connect(); }
  void close();
  /// Called at once, or when the next event is there.
  void next(std::function<void(std::optional<RemoteEvent>)> answer);

  bool ready_within(Duration time) const;
  std::optional<Error> error() const;
  std::int64_t last_sequence() const;
  int reconnects() const;

private:
  using Clock = client::StreamMachine::Clock;

  void connect();
  /// Returns the target; empty when the stream is over.
  std::string begin_connection();
  /// False: that is no stream.
  bool begins(const client::Head& head);
  bool take(std::string_view data);
  std::optional<Error> take_event(std::string_view id, std::string_view text);
  /// The stream has set its id.
  void move_cursor(std::string_view id);
  void ended(const client::Reply& reply);
  Error reason_of(const client::Reply& reply) const;
  /// Sees to it that silence is noticed.
  void watch();
  void look(std::uint64_t watch);
  void give_up(Error error);
  void finish(std::optional<Error> error);
  /// Gives the reader that waits what there is. Call without the lock.
  void serve();

  const std::weak_ptr<ClientState> client_;
  const std::string shown_target_, handler_id_;
  const StreamOptions options_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<RemoteEvent> events_;
  std::function<void(std::optional<RemoteEvent>)> reader_;
  std::optional<Error> error_;
  bool complete_ = false, paused_ = false;
  bool silent_ = false;          ///< that is why the connection was ended
  bool over_ = false;            ///< nothing follows what is in the queue
  bool from_now_;                ///< the next connection begins with what is new: no server has said yet where that is
  std::int64_t cursor_;          ///< behind which the next connection begins: that of the last event that arrived
  std::int64_t delivered_ = -1;  ///< of the last one that the reader got
  int reconnects_ = -1;
  client::Transfers::Id transfer_ = 0;
  std::uint64_t last_watch_ = 0;
  client::StreamMachine machine_;
  client::SseReader sse_;
};

}  // namespace weir::detail
