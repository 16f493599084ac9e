// A TCP socket that answers before RESTinio would close without a word: malformed requests, exceeded limits, requests
// that never end. Also sends "100 Continue", and merges a repeated equal Content-Length (RFC 9110, 8.6).
// It watches bytes at the edges of messages only; parsing stays RESTinio's.
#pragma once

#include "limits.hpp"

#include <restinio/asio_include.hpp>

#include <sys/socket.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace weir::http {

/// What a connection's first unanswered bytes look like. Pure; tested without a socket.
class RequestWatch {
public:
  /// Looks at newly read bytes; may blank out a repeated Content-Length value in them.
  /// Returns true when the client waits for "100 Continue".
  bool received(char* bytes, std::size_t count);
  /// A request was handed to the server's routes.
  void dispatched() { in_flight_ = true; }
  /// Bytes of an answer are being written: what comes next begins a new message.
  void answering();
  /// The minor version of HTTP/1.x that the first request line names.
  int version_minor() const;

  /// The complete answer for a request that RESTinio is about to drop, or nothing when silence is right.
  /// `while_reading`: dropped because of what was just read, not because time ran out.
  std::string last_words(bool while_reading, const Limits& limits) const;

private:
  bool in_head() const { return !head_done_; }

  std::size_t head_bytes_ = 0;
  std::size_t body_bytes_ = 0;
  std::size_t declared_bytes_ = 0;  ///< Content-Length
  bool head_done_ = false;
  bool chunked_body_ = false;
  bool in_flight_ = false;
  std::string tail_;        ///< last bytes of an unfinished head
  std::string first_line_;  ///< as far as it came, at most a few hundred bytes
};

class PoliteSocket;

/// Takes over a connection whose answer has been written: reads on for a while, so that the kernel does not drop the
/// answer because of bytes that nobody has read.
void close_slowly(const restinio::asio_ns::any_io_executor& executor, int connection);

/// The open sockets of one server, so that it can close them when it stops. Thread-safe.
class OpenSockets {
public:
  void add(PoliteSocket* socket);
  void remove(PoliteSocket* socket);
  /// On the I/O thread only.
  void close_all();

private:
  std::mutex mutex_;
  std::set<PoliteSocket*> sockets_;
};

class PoliteSocket : public restinio::asio_ns::ip::tcp::socket {
public:
  using Base = restinio::asio_ns::ip::tcp::socket;
  using Base::Base;
  explicit PoliteSocket(restinio::asio_ns::io_context& context) : Base(context) {}
  PoliteSocket(PoliteSocket&&) = default;
  PoliteSocket& operator=(PoliteSocket&&) = default;
  ~PoliteSocket() {
    if (open_sockets_) open_sockets_->remove(this);
  }

  /// What the I/O thread's sockets work with; set on that thread before the server opens.
  struct Surroundings {
    Limits limits;
    std::shared_ptr<OpenSockets> open_sockets;
  };
  static Surroundings& surroundings() {
    static thread_local Surroundings values;
    return values;
  }

  /// The socket whose read is being handled on this thread; nullptr outside of that.
  static PoliteSocket*& current() {
    thread_local PoliteSocket* socket = nullptr;
    return socket;
  }
  void request_dispatched() { watch_.dispatched(); }
  int version_minor() const { return watch_.version_minor(); }

  template <class Buffers, class Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    auto executor = restinio::asio_ns::get_associated_executor(handler, this->get_executor());
    if (!open_sockets_) {  // the first read: from here on the socket stays where it is
      open_sockets_ = surroundings().open_sockets;
      open_sockets_->add(this);
    }
    auto* bytes = static_cast<char*>(restinio::asio_ns::buffer_sequence_begin(buffers)->data());
    Base::async_read_some(
        buffers, restinio::asio_ns::bind_executor(executor, [this, bytes, handler = std::forward<Handler>(handler)](
                                                                const restinio::asio_ns::error_code& error, std::size_t count) mutable {
          if (!error && watch_.received(bytes, count)) say("HTTP/1.1 100 Continue\r\n\r\n");
          auto* outer = std::exchange(current(), this);
          reading_ = !error;
          handler(error, count);
          reading_ = false;  // the handler keeps the connection, and so this socket, alive
          current() = outer;
        }));
  }

  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& buffers, Handler&& handler) {
    watch_.answering();
    return Base::async_write_some(buffers, std::forward<Handler>(handler));
  }

  template <class... Args>
  void shutdown(Args&&... args) {
    const auto words = is_open() ? watch_.last_words(reading_, surroundings().limits) : std::string();
    if (words.empty()) {
      Base::shutdown(std::forward<Args>(args)...);
    } else {
      say(words);
      restinio::asio_ns::error_code failed;
      const auto connection = Base::release(failed);
      if (!failed) close_slowly(get_executor(), connection);
    }
  }

private:
  void say(std::string_view words) {
    if (!words.empty()) (void)::send(native_handle(), words.data(), words.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  RequestWatch watch_;
  bool reading_ = false;
  std::shared_ptr<OpenSockets> open_sockets_;
};

}  // namespace weir::http
