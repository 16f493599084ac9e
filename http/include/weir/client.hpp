// A client for servers that speak the protocol: Weir's, and LlamaIndex's WorkflowServer in Python (contract, chapter 7).
//
//   weir::Client client({.url = "http://127.0.0.1:8080"});
//   auto handler = client.run("joke", Topic{"cat"}).get();        // blocks
//   auto handler = co_await starting;                             // or suspends
#pragma once

#include <weir/event.hpp>
#include <weir/pending.hpp>
#include <weir/store.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

struct ClientOptions {
  std::string url = "http://127.0.0.1:8080";  ///< may end in a path prefix; https is verified
  std::string api_key = {};                   ///< sent as "Authorization: Bearer KEY"; empty: none
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string ca_file = {};  ///< PEM file of authorities to trust instead of the system's
  bool verify_tls = true;    ///< false: any certificate will do. For tests only
  // Times are more than zero; less than a millisecond counts as one.
  Duration connect_timeout = std::chrono::seconds(10);
  /// For an answer, and for the head of a stream; run(), cancel() and what a stream brings may take as long as they like.
  Duration timeout = std::chrono::seconds(30);
  /// How long a broken stream tries to go on before it gives up; 0: it does not try. It pauses in between, for 50 ms at first and 2 s at
  /// last, or as the server's Retry-After says. An outage is over with an event, or with a comment on a connection that has held for
  /// a second.
  Duration reconnect_for = std::chrono::seconds(30);
  /// A stream that brings nothing for as long, no heartbeat either, is connected anew. Empty: 2.5 heartbeats, when the server says how
  /// often they come (Weir does), otherwise without end.
  std::optional<Duration> idle_limit = {};
  std::size_t body_bytes_max = 256 * 1024 * 1024;  ///< of an answer; beyond, Code::resource_exhausted
  std::size_t frame_bytes_max = 64 * 1024 * 1024;  ///< of one event in a stream; beyond, the stream ends with the same code
};

/// An event as the server showed it. `value` has its fields; as<T>() reads them into a type that both sides know.
struct RemoteEvent {
  std::int64_t sequence = -1;  ///< its place in the run's stream; -1 when it is no part of one
  std::string type;
  std::string qualified_name;
  std::vector<std::string> types;  ///< ancestors, nearest first
  Value value;

  /// The event's type, or one of its ancestors, has this name.
  bool is(std::string_view name) const noexcept;
  template <EventLike T>
  bool is() const noexcept {
    return type == event_type<T>().name;
  }
  /// Error: what does not fit, or that it is another type.
  template <EventLike T>
  Expected<T> as() const {
    const auto box = decode(event_type<T>());
    if (!box) return box.error();
    return *static_cast<const T*>(box->body());
  }
  /// A run's last event.
  bool terminal() const noexcept { return is("StopEvent"); }

private:
  Expected<EventBox> decode(const EventType& type) const;
};

/// An event that no step, no wait and no mailbox took.
struct RemoteUnhandled {
  std::string type;
  std::string step;            ///< that it was sent to; empty: to all
  Value value;                 ///< null when it is long
  std::string at;              ///< as the server wrote it
  std::int64_t sequence = -1;  ///< of the UnhandledEvent that tells of it
};

/// An event that a run waits for.
struct RemoteWait {
  std::string type;
  std::string step;     ///< that takes it
  Object requirements;  ///< fields that the event must have, with these values: others are not taken
};

/// A handler as the server showed it.
struct RemoteHandler {
  std::string handler_id;
  std::string workflow_name;
  std::string run_id;
  HandlerStatus status = HandlerStatus::running;
  std::string error;                                 ///< empty unless failed
  std::optional<RemoteEvent> result;                 ///< the stop event of a completed run
  bool quarantined = false;                          ///< quarantined: the server died three times in a row with the run (Weir only)
  std::string budgets_exceeded;                      ///< by the run: their names, with commas between (Weir only)
  std::string started_at, updated_at, completed_at;  ///< as the server wrote them; empty: not yet
  std::int64_t unhandled_count = 0;                  ///< of handler_detail(): how many events nobody took
  std::vector<RemoteUnhandled> unhandled = {};       ///< the newest of them, the newest first
  std::vector<RemoteWait> waiting_for = {};          ///< of handler_detail(): what the run waits for, when it does nothing else (Weir only)

