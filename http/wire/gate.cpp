#include "gate.hpp"

#include "connections.hpp"

#include <weir/time.hpp>

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace weir::http {
namespace {

/// What RESTinio reads in the place of each request.
constexpr std::string_view request_line = "GET / HTTP/1.1\r\n\r\n";
constexpr auto probe_pause = std::chrono::seconds(10);

}  // namespace

Gate::Gate(asio::io_context& context, std::shared_ptr<Connections> connections)
    : Base(context), connections_(std::move(connections)), intake_(connections_->options()) {}

Gate::Gate(Gate&& other)
    : Base(std::move(other)), connections_(other.connections_), intake_(connections_->options()),
      joined_(std::exchange(other.joined_, false)) {}

Gate::~Gate() { leave(); }

void Gate::join() {
  joined_ = true;
  connections_->opened();
}

void Gate::leave() {
  if (!std::exchange(joined_, false)) return;
  connections_->leaves(*this);
  if (std::exchange(writing_, false)) connections_->has_written();
  connections_->gone();
  intake_.stop();
  answering_.reset();
  if (closed_) asio::post(get_executor(), std::exchange(closed_, nullptr));
  if (pending_) asio::post(get_executor(), [pending = std::move(pending_)] {});  // it may hold the last reference to this
}

void Gate::on_closed(std::function<void()> closed) {
  if (closed && !joined_) asio::post(get_executor(), std::move(closed));
  else closed_ = std::move(closed);
}

void Gate::begin_reading() {
  if (!chain_ && !intake_.busy()) connections_->waits(*this);
  advance(When::later);
}

void Gate::listen() {
  if (listening_ || ended_ || !is_open() || intake_.room() == 0) return;
  listening_ = true;
  Base::async_wait(wait_read, [this, keep = pending_](const asio::error_code& error) {
    listening_ = false;
    if (!error && is_open()) readable();
  });
}

void Gate::readable() {
  auto& scratch = connections_->scratch();
  const auto room = std::min(intake_.room(), scratch.size());
  if (room == 0) return;
  const auto count = ::recv(native_handle(), scratch.data(), room, MSG_DONTWAIT);
  if (count < 0) {
    if (errno == EAGAIN || errno == EINTR) return listen();
    return cut();
  }
  if (count == 0) {
    ended_ = true;
    next_probe_ = later(Clock::now(), connections_->limits().half_closed_probe);
  } else {
    const bool was_idle = intake_.idle();
    intake_.received({scratch.data(), static_cast<std::size_t>(count)});
    if (intake_.take_continue()) say("HTTP/1.1 100 Continue\r\n\r\n");
    if (was_idle && !intake_.busy()) connections_->waits(*this);
  }
  advance(When::now);
}

void Gate::advance(When when) {
  if (!pending_) return;
  if (cut_) return fail_read(asio::error::connection_aborted);
  if (ended_ && !intake_.busy() && !intake_.ended()) return fail_read(asio::error::eof);
  if (intake_.ready()) return hand_over(when);
  listen();
}

void Gate::hand_over(When when) {
  connections_->works(*this);
  std::memcpy(buffer_.data(), request_line.data(), request_line.size());
  auto deliver = [this, pending = std::move(pending_)] {
    if (!intake_.ready()) return;  // it has been closed meanwhile
    auto* outer = std::exchange(current(), this);
    pending->done({}, request_line.size());
    current() = outer;
  };
  if (when == When::now) deliver();
  else asio::post(get_executor(), std::move(deliver));
}

void Gate::fail_read(const asio::error_code& error) {
  asio::post(get_executor(), [pending = std::move(pending_), error] { pending->done(error, 0); });
}

void Gate::answered() {
  closed_ = nullptr;
  answering_.reset();
  answer_begun_ = false;
  intake_.answered();
  if (intake_.over() && !intake_.busy()) return;  // RESTinio closes it
  if (intake_.take_continue()) say("HTTP/1.1 100 Continue\r\n\r\n");
  connections_->waits(*this);
  advance(When::later);
}

void Gate::cut() {
  cut_ = true;
  if (pending_) return fail_read(asio::error::connection_aborted);
  asio::error_code ignored;
  Base::close(ignored);
}

void Gate::begin_writing() {
  write_began_ = Clock::now();
  writing_ = answer_begun_ = true;
  connections_->writes();
}

/// Of many large answers at once each gets a little at a time: who asks for something small waits for one round of all.
std::size_t Gate::turn_bytes() const {
  constexpr std::size_t alone = 1024 * 1024, among_many = 8 * 1024, many = 64;
  return connections_->writing() > many ? among_many : alone;
}

asio::error_code Gate::written(asio::error_code error) {
  if (std::exchange(writing_, false)) connections_->has_written();
  if (error) failed_ = true;
  // RESTinio takes an aborted write for the consequence of its own closing, and would do nothing.
  return cut_ && error == asio::error::operation_aborted && joined_ ? asio::error::connection_aborted : error;
}

void Gate::cancel(asio::error_code& error) {
  if (pending_) asio::post(get_executor(), [pending = std::move(pending_)] {});
  Base::cancel(error);
}

void Gate::shutdown(shutdown_type what, asio::error_code& error) {
  if (!is_open()) return;
  if (!intake_.over() || ended_ || cut_ || failed_) {
    Base::shutdown(what, error);
    return;
  }
  const auto connection = Base::release(error);
  if (!error) connections_->linger(connection);
}

void Gate::close() {
  leave();
  asio::error_code ignored;
  Base::close(ignored);
}

void Gate::say(std::string_view words) { (void)::send(native_handle(), words.data(), words.size(), MSG_NOSIGNAL | MSG_DONTWAIT); }

void Gate::probe() {
  if (!answer_begun_ && is_open()) say("HTTP/1.1 100 Continue\r\n\r\n");
}

void Gate::time_out() {
  connections_->leaves(*this);
  if (intake_.timed_out()) advance(When::later);
  else if (pending_) fail_read(asio::error::timed_out);
  else cut();
}

bool Gate::has_gone() {
  pollfd asked{.fd = native_handle(), .events = 0, .revents = 0};
  return ::poll(&asked, 1, 0) > 0 && (asked.revents & (POLLERR | POLLHUP)) != 0;
}

void Gate::check(Clock::time_point now) {
  if (!is_open() || cut_) return;
  if (writing_ && now > later(write_began_, connections_->limits().write_timeout)) return cut();
  if (listening_) return;
  if (has_gone()) return cut();
  if (!ended_ || now < next_probe_) return;
  next_probe_ = later(now, probe_pause);
  if (const auto answering = answering_.lock()) answering->probe();
}

}  // namespace weir::http
