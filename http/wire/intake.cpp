#include "intake.hpp"

#include <weir/assert.hpp>

#include <algorithm>
#include <utility>

namespace weir::http {
namespace {

Answerer refusal(Response response) {
  return [response = std::move(response)](const ExchangePtr& exchange) { exchange->respond(response); };
}

/// As the protocol's server answers when it gives up in the middle of a body.
Answerer chunked_refusal(Response response) {
  return [response = std::move(response)](const ExchangePtr& exchange) {
    auto head = response;
    head.body.clear();
    exchange->begin_stream(std::move(head));
    exchange->end_stream(response.body);
  };
}

Response busy_response() {
  auto response = problem(503, "Too much is being sent to this server at the moment; try again");
  response.headers.emplace_back("retry-after", "1");
  return response;
}

}  // namespace

void Intake::received(std::string_view bytes) {
  if (over_ || gives_up_) return;
  if (unread_bytes() == 0) bytes.remove_prefix(read(bytes));
  if (bytes.empty() || over_) return;
  if (!held_memory_.cover(options_.heads, unread_bytes() + bytes.size(), options_.limits.free_bytes)) {
    drop_held();
    gives_up_ = busy_;
    return busy_ ? void() : give_up();
  }
  const bool waiting = unread_bytes() > 0;
  held_ += bytes;
  if (waiting) read_held();
}

void Intake::read_held() {
  consumed_ += read(std::string_view(held_).substr(consumed_));
  if (unread_bytes() == 0) {
    held_.clear();
    if (held_.capacity() > options_.limits.free_bytes) held_.shrink_to_fit();
    consumed_ = 0;
    held_memory_.give_back();
  } else if (consumed_ > held_.size() / 2) {
    held_.erase(0, consumed_);
    consumed_ = 0;
  }
}

std::size_t Intake::read(std::string_view bytes) {
  std::size_t at = 0;
  for (bool progress = true; progress && at < bytes.size() && !over_;) {
    const auto rest = bytes.substr(at);
    std::size_t used = 0;
    if (skipping_ > 0) used = skip(rest);
    else if (busy_) break;
    else if (reading_ == Reading::head) used = read_head(rest);
    else if (reading_ == Reading::length) used = read_length(rest);
    else used = read_chunks(rest);
    at += used;
    progress = used > 0;
  }
  return over_ ? bytes.size() : at;
}

std::size_t Intake::skip(std::string_view bytes) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(skipping_, bytes.size()));
  skipping_ -= count;
  return count;
}

std::size_t Intake::read_head(std::string_view bytes) {
  const auto found = head_end_.look(bytes, options_.limits);
  if (found == HeadEnd::Found::nothing_yet) return 0;
  if (found == HeadEnd::Found::fault) {
    refuse(head_end_.fault());
    return bytes.size();
  }
  const auto begin = head_end_.begin(), end = head_end_.end();
  head_end_ = HeadEnd();
  judge(std::string(bytes.substr(begin, end - begin)));
  return end;
}

void Intake::judge(std::string text) {
  current_ = {};
  if (auto fault = RequestHead::read(std::move(text), current_.head)) return refuse(std::move(*fault));
  const auto& framing = current_.head.framing();
  auto admission = current_.head.target().size() > options_.limits.target_bytes_max
                       ? Admission{refusal(problem(414, "The request target is longer than " +
                                                            std::to_string(options_.limits.target_bytes_max) + " bytes")),
                                   false}
                       : options_.admit(current_.head);
  current_.answer = std::move(admission.answer);
  if (!admission.takes_body) {
    const bool short_body = framing.body != Framing::Body::chunked && framing.length <= options_.limits.skipped_bytes_max &&
                            !(framing.expects_continue && framing.length > 0);
    if (short_body) skipping_ = framing.length;
    return complete(framing.closes || !short_body);
  }
  if (auto fault = body_refused()) return refuse(std::move(*fault));
  if (!framing.has_body()) return complete(framing.closes);
  begin_body();
}

std::optional<Fault> Intake::body_refused() const {
  const auto& framing = current_.head.framing();
  const auto body_bytes_max = options_.limits.body_bytes_max;
  if (framing.length > body_bytes_max) return Fault{413, "The request body is larger than " + std::to_string(body_bytes_max) + " bytes"};
  if (framing.encoded && framing.has_body()) return Fault{415, "The request body is encoded; send it as it is, without Content-Encoding"};
  return std::nullopt;
}