  bool terminal() const noexcept { return status != HandlerStatus::running; }
  /// A completed run's stop event as a T, or what a plain StopEvent holds as a T.
  template <class T>
  Expected<T> result_as() const {
    if (!result) return not_completed();
    if constexpr (EventLike<T>) {
      if (result->is<T>()) return result->as<T>();
    }
    const auto* held = result->value.find("result");
    return from_value<T>(held ? *held : result->value);
  }

private:
  Error not_completed() const;
};

struct RemoteSchema {
  Value start, stop;
};

/// How one call is made.
struct CallOptions {
  std::optional<Duration> timeout = {};  ///< instead of ClientOptions::timeout
  std::stop_token stop = {};             ///< gives up: the call answers Code::cancelled; what the server has begun goes on
};

struct RemoteStart {
  std::string handler_id = {};           ///< empty: the server makes one up
  std::optional<Object> context = {};    ///< to begin from, where the server allows it
  std::string idempotency_key = {};      ///< makes sending it again harmless (Weir only)
  std::optional<Duration> timeout = {};  ///< as in CallOptions; for run() there is none otherwise
  std::stop_token stop = {};
};

struct RemoteSend {
  std::string step = {};  ///< only for the step of that name
  /// Refused with Code::conflict, and nothing has changed, when nothing in the run takes the event now (Weir only: others accept it).
  bool strict = false;
  std::string idempotency_key = {};  ///< makes sending it again harmless (Weir only)
  std::optional<Duration> timeout = {};
  std::stop_token stop = {};
};

struct StreamOptions {
  std::int64_t after = -1;        ///< begin after this sequence; -1: from the start
  bool only_new = false;          ///< begin with what comes from now on; `after` is ignored
  bool include_internal = false;  ///< also what the engine tells about itself
  std::stop_token stop = {};
};

struct RemoteFilter {
  std::vector<HandlerStatus> statuses = {};  ///< empty: all
  std::vector<std::string> workflow_names = {};
};

namespace detail {
class ClientState;
class StreamState;
}  // namespace detail

/// The events of one run, each once, in order. A connection that breaks, or a server that restarts, is reconnected behind the
/// last event. One reader at a time; destroying it closes the connection.
class EventStream {
public:
  EventStream(std::shared_ptr<detail::ClientState> client, std::shared_ptr<detail::StreamState> state)
      : client_(std::move(client)), state_(std::move(state)) {}
  EventStream(EventStream&&) noexcept = default;
  EventStream& operator=(EventStream&&) noexcept;
  ~EventStream();

  /// Blocks for the next event; nothing after the run's last one, or when the stream was given up: see error(). Throws
  /// std::logic_error on the client's own thread, as Pending::get().
  std::optional<RemoteEvent> next();
  /// The same for coroutines.
  Pending<std::optional<RemoteEvent>> async_next();
  /// Blocks until next() would not, or the time is over: then false.
  bool ready_within(Duration time) const;
  /// Why it ended before the run did; nothing while it goes on, and when all events were seen. An event that cannot be read ends it
  /// (Code::data_loss): none is left out.
  std::optional<Error> error() const;
  std::int64_t last_sequence() const;
  /// How often it was connected anew.
  int reconnects() const;
  /// From any thread: next() ends.
  void close();

  struct End {};
  class Iterator {
  public:
    explicit Iterator(EventStream* stream) : stream_(stream), event_(stream->next()) {}
    const RemoteEvent& operator*() const { return *event_; }
    const RemoteEvent* operator->() const { return &*event_; }
    Iterator& operator++() {
      event_ = stream_->next();
      return *this;
    }
    bool operator==(End) const { return !event_; }

