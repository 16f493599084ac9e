// From the bytes of one connection to its requests, one at a time. Pure: no socket, no clock, no RESTinio.
// The next request is looked at only when the one before has been answered; what has come of it waits in a bounded buffer.
// A head is judged as soon as it is complete: of a request that is refused, no body is kept.
#pragma once

#include "budget.hpp"
#include "chunked_body.hpp"
#include "fault.hpp"
#include "request_head.hpp"

#include "exchange.hpp"
#include "limits.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace weir::http {

/// What is the same for all connections of a server.
struct IntakeOptions {
  Limits limits = {};
  std::function<Admission(const RequestHead&)> admit;
  std::shared_ptr<Budget> heads, bodies;
};

/// A request to be answered now: complete, or refused before it was.
struct Arrived {
  RequestHead head;
  std::string body;
  Answerer answer;
  bool closes = false;  ///< the connection ends with the answer
  Share memory;         ///< the body's
};

class Intake {
public:
  explicit Intake(const IntakeOptions& options) : options_(options) {}

  void received(std::string_view bytes);
  /// Nothing will follow. Says whether that cuts a request short, which is then refused.
  bool ended();
  /// What has come of a request took too long. False when nothing has: the connection is just idle.
  bool timed_out();
  /// The answer to the last request is on its way: the next one may be looked at.
  void answered();
  /// Frees everything; nothing more is wanted.
  void stop();

  bool ready() const { return arrived_.has_value(); }
  Arrived take();
  /// Is a request ready or at work?
  bool busy() const { return busy_; }
  /// No request is at work, and nothing has come of the next one.
  bool idle() const { return !busy_ && !in_body() && unread_bytes() == 0; }
  /// Has the next request been let in, and is its body under way?
  bool in_body() const { return reading_ != Reading::head; }
  /// How many bytes should be read from the client at once? 0: it has to wait. What follows the last
  /// request is read as well, and dropped: its end tells that the client has gone.
  std::size_t room() const;
  /// Will no request follow?
  bool over() const { return over_; }
  /// Says once, for each request that waits for it, that "100 Continue" is due.
  bool take_continue() { return std::exchange(continue_due_, false); }

private:
  enum class Reading { head, length, chunks };

  std::size_t unread_bytes() const { return held_.size() - consumed_; }
  void read_held();
  std::size_t read(std::string_view bytes);
  std::size_t read_head(std::string_view bytes);
  std::size_t read_length(std::string_view bytes);
  std::size_t read_chunks(std::string_view bytes);
  std::size_t skip(std::string_view bytes);
  void judge(std::string text);
  std::optional<Fault> body_refused() const;
  void begin_body();
  bool append(std::string_view piece);
  void refuse(Fault fault);
  void give_up();
  void drop_held();
  void drop_body();
  void complete(bool closes);

  const IntakeOptions& options_;
  Reading reading_ = Reading::head;
  bool busy_ = false;
  bool over_ = false;      ///< no request follows
  bool gives_up_ = false;  ///< after the answer to the request at work: there is no memory for what follows it
  bool continue_due_ = false;
  std::uint64_t skipping_ = 0;  ///< bytes of a refused request's body that are still to come
  std::uint64_t left_ = 0;      ///< bytes of the body that are still to come
  HeadEnd head_end_;
  ChunkedBody chunks_;
  std::string held_;          ///< read, but not used yet
  std::size_t consumed_ = 0;  ///< of held_
  Share held_memory_;
  Arrived current_;  ///< being received
  std::optional<Arrived> arrived_;
};

}  // namespace weir::http