void Intake::begin_body() {
  const auto& framing = current_.head.framing();
  continue_due_ = framing.expects_continue;
  left_ = framing.length;
  chunks_ = ChunkedBody();
  reading_ = framing.body == Framing::Body::chunked ? Reading::chunks : Reading::length;
}

std::size_t Intake::read_length(std::string_view bytes) {
  continue_due_ = false;
  const auto piece = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
  if (!append(piece)) return bytes.size();
  left_ -= piece.size();
  if (left_ == 0) complete(current_.head.framing().closes);
  return piece.size();
}

std::size_t Intake::read_chunks(std::string_view bytes) {
  continue_due_ = false;
  const auto used = chunks_.feed(bytes, options_.limits, [this](std::string_view piece) { return append(piece); });
  if (busy_) return bytes.size();
  if (chunks_.state() == ChunkedBody::State::fault) refuse({.status = 400, .in_body = true});
  if (chunks_.state() == ChunkedBody::State::done) complete(current_.head.framing().closes);
  return used;
}

bool Intake::append(std::string_view piece) {
  auto& body = current_.body;
  const auto wanted = body.size() + piece.size();
  if (wanted > options_.limits.body_bytes_max) {
    refuse({413, "The request body is larger than " + std::to_string(options_.limits.body_bytes_max) + " bytes"});
    return false;
  }
  if (wanted > body.capacity()) {
    auto capacity = std::max(wanted, std::min<std::size_t>(body.capacity() * 2, options_.limits.body_bytes_max));
    // Each time that a body grows it is in memory twice: who has sent an eighth of what was announced may have it all.
    if (const auto length = current_.head.framing().length; length > 0)
      capacity = wanted >= length / 8 ? static_cast<std::size_t>(length) : std::min<std::size_t>(capacity, length);
    if (!current_.memory.cover(options_.bodies, capacity, options_.limits.free_bytes)) {
      give_up();
      return false;
    }
    body.reserve(capacity);
  }
  body += piece;
  return true;
}

void Intake::give_up() {
  gives_up_ = false;
  drop_body();
  current_.answer = refusal(busy_response());
  complete(true);
}

void Intake::drop_held() {
  held_ = {};
  consumed_ = 0;
  held_memory_.give_back();
}

void Intake::drop_body() {
  current_.body = {};
  current_.memory.give_back();
}

void Intake::refuse(Fault fault) {
  drop_body();
  current_.answer = fault.in_body ? chunked_refusal(answer_of(fault)) : refusal(answer_of(fault));
  complete(true);
}

void Intake::complete(bool closes) {
  current_.closes = closes;
  arrived_ = std::exchange(current_, {});
  reading_ = Reading::head;
  continue_due_ = false;
  busy_ = true;
  over_ = closes;
}

Arrived Intake::take() {
  WEIR_ASSERT(arrived_, "only a request that is there is taken");
  auto out = std::move(*arrived_);
  arrived_.reset();
  return out;
}

void Intake::answered() {
  busy_ = false;
  if (gives_up_) give_up();
  else if (!over_ && unread_bytes() > 0) read_held();
}

std::size_t Intake::room() const {
  constexpr std::size_t read_bytes_max = 64 * 1024;
  if (over_ || gives_up_) return read_bytes_max;
  const auto ahead = options_.limits.pipelined_bytes_max;
  if (busy_) return unread_bytes() < ahead ? ahead - unread_bytes() : 0;
  return reading_ == Reading::length ? static_cast<std::size_t>(std::min<std::uint64_t>(left_ + ahead, read_bytes_max)) : ahead;
}

bool Intake::ended() {
  if (busy_ || idle()) return false;
  refuse(Fault::malformed("The request ends before it is complete."));
  return true;
}

bool Intake::timed_out() {
  if (busy_ || idle()) return false;
  refuse({408, "The request was not complete in time"});
  return true;
}

void Intake::stop() {
  over_ = true;
  drop_held();
  current_ = {};
  arrived_.reset();
}

}  // namespace weir::http
