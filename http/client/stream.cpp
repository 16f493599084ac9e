#include "stream.hpp"

#include "actors/values/utf8.hpp"

#include <algorithm>
#include <charconv>
#include <random>

namespace weir::detail {
namespace {

constexpr std::size_t queue_max = 256;

std::optional<std::int64_t> integer_in(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(out) : std::nullopt;
}

/// -1, where a position is meant: before the first event.
std::optional<std::int64_t> sequence_in(std::string_view text) {
  const auto out = integer_in(text);
  return out && *out >= -1 ? out : std::nullopt;
}

std::optional<Duration> heartbeat_in(const client::Head& head) {
  const auto text = head.header("weir-heartbeat-ms");
  const auto milliseconds = text ? integer_in(*text) : std::nullopt;
  return milliseconds && *milliseconds > 0 ? std::optional(clamped<Duration>(std::chrono::milliseconds(*milliseconds))) : std::nullopt;
}

/// From 0 to 1.
double dice() {
  thread_local std::minstd_rand engine(std::random_device{}());
  return std::generate_canonical<double, 32>(engine);
}

constexpr bool may_pass(int status) {
  return status == 200 || status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501 && status != 505);
}
constexpr bool may_pass(Code code) { return code == Code::unavailable || code == Code::deadline_exceeded; }

}  // namespace

StreamState::StreamState(const std::shared_ptr<ClientState>& client, std::string handler_id, const StreamOptions& options)
    : client_(client), shown_target_(client->base + "/events/" + handler_id), handler_id_(std::move(handler_id)), options_(options),
      from_now_(options.only_new), cursor_(options.after), delivered_(options.after),
      machine_({.answer_within = client->options.timeout,
                .idle_limit = client->options.idle_limit,
                .reconnect_for = client->options.reconnect_for}),
      sse_(client->options.frame_bytes_max) {}

std::string StreamState::begin_connection() {
  const std::lock_guard lock(mutex_);
  if (over_) return {};
  ++reconnects_;
  sse_.clear();
  paused_ = silent_ = false;
  machine_.connect(Clock::now());
  return "/events/" + client::percent_encoded(handler_id_) +
         "?sse=true&include_internal=" + (options_.include_internal ? "true" : "false") +
         "&after_sequence=" + (from_now_ ? "now" : std::to_string(cursor_));
}

void StreamState::connect() {
  const auto client = client_.lock();
  const auto target = client ? begin_connection() : "";
  if (target.empty()) return;
  auto request = client->request("GET", target);
  request.headers.emplace_back("Accept", "text/event-stream");
  request.stop = options_.stop;
  // The transfer keeps this alive until it has ended; destroying the reader's end aborts it.
  request.on_head = [self = shared_from_this()](const client::Head& head) { return self->begins(head); };
  request.on_data = [self = shared_from_this()](std::string_view data) { return self->take(data); };
  {
    const std::lock_guard lock(mutex_);  // what arrives waits until the transfer's id is known
    transfer_ =
        client->transfers.begin(std::move(request), [self = shared_from_this()](const client::Reply& reply) { self->ended(reply); });
    if (over_) client->transfers.abort(transfer_);
  }
  watch();
}

bool StreamState::begins(const client::Head& head) {
  {
    const std::lock_guard lock(mutex_);
    if (head.status() != 200 || head.content_type() != "text/event-stream") return false;
    machine_.head(Clock::now(), heartbeat_in(head));
    const auto position = head.header("weir-after-sequence");
    if (const auto sequence = from_now_ && position ? sequence_in(*position) : std::nullopt) {
      cursor_ = *sequence;
      from_now_ = false;
    }
  }
  watch();
  return true;
}

void StreamState::watch() {
  const auto client = client_.lock();
  const std::lock_guard lock(mutex_);
  const auto at = machine_.silent_at();
  if (!client || over_ || !at) return;
  const auto in = std::max(clamped<std::chrono::milliseconds>(std::chrono::ceil<std::chrono::milliseconds>(*at - Clock::now())),
                           std::chrono::milliseconds(1));
  client->transfers.after(in, [weak = weak_from_this(), watch = ++last_watch_] {
    if (const auto self = weak.lock()) self->look(watch);
  });
}

