// Accepts connections, whatever happens: RESTinio's own acceptor gives a place up for ever at any error.
#pragma once

#include "connections.hpp"

#include <weir/runtime_options.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace weir::http {

/// I/O thread only.
class Listener : public std::enable_shared_from_this<Listener> {
public:
  using Log = std::function<void(LogLevel, const std::string&)>;

  /// `begin` is given each new connection, and where it comes from.
  Listener(std::shared_ptr<Connections> connections, Log log, std::function<void(Gate, asio::ip::tcp::endpoint)> begin);

  /// Throws std::runtime_error, saying what is wrong.
  void open(const std::string& host, std::uint16_t port);
  std::uint16_t port() const { return port_; }
  void close();

private:
  using Clock = std::chrono::steady_clock;

  void listen();
  void accept_some();
  bool somebody_waits();
  /// False when there is nothing more to accept now.
  bool accept_one();
  void pause(const std::string& reason);

  const std::shared_ptr<Connections> connections_;
  const Log log_;
  const std::function<void(Gate, asio::ip::tcp::endpoint)> begin_;
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer timer_;
  std::chrono::milliseconds pause_{0};
  Clock::time_point told_ = {};  ///< when the log was last told of trouble
  bool listening_ = false;
  bool full_ = false;
  std::uint16_t port_ = 0;
};

}  // namespace weir::http
