// The open connections of one server: who has waited too long, who may be closed to make room. I/O thread only.
#pragma once

#include "gate.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>

namespace weir::http {

class Connections : public std::enable_shared_from_this<Connections> {
public:
  Connections(asio::io_context& context, IntakeOptions options);

  const IntakeOptions& options() const { return options_; }
  const Limits& limits() const { return options_.limits; }
  asio::io_context& context() { return context_; }
  /// Where bytes are read to before they are looked at: connections that only wait need no memory.
  std::array<char, 64 * 1024>& scratch() { return scratch_; }

  bool full() const { return count_ >= limits().connections_max; }
  /// Is there room for one more, perhaps after the one that has been idle the longest was closed?
  bool make_room();
  /// Called when a connection has gone after make_room() said no.
  void on_room(std::function<void()> room) { room_ = std::move(room); }

  void opened();
  void gone();
  void waits(Gate& gate);  ///< for a request
  void works(Gate& gate);  ///< on an answer
  void leaves(Gate& gate);
  /// How many connections have something written at this moment.
  std::size_t writing() const { return writing_; }
  void writes() { ++writing_; }
  void has_written() { --writing_; }
  /// Reads on for a while, so that the kernel does not drop the last answer because of bytes that nobody has read.
  void linger(int connection);

  /// Tells everybody who wants to know that his connection is gone, and closes all.
  void notify_all();
  void close_all();

private:
  using Clock = Gate::Clock;

  struct Lingering {
    explicit Lingering(asio::io_context& context) : socket(context) {}
    asio::ip::tcp::socket socket;
    Clock::time_point until;
  };

  void arm();
  void sweep();
  void discard(const std::shared_ptr<Lingering>& lingering);
  void end_lingering(const std::shared_ptr<Lingering>& lingering);

  asio::io_context& context_;
  const IntakeOptions options_;
  std::array<char, 64 * 1024> scratch_;
  std::size_t count_ = 0, writing_ = 0;
  GateChain waiting_, working_;  ///< waiting ones by the time since when
  std::list<std::shared_ptr<Lingering>> lingering_;
  asio::steady_timer timer_;
  bool armed_ = false;
  bool closing_ = false;
  std::function<void()> room_;
};

}  // namespace weir::http
