#include "stream.hpp"

#include <algorithm>
#include <charconv>

namespace weir::detail {
namespace {

constexpr std::size_t queue_max = 256;
constexpr std::chrono::milliseconds first_delay{50}, longest_delay{2000};

/// -1, where a position is meant: before the first event.
std::optional<std::int64_t> sequence_in(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && out >= -1 ? std::optional(out) : std::nullopt;
}

}  // namespace

StreamState::StreamState(ClientState& client, std::string handler_id, const StreamOptions& options)
    : client_(client), handler_id_(std::move(handler_id)), options_(options), from_now_(options.only_new), cursor_(options.after),
      delivered_(options.after) {}

void StreamState::connect() {
  std::string target;
  {
    const std::lock_guard lock(mutex_);
    if (over_) return;
    target = "/events/" + client::percent_encoded(handler_id_) +
             "?sse=true&include_internal=" + (options_.include_internal ? "true" : "false") +
             "&after_sequence=" + (from_now_ ? "now" : std::to_string(cursor_));
    ++reconnects_;
    sse_.clear();
    paused_ = false;
  }
  auto request = client_.request("GET", target);
  request.headers.emplace_back("Accept", "text/event-stream");
  request.stop = options_.stop;
  // The transfer keeps this alive until it has ended; destroying the reader's end aborts it.
  request.on_data = [self = shared_from_this()](std::string_view data) { return self->take(data); };
  request.header = "weir-after-sequence";
  request.on_header = [self = shared_from_this()](std::string_view value) { self->begins_behind(value); };
  const std::lock_guard lock(mutex_);  // what arrives waits until the transfer's id is known
  transfer_ = client_.transfers.begin(std::move(request), [self = shared_from_this()](const client::Reply& reply) { self->ended(reply); });
  if (over_) client_.transfers.abort(transfer_);
}

/// An empty id takes back those before it: the next connection begins as the first one did.
void StreamState::move_cursor(std::string_view id) {
  from_now_ = id.empty() && options_.only_new;
  cursor_ = id.empty() ? options_.after : sequence_in(id).value_or(cursor_);
}

void StreamState::begins_behind(std::string_view position) {
  const std::lock_guard lock(mutex_);
  const auto sequence = from_now_ ? sequence_in(position) : std::nullopt;
  if (!sequence) return;
  cursor_ = *sequence;
  from_now_ = false;
}

bool StreamState::take(std::string_view data) {
  {
    const std::lock_guard lock(mutex_);
    if (over_) return true;
    if (events_.size() >= queue_max) {
      paused_ = true;
      return false;
    }
    connected_ = true;
    delay_ = {};
    broken_since_.reset();
    sse_.feed(data, [&](std::string_view id, std::string_view text) {
      const auto parsed = parse_json(text);
      if (!parsed) return;  // no event of this protocol
      auto event = client::read_event(*parsed);
      event.sequence = sequence_in(id).value_or(-1);
      complete_ = event.terminal();
      events_.push_back(std::move(event));
    });
    if (sse_.has_id()) move_cursor(sse_.last_id());
  }
  serve();
  return true;
}

void StreamState::ended(const client::Reply& reply) {
  bool complete = false;
  {
    const std::lock_guard lock(mutex_);
    complete = complete_;
    if (reply.status == 200) connected_ = true;
  }
  if (complete || reply.status == 204) return finish(std::nullopt);
  auto reason = reply.error           ? *reply.error
                : reply.status == 200 ? Error{Code::unavailable, "the stream of handler '" + handler_id_ + "' ended before its run"}
                                      : client::refusal("GET", client_.base + "/events/" + handler_id_, reply);
  // The others will not change by asking again.
  if (reason.code == Code::unavailable || reason.code == Code::deadline_exceeded) connect_again(std::move(reason));
  else finish(std::move(reason));
}

void StreamState::connect_again(Error reason) {
  std::chrono::milliseconds delay;
  bool hopeless = false;
  {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    if (!broken_since_) broken_since_ = now;
    delay_ = std::clamp(delay_ * 2, first_delay, longest_delay);
    delay = delay_;
    // A first connection that fails says at once what is wrong.
    hopeless = !connected_ || later(now, delay) > later(*broken_since_, client_.options.reconnect_for);
  }
  if (hopeless) return finish(std::move(reason));
  client_.transfers.after(delay, [self = shared_from_this()] { self->connect(); });
}

void StreamState::finish(std::optional<Error> error) {
  {
    const std::lock_guard lock(mutex_);
    if (over_) return;
    over_ = true;
    error_ = std::move(error);
  }
  serve();
}

void StreamState::next(std::function<void(std::optional<RemoteEvent>)> answer) {
  {
    const std::lock_guard lock(mutex_);
    reader_ = std::move(answer);
  }
  serve();
}

void StreamState::serve() {
  std::function<void(std::optional<RemoteEvent>)> reader;
  std::optional<RemoteEvent> event;
  {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
    if (!reader_ || (events_.empty() && !over_)) return;
    reader = std::exchange(reader_, nullptr);
    if (!events_.empty()) {
      event = std::move(events_.front());
      events_.pop_front();
      if (event->sequence >= 0) delivered_ = event->sequence;
      if (event->terminal()) over_ = true;
    }
    if (paused_ && events_.size() <= queue_max / 2) {
      paused_ = false;
      client_.transfers.unpause(transfer_);
    }
  }
  reader(std::move(event));
}

void StreamState::close() {
  client::Transfers::Id transfer = 0;
  {
    const std::lock_guard lock(mutex_);
    events_.clear();
    over_ = true;
    transfer = transfer_;
  }
  if (transfer) client_.transfers.abort(transfer);
  serve();
}

bool StreamState::ready_within(Duration time) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, later(Clock::now(), time), [&] { return over_ || !events_.empty(); });
}
std::optional<Error> StreamState::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}
std::int64_t StreamState::last_sequence() const {
  const std::lock_guard lock(mutex_);
  return delivered_;
}
int StreamState::reconnects() const {
  const std::lock_guard lock(mutex_);
  return reconnects_;
}

}  // namespace weir::detail

namespace weir {

EventStream& EventStream::operator=(EventStream&& other) noexcept {
  if (state_ && state_ != other.state_) state_->close();
  state_ = std::move(other.state_);
  client_ = std::move(other.client_);
  return *this;
}
EventStream::~EventStream() {
  if (state_) state_->close();
}
std::optional<RemoteEvent> EventStream::next() { return async_next().get(); }
Pending<std::optional<RemoteEvent>> EventStream::async_next() {
  return Pending<std::optional<RemoteEvent>>([client = client_, state = state_](auto answer) { state->next(std::move(answer)); });
}
bool EventStream::ready_within(Duration time) const { return state_->ready_within(time); }
std::optional<Error> EventStream::error() const { return state_->error(); }
std::int64_t EventStream::last_sequence() const { return state_->last_sequence(); }
int EventStream::reconnects() const { return state_->reconnects(); }
void EventStream::close() { state_->close(); }

}  // namespace weir
