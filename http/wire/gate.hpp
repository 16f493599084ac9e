// The socket that RESTinio works with, and what stands between the two. RESTinio keeps connections alive, orders the pieces
// of an answer and writes them; it does not see what clients send. The gate reads that itself, strictly (intake.hpp), and
// hands RESTinio a constant line in the place of each request, one at a time, behind the answer to the one before. So no
// input reaches RESTinio's parser, its table of pipelined requests or its handling of upgrades.
//
// What RESTinio 0.6.16 and asio throw, assert or give up on input or for lack of something, and what happens here now:
//   connection.hpp, init_write_if_necessary: assert(!closed()) when a request stands behind one that closes
//       never reached: such a request is not read. "nothing is dispatched behind a request that closes"
//   connection.hpp, consume_data: a parse error ends in a silent close
//       the parser reads a constant; errors are answered. "every odd request is refused, wherever it is split"
//   connection.hpp, on_request_message_complete: upgrade requests are handled twice, the second time without a head
//       upgrades are ignored, as HTTP allows, and end the connection. "an upgrade is ignored and answered once"
//   response_coordinator.hpp, register_new_request: throws when more than max_pipelined_requests are open, append_response:
//       throws for an answer that is complete or unknown (closing the connection)
//       one request at a time; pieces behind the end are dropped. "a hundred pipelined requests get a hundred answers, in order",
//       "nothing is written behind the end of an answer"
//   parser_callbacks.ipp: limits of fields, bodies, chunks (16 bytes of memory a chunk) end in a silent close
//       limits are the intake's. "a body in chunks of one byte costs no more than its bytes"
//   http_parser_set_max_header_size: one limit for the process. Not used.
//   acceptor.hpp, call_accept_now: at any error of accept the slot is given up for ever; accept_current_connection: a peer
//       that has gone makes remote_endpoint and set_option throw
//       RESTinio's acceptor is not used: listener.hpp. "a server without free files accepts again when there are some"
//   asio_timer_manager.hpp: a timer a second for each connection, limits added to now() without a check
//       not used: one sweep for all connections (connections.hpp). "a request that takes too long is told so, one that idled before
//       has its whole time"
//   connection.hpp, after_write: EPIPE, ECONNRESET close the connection and the notificator gets the error
//       "a client that leaves in the middle of a large answer harms nobody"
//   connection.hpp, the write time limit counts for a whole group of buffers, so a large answer to a slow reader is cut
//       some progress in each write_timeout is enough. "a client that does not read is cut off"
//   connection_state_listener: exceptions end the process in one of two places. Not used.
//   connection.hpp, after_read is noexcept and catches std::exception only: anything else that a route throws ends the process
//       caught in transport.cpp. "whatever a route throws is answered with 500, and a request that is dropped is not left waiting"
//   io_context::run lets exceptions of callbacks out, which ended the thread: io_thread.hpp goes on
#pragma once

#include "intake.hpp"

#include <restinio/asio_include.hpp>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

namespace weir::http {

namespace asio = restinio::asio_ns;
class Connections;

/// Who answers the request that is at work. I/O thread only.
class Answering {
public:
  virtual ~Answering() = default;
  /// Sends something harmless, so that a client that has gone is noticed.
  virtual void probe() = 0;
};

class Gate;
struct GateChain {
  Gate *first = nullptr, *last = nullptr;
  void append(Gate& gate);
  void remove(Gate& gate);
};

/// I/O thread only, like all sockets.
class Gate : public asio::ip::tcp::socket {
public:
  using Base = asio::ip::tcp::socket;
  using Clock = std::chrono::steady_clock;

  Gate(asio::io_context& context, std::shared_ptr<Connections> connections);
  /// Only before the first read: from then on the gate stays where it is.
  Gate(Gate&& other);
  Gate& operator=(Gate&&) = delete;
  ~Gate();

