// Where a stream of events stands, and when it is connected again. Pure: the time and the dice are given, nothing is sent.
//
//                a proper head                     the connection ends
//   connecting ------------------> live --------------------------------------> broken
//        |                          |                                            |  ^
//        |  the run's last event, a final refusal, or close()                    |  |  the connection ends, and there
//        +-------------> over <-----+--------------------------------------------+  |  was a proper head before
//                         ^           `reconnect_for` is over                    |  |
//                         |                                                      v  |
//                         +------- the first connection fails ------- connecting ---+
#pragma once

#include <weir/time.hpp>

#include <chrono>
#include <optional>

namespace weir::client {

class StreamMachine {
public:
  using Clock = std::chrono::steady_clock;
  enum class Phase { connecting, live, broken, over };

  struct Limits {
    Duration answer_within;              ///< a head must come in that time
    std::optional<Duration> idle_limit;  ///< silence on a live connection; empty: as the server says, or without end
    Duration reconnect_for;              ///< how long an outage may last
  };
  static constexpr std::chrono::milliseconds first_pause{50}, longest_pause{2000};
  /// A connection that has held for as long was no part of an outage.
  static constexpr std::chrono::seconds steady_after{1};
  /// Of how many of the server's heartbeats in a row nothing may come, with a half for what is under way.
  static constexpr double heartbeats_missed_max = 2.5;

  explicit StreamMachine(const Limits& limits) : limits_(limits) {}

  Phase phase() const noexcept { return phase_; }

  /// A connection is begun.
  void connect(Clock::time_point now);
  /// A proper head has come. `heartbeat`: how often the server says something when there is nothing to say.
  void head(Clock::time_point now, std::optional<Duration> heartbeat);
  /// Bytes: the server is there. No outage is over by that.
  void bytes(Clock::time_point now) { heard_ = now; }
  /// An outage is over with an event, or with a comment on a connection that holds.
  void event(Clock::time_point now);
  void comment(Clock::time_point now);
  /// The connection has ended, or failed. Returns the pause before the next one; nothing when the stream is over: because it never was
  /// live, or has been broken for too long. Pauses double, and each is cut by up to a half by `dice`, from 0 to 1, so that many
  /// clients of one server do not come back at the same moment. `retry_after`: the server's own wish.
  std::optional<Duration> broken(Clock::time_point now, std::optional<Duration> retry_after, double dice);
  void over() noexcept { phase_ = Phase::over; }

  /// When silence has lasted too long; nothing while it may last.
  std::optional<Clock::time_point> silent_at() const;

private:
  void outage_is_over();

  Limits limits_;
  Phase phase_ = Phase::broken;
  bool was_live_ = false;
  std::optional<Duration> heartbeat_;
  Clock::time_point heard_{}, live_since_{};
  Duration pause_{0};
  std::optional<Clock::time_point> broken_since_;
};

}  // namespace weir::client