  private:
    EventStream* stream_;
    std::optional<RemoteEvent> event_;
  };
  Iterator begin() { return Iterator(this); }
  End end() const { return {}; }

private:
  std::shared_ptr<detail::ClientState> client_;
  std::shared_ptr<detail::StreamState> state_;
};

template <class T>
using Answered = Pending<Expected<T>>;

/// Thread-safe, cheap to copy; owns one I/O thread and keeps connections open. What is awaited when the last copy goes is answered
/// with Code::cancelled. Every operation begins when its answer is asked
/// for: `.get()` blocks, `co_await` suspends. Errors: Code::unavailable when the server cannot be reached, deadline_exceeded,
/// cancelled, unauthenticated, not_found, conflict, resource_exhausted, invalid_argument; the message says what was asked and what came
/// back.
class Client {
public:
  /// Throws std::invalid_argument when the URL is none, or a time or header is none.
  explicit Client(ClientOptions options = {});

  /// True when the server says that it is healthy.
  Answered<bool> healthy(CallOptions options = {}) const;
  Answered<std::vector<std::string>> workflows(CallOptions options = {}) const;
  Answered<RemoteSchema> schema(std::string workflow, CallOptions options = {}) const;
  /// The JSON Schema of every event that clients may see or send.
  Answered<std::vector<Value>> event_schemas(std::string workflow, CallOptions options = {}) const;
  /// {"name", "nodes", "edges", "description"} (contract 4.3). Of Weir also how steps receive events, in their nodes ("input": "collect" or
  /// "join", "take": how many), and which edges are lists ("list": true).
  Answered<Value> graph(std::string workflow, CallOptions options = {}) const;

  /// Starts a run and answers when it is over; a run that failed is an answer, not an error.
  Answered<RemoteHandler> run(std::string workflow, const EventBox& start, RemoteStart options = {}) const;
  /// With the start event's fields by name, when its type is not known here.
  Answered<RemoteHandler> run(std::string workflow, const Object& fields = {}, RemoteStart options = {}) const;
  /// Starts a run and answers when it is recorded.
  Answered<RemoteHandler> start(std::string workflow, const EventBox& start, RemoteStart options = {}) const;
  Answered<RemoteHandler> start(std::string workflow, const Object& fields = {}, RemoteStart options = {}) const;

  EventStream events(std::string handler_id, StreamOptions options = {}) const;
  /// Answers when the event is accepted: false when the server says that nothing in the run has taken it. `step`: only for the step of
  /// that name. Code::resource_exhausted: the run's mailbox is full.
  Answered<bool> send_event(std::string handler_id, const EventBox& event, std::string step = {}, CallOptions options = {}) const;
  Answered<bool> send_event(std::string handler_id, const EventBox& event, RemoteSend options) const;
  /// The same with the name of a type that is not known here.
  Answered<bool> send_event(std::string handler_id, std::string type, const Object& fields, std::string step = {},
                            CallOptions options = {}) const;
  Answered<bool> send_event(std::string handler_id, std::string type, const Object& fields, RemoteSend options) const;

  Answered<RemoteHandler> handler(std::string handler_id, CallOptions options = {}) const;
  /// The same with what nobody in the run took (Weir only).
  Answered<RemoteHandler> handler_detail(std::string handler_id, CallOptions options = {}) const;
  Answered<std::vector<RemoteHandler>> handlers(RemoteFilter filter = {}, CallOptions options = {}) const;
  /// Goes on with a run that is quarantined (Weir only). Code::conflict when it is not.
  Answered<RemoteHandler> resume(std::string handler_id, CallOptions options = {}) const;
  /// Ends the run; with `purge` what is stored of the handler goes too. Answers "cancelled" or "deleted".
  Answered<std::string> cancel(std::string handler_id, bool purge = false, CallOptions options = {}) const;

private:
  std::shared_ptr<detail::ClientState> state_;
};

}  // namespace weir