void StreamState::look(std::uint64_t watch) {
  const auto client = client_.lock();
  {
    const std::lock_guard lock(mutex_);
    if (over_ || !client || watch != last_watch_) return;
    if (paused_) machine_.bytes(Clock::now());  // the reader is slow, not the server
    const auto at = machine_.silent_at();
    if (at && Clock::now() >= *at) {
      silent_ = true;
      client->transfers.abort(transfer_);
      return;
    }
  }
  this->watch();
}

/// An empty id takes back those before it: the next connection begins as the first one did.
void StreamState::move_cursor(std::string_view id) {
  from_now_ = id.empty() && options_.only_new;
  cursor_ = id.empty() ? options_.after : sequence_in(id).value_or(cursor_);
}

bool StreamState::take(std::string_view data) {
  std::optional<Error> unreadable;
  {
    const std::lock_guard lock(mutex_);
    if (over_) return true;
    if (events_.size() >= queue_max) {
      paused_ = true;
      return false;
    }
    const auto now = Clock::now();
    machine_.bytes(now);
    sse_.feed(data, [&](std::string_view id, std::string_view text) {
      machine_.event(now);
      if (!unreadable) unreadable = take_event(id, text);
    });
    if (sse_.take_comment()) machine_.comment(now);
    if (!unreadable && sse_.has_id()) move_cursor(sse_.last_id());
    if (!unreadable && sse_.too_long())
      unreadable = Error{Code::resource_exhausted,
                         "an event of handler '" + handler_id_ + "' is larger than may be (ClientOptions::frame_bytes_max)"};
  }
  if (unreadable) give_up(std::move(*unreadable));
  else serve();
  return true;
}

std::optional<Error> StreamState::take_event(std::string_view id, std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed) parsed = parse_json(utf8::repaired(text));
  const auto event = parsed ? client::read_event(*parsed) : Expected<RemoteEvent>(parsed.error());
  if (!event)
    return Error{Code::data_loss, "an event of handler '" + handler_id_ + "' behind sequence " + std::to_string(cursor_) +
                                      " cannot be read: " + event.error().message};
  events_.push_back(*event);
  events_.back().sequence = sequence_in(id).value_or(-1);
  complete_ = event->terminal();
  if (!id.empty()) move_cursor(id);
  return std::nullopt;
}

void StreamState::give_up(Error error) {
  client::Transfers::Id transfer = 0;
  {
    const std::lock_guard lock(mutex_);
    transfer = transfer_;
  }
  finish(std::move(error));
  if (const auto client = client_.lock()) client->transfers.abort(transfer);
}

Error StreamState::reason_of(const client::Reply& reply) const {
  if (silent_) return {Code::unavailable, "the server of handler '" + handler_id_ + "' has gone silent"};
  if (reply.error) return *reply.error;
  if (reply.status != 200) return client::refusal("GET", shown_target_, reply);
  if (machine_.phase() != client::StreamMachine::Phase::live)
    return {Code::unavailable, client::refusal("GET", shown_target_, reply).message + ", and that is no stream of events"};
  return {Code::unavailable, "the stream of handler '" + handler_id_ + "' ended before its run"};
}

void StreamState::ended(const client::Reply& reply) {
  std::optional<Error> error;
  std::optional<Duration> pause;
  {
    const std::lock_guard lock(mutex_);
    if (over_) return;
    if (!complete_ && reply.status != 204) {
      error = reason_of(reply);
      const bool passes = silent_ || (reply.error ? may_pass(reply.error->code) : may_pass(reply.status));
      const auto wished =
          std::max(reply.retry_after.value_or(Duration::zero()), Duration(sse_.retry().value_or(std::chrono::milliseconds(0))));
      if (passes) pause = machine_.broken(Clock::now(), wished, dice());
    }
  }
  const auto client = client_.lock();
  if (!pause || !client) return finish(std::move(error));
  client->transfers.after(std::chrono::ceil<std::chrono::milliseconds>(*pause), [self = shared_from_this()] { self->connect(); });
}

void StreamState::finish(std::optional<Error> error) {
  {
    const std::lock_guard lock(mutex_);
    if (over_) return;
    over_ = true;
    machine_.over();
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
      machine_.bytes(Clock::now());
      if (const auto client = client_.lock()) client->transfers.unpause(transfer_);
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
    machine_.over();
    transfer = transfer_;
  }
  if (const auto client = client_.lock(); client && transfer) client->transfers.abort(transfer);
  serve();
}

bool StreamState::ready_within(Duration time) const {
  check_may_wait();
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
