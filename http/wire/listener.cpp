#include "listener.hpp"

#include <weir/time.hpp>

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>

namespace weir::http {
namespace {

constexpr int accepted_at_once = 16;  ///< then others have their turn
constexpr std::chrono::milliseconds pause_min{20}, pause_max{1000};
constexpr std::chrono::seconds told_again_after{60};

asio::ip::address address_of(const std::string& host) {
  if (host == "localhost") return asio::ip::address_v4::loopback();
  if (host == "ip6-localhost") return asio::ip::address_v6::loopback();
  asio::error_code failed;
  const auto address = asio::ip::make_address(host, failed);
  if (failed) throw std::runtime_error("'" + host + "' is no address; give one like 127.0.0.1, 0.0.0.0 or ::1, or localhost");
  return address;
}

}  // namespace

Listener::Listener(std::shared_ptr<Connections> connections, Log log, std::function<void(Gate, asio::ip::tcp::endpoint)> begin)
    : connections_(std::move(connections)), log_(std::move(log)), begin_(std::move(begin)), acceptor_(connections_->context()),
      timer_(connections_->context()) {}

void Listener::open(const std::string& host, std::uint16_t port) {
  const asio::ip::tcp::endpoint endpoint(address_of(host), port);
  acceptor_.open(endpoint.protocol());
  acceptor_.set_option(asio::ip::tcp::acceptor::reuse_address(true));
  acceptor_.non_blocking(true);
  acceptor_.bind(endpoint);
  acceptor_.listen(asio::socket_base::max_listen_connections);
  port_ = acceptor_.local_endpoint().port();
  connections_->on_room([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && std::exchange(self->full_, false)) self->listen();
  });
  listen();
}

void Listener::close() {
  timer_.cancel();
  asio::error_code ignored;
  acceptor_.close(ignored);
}

void Listener::listen() {
  if (listening_ || !acceptor_.is_open()) return;
  listening_ = true;
  acceptor_.async_wait(asio::ip::tcp::acceptor::wait_read, [self = shared_from_this()](const asio::error_code& error) {
    self->listening_ = false;
    if (!error) self->accept_some();
  });
}

void Listener::accept_some() {
  for (int i = 0; i < accepted_at_once && acceptor_.is_open(); ++i) {
    if (connections_->full() && !somebody_waits()) break;
    if (!connections_->make_room()) {
      full_ = true;
      return;
    }
    if (!accept_one()) return;
  }
  listen();
}

bool Listener::somebody_waits() {
  pollfd asked{.fd = acceptor_.native_handle(), .events = POLLIN, .revents = 0};
  return ::poll(&asked, 1, 0) > 0;
}

bool Listener::accept_one() {
  Gate gate(connections_->context(), connections_);
  asio::ip::tcp::endpoint from;
  asio::error_code error;
  acceptor_.accept(gate, from, error);
  if (error == asio::error::would_block || error == asio::error::try_again) {
    listen();
    return false;
  }
  if (error == asio::error::connection_aborted || error == asio::error::interrupted || error.value() == EPROTO) return true;
  if (error) {
    pause(error.message());
    return false;
  }
  pause_ = {};
  gate.join();
  asio::error_code ignored;  // of a peer that has gone
  gate.set_option(asio::ip::tcp::no_delay(true), ignored);
  try {
    begin_(std::move(gate), from);
  } catch (const std::exception& failed) {
    pause(failed.what());
    return false;
  }
  return true;
}

void Listener::pause(const std::string& reason) {
  pause_ = std::clamp(pause_ * 2, pause_min, pause_max);
  if (const auto now = Clock::now(); told_ == Clock::time_point() || now > later(told_, told_again_after)) {
    told_ = now;
    log_(LogLevel::warning, "new connections have to wait: " + reason);
  }
  timer_.expires_after(pause_);
  timer_.async_wait([weak = weak_from_this()](const asio::error_code& error) {
    const auto self = weak.lock();
    if (self && !error) self->listen();
  });
}

}  // namespace weir::http
