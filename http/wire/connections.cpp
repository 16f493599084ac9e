#include "connections.hpp"

#include <weir/assert.hpp>
#include <weir/time.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

namespace weir::http {

void GateChain::append(Gate& gate) {
  WEIR_ASSERT(!gate.chain_, "a connection waits or works, and is in one chain at a time");
  gate.chain_ = this;
  gate.previous_ = last;
  gate.next_ = nullptr;
  (last ? last->next_ : first) = &gate;
  last = &gate;
}

void GateChain::remove(Gate& gate) {
  WEIR_ASSERT(gate.chain_ == this, "a connection leaves the chain that it is in");
  (gate.previous_ ? gate.previous_->next_ : first) = gate.next_;
  (gate.next_ ? gate.next_->previous_ : last) = gate.previous_;
  gate.chain_ = nullptr;
}

Connections::Connections(asio::io_context& context, IntakeOptions options)
    : context_(context), options_(std::move(options)), timer_(context) {}

void Connections::leaves(Gate& gate) {
  if (gate.chain_) gate.chain_->remove(gate);
}

void Connections::waits(Gate& gate) {
  leaves(gate);
  gate.since_ = Clock::now();
  waiting_.append(gate);
}

void Connections::works(Gate& gate) {
  leaves(gate);
  working_.append(gate);
}

void Connections::opened() {
  ++count_;
  if (!armed_) arm();
}

void Connections::gone() {
  WEIR_ASSERT(count_ > 0, "a connection goes once");
  --count_;
  if (room_ && !closing_) room_();
}

bool Connections::make_room() {
  if (!full()) return true;
  for (auto* gate = waiting_.first; gate; gate = gate->next_) {
    if (gate->intake_.in_body() || !gate->pending_) continue;
    leaves(*gate);
    gate->fail_read(asio::error::eof);
    return true;
  }
  return false;
}

void Connections::arm() {
  using std::chrono::milliseconds;
  const auto shortest = std::min({limits().read_timeout, limits().write_timeout, limits().half_closed_probe, limits().linger_timeout});
  armed_ = true;
  timer_.expires_after(std::clamp(shortest / 4, milliseconds(20), milliseconds(500)));
  timer_.async_wait([weak = weak_from_this()](const asio::error_code& error) {
    const auto self = weak.lock();
    if (!self || error || self->closing_) return;
    self->sweep();
    self->armed_ = false;
    if (self->count_ > 0) self->arm();
  });
}

void Connections::sweep() {
  const auto now = Clock::now();
  while (waiting_.first && now >= later(waiting_.first->since_, limits().read_timeout)) waiting_.first->time_out();
  for (auto* gate = working_.first; gate;) {
    auto* next = gate->next_;
    gate->check(now);
    gate = next;
  }
  while (!lingering_.empty() && lingering_.front()->until <= now) end_lingering(lingering_.front());
}

void Connections::linger(int connection) {
  auto lingering = std::make_shared<Lingering>(context_);
  asio::error_code failed;
  lingering->socket.assign(asio::ip::tcp::v4(), connection, failed);
  if (failed) {
    ::close(connection);
    return;
  }
  lingering->socket.shutdown(asio::ip::tcp::socket::shutdown_send, failed);
  lingering->until = later(Clock::now(), limits().linger_timeout);
  lingering_.push_back(lingering);
  opened();
  discard(lingering);
}

void Connections::discard(const std::shared_ptr<Lingering>& lingering) {
  lingering->socket.async_wait(asio::ip::tcp::socket::wait_read, [weak = weak_from_this(), lingering](const asio::error_code& error) {
    const auto self = weak.lock();
    if (!self || error) return;
    const auto count = ::recv(lingering->socket.native_handle(), self->scratch_.data(), self->scratch_.size(), MSG_DONTWAIT);
    if (count > 0 || (count < 0 && errno == EAGAIN)) self->discard(lingering);
    else self->end_lingering(lingering);
  });
}

void Connections::end_lingering(const std::shared_ptr<Lingering>& lingering) {
  const auto found = std::find(lingering_.begin(), lingering_.end(), lingering);
  if (found == lingering_.end()) return;
  asio::error_code ignored;
  lingering->socket.close(ignored);
  lingering_.erase(found);
  gone();
}

void Connections::notify_all() {
  for (const auto& chain : {waiting_, working_})
    for (auto* gate = chain.first; gate; gate = gate->next_)
      if (gate->closed_) asio::post(context_, std::exchange(gate->closed_, nullptr));
}

void Connections::close_all() {
  closing_ = true;
  timer_.cancel();
  while (!lingering_.empty()) end_lingering(lingering_.front());
  for (auto* chain : {&waiting_, &working_})
    while (chain->first) chain->first->close();
}

}  // namespace weir::http