  /// The gate that is handing over a request on this thread; nullptr outside of that.
  static Gate*& current() {
    static thread_local Gate* gate = nullptr;
    return gate;
  }
  /// The request that is being handed over.
  Arrived take() { return intake_.take(); }
  void at_work(std::weak_ptr<Answering> answering) { answering_ = std::move(answering); }
  /// The whole answer has been written.
  void answered();
  /// `closed` is called, later, when the connection goes away or has gone; empty: nobody is told.
  void on_closed(std::function<void()> closed);
  /// Counts as a connection from here on.
  void join();
  /// Ends the connection: what is being written fails.
  void cut();
  /// The client may have gone: is sent "100 Continue", which every client has to understand, and which one that has gone refuses.
  void probe();

  // What RESTinio calls.
  template <class Buffers, class Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    pending_ = std::make_shared<Pending<std::decay_t<Handler>>>(std::forward<Handler>(handler));
    buffer_ = *asio::buffer_sequence_begin(buffers);
    begin_reading();
  }
  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    const auto executor = asio::get_associated_executor(handler, this->get_executor());
    begin_writing();
    auto done =
        asio::bind_executor(executor, [this, handler = std::forward<Handler>(handler)](
                                          const asio::error_code& error, std::size_t count) mutable { handler(written(error), count); });
    if (asio::buffer_size(buffers) <= turn_bytes()) Base::async_write_some(buffers, std::move(done));
    else Base::async_write_some(beginning_of(buffers), std::move(done));
  }
  void cancel(asio::error_code& error);
  void shutdown(shutdown_type what, asio::error_code& error);
  void close();

private:
  friend class Connections;
  friend struct GateChain;

  /// A read of RESTinio's that waits for a request. Keeps the connection, and so this gate, alive.
  struct PendingRead {
    virtual ~PendingRead() = default;
    virtual void done(const asio::error_code& error, std::size_t count) = 0;
  };
  template <class Handler>
  struct Pending final : PendingRead {
    explicit Pending(Handler given) : handler(std::move(given)) {}
    void done(const asio::error_code& error, std::size_t count) override { handler(error, count); }
    Handler handler;
  };
  enum class When { now, later };

  void begin_reading();
  void listen();
  void readable();
  void advance(When when);
  void hand_over(When when);
  void fail_read(const asio::error_code& error);
  void begin_writing();
  /// How much may be written before the others have their turn.
  std::size_t turn_bytes() const;
  template <class Buffers>
  asio::const_buffer beginning_of(const Buffers& buffers) const {
    const auto end = asio::buffer_sequence_end(buffers);
    for (auto at = asio::buffer_sequence_begin(buffers); at != end; ++at)
      if (const asio::const_buffer buffer(*at); buffer.size() > 0) return asio::buffer(buffer, turn_bytes());
    return {};
  }
  asio::error_code written(asio::error_code error);
  void say(std::string_view words);
  void leave();

  // What the sweep asks.
  void time_out();
  void check(Clock::time_point now);
  bool has_gone();

  std::shared_ptr<Connections> connections_;
  std::shared_ptr<PendingRead> pending_;
  asio::mutable_buffer buffer_;
  Intake intake_;
  std::weak_ptr<Answering> answering_;
  std::function<void()> closed_;
  Clock::time_point since_ = {};  ///< the connection waits for a request, or its request for bytes
  Clock::time_point write_began_ = {};
  Clock::time_point next_probe_ = {};
  bool joined_ = false;  ///< counted among the connections
  bool listening_ = false;
  bool ended_ = false;  ///< the client sends nothing more
  bool writing_ = false;
  bool answer_begun_ = false;
  bool cut_ = false;
  bool failed_ = false;  ///< writing has failed: there is nobody to linger for

  /// Among the connections that wait for a request, or among those that answer one.
  GateChain* chain_ = nullptr;
  Gate *previous_ = nullptr, *next_ = nullptr;
};

}  // namespace weir::http
