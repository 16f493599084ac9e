// The HTTP server itself: RESTinio behind a narrow door.
#pragma once

#include "exchange.hpp"
#include "http/access/callers.hpp"
#include "limits.hpp"

#include <weir/runtime_options.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace weir::http {

class RequestHead;

struct TransportOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: any free port
  Limits limits = {};
  /// What a browser may give a page of `origin` that asked under `host`.
  std::function<Cors(std::string_view origin, std::string_view host)> cors = [](std::string_view, std::string_view) {
    return Cors::answer;
  };
  /// Who answers a request, or why nobody does: asked on the I/O thread when the head is there and before any of the body is
  /// read. Views into the head must not be kept. Must not block. What it throws, and what answering throws, is
  /// logged and answered with 500.
  std::function<Admission(const RequestHead&)> admit;
  /// Is told of what does not concern one request alone. Any thread.
  std::function<void(LogLevel, const std::string&)> log = [](LogLevel, const std::string&) {};
};

/// Runs one I/O thread.
class Transport {
public:
  /// Throws std::runtime_error naming host and port when they cannot be bound. Raises the process's limit of open files.
  explicit Transport(const TransportOptions& options);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  std::uint16_t port() const;
  Loop& loop();
  /// Stops accepting connections; open ones go on.
  void stop_accepting();
  /// Returns when all requests that were received have been answered, or when `timeout` is over.
  void drain(std::chrono::milliseconds timeout);
  /// Closes everything and ends the I/O thread; streams that are being ended have `timeout` for that.
  void stop(std::chrono::milliseconds timeout = std::chrono::seconds(1));
  /// Is the calling thread the I/O thread?
  bool is_its_thread() const;

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::http
