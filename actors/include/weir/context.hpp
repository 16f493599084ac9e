// What a step may do: publish, send, collect, wait, remember. Handed to steps by reference.
#pragma once

#include <weir/event.hpp>
#include <weir/retry.hpp>
#include <weir/state_store.hpp>
#include <weir/task.hpp>

#include <coroutine>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

// g++ 12 copies temporaries with brace-initialised members inside a co_await expression byte by byte and destroys them
// twice (also lambdas that own what they capture). What can be caught at compile time is.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#define WEIR_CO_AWAIT_BREAKS_TEMPORARIES 1
#else
#define WEIR_CO_AWAIT_BREAKS_TEMPORARIES 0
#endif

namespace weir {

/// How `wait_for_event` and `receive` wait.
struct WaitOptions {
  std::optional<EventBox> publish = {};  ///< shown to the stream once, when the wait begins
  Object requirements = {};              ///< fields the event must carry, compared for equality
  std::optional<Duration> timeout = {};  ///< empty: for ever
  std::string id = {};                   ///< empty: derived from type, requirements and the triggering event
};

namespace detail {

struct WaitRequest {
  const EventType* type;
  WaitOptions options;
  bool receives = false;  ///< from the workflow's mailbox
};

/// How many of each, in the order in which they are returned. A type may stand at several places.
using ExpectedEvents = std::vector<std::pair<const EventType*, std::uint32_t>>;

/// What a StreamWriter writes to. Thread-safe.
class StreamSink {
public:
  virtual ~StreamSink() = default;
  virtual bool write(EventBox event) = 0;
};

/// The runtime's side of a context. One per invocation of a step body.
class StepHost {
public:
  virtual ~StepHost() = default;

  virtual void publish(EventBox event) = 0;
  virtual std::shared_ptr<StreamSink> stream_sink() = 0;
  /// Shows what has been written. True when more may be.
  virtual bool flush_stream() = 0;
  virtual void suspend_until_stream_has_room(std::coroutine_handle<> body) = 0;
  virtual void send(EventBox event, std::string_view step) = 0;
  virtual std::optional<std::vector<EventBox>> collect(const EventBox& event, const ExpectedEvents& expected, std::string_view buffer) = 0;

  /// Fixes the wait's id. True when its answer is known already.
  virtual bool prepare_wait(WaitRequest& request) = 0;
  virtual void suspend_until_answered(const WaitRequest& request, std::coroutine_handle<> body) = 0;
  /// Throws WaitTimeout when the wait timed out.
  virtual EventBox take_answer(const WaitRequest& request) = 0;

  /// A name that the body has used before becomes another, the same one whenever the body is repeated.
  virtual const std::string* recorded(std::string& name) = 0;
  virtual void suspend_until_recorded(const std::string& name, std::string json, std::coroutine_handle<> body) = 0;
  virtual void suspend_for(Duration delay, std::coroutine_handle<> body) = 0;
  virtual void suspend_for_blocking(std::function<void()> job, std::coroutine_handle<> body) = 0;
  /// `begin` is given a function that continues the body when it is called, once, from any thread.
  virtual void suspend_until_called(const std::function<void(std::function<void()>)>& begin, std::coroutine_handle<> body) = 0;

  virtual StateStore& store(const std::string& name) = 0;
  virtual RetryInfo retry_info() const = 0;
  virtual std::stop_token stop_token() const = 0;
  virtual const std::string& handler_id() const = 0;
  virtual const std::string& run_id() const = 0;
  virtual const std::string& workflow_name() const = 0;
};

template <class E>
E unbox(const EventBox& box) {
  return *static_cast<const E*>(box.upcast(event_type<E>()).body());
}

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<Task<T>> = true;

template <class T>
struct Unwrapped {
  using Type = T;
};
template <class T>
struct Unwrapped<Task<T>> {
  using Type = T;
};
template <class T>
inline constexpr bool never = false;

[[noreturn]] void refuse_recorded(const std::string& effect, const std::string& json, std::string_view type, const std::string& why);

/// Throws std::runtime_error when this build's type does not read what another build's has recorded.
template <class R>
R recorded_value(const std::string& effect, const std::string& json) {
  auto tree = parse_json(json);
  auto value = tree ? from_value<R>(*tree) : Expected<R>(tree.error());
  if (!value) refuse_recorded(effect, json, reflect::pretty_type<R>(), value.error().message);
  return std::move(*value);
}

/// F as deduced for a forwarding reference.
template <class F>
constexpr void check_effect() {
  static_assert(!WEIR_CO_AWAIT_BREAKS_TEMPORARIES || std::is_lvalue_reference_v<F> || std::is_trivially_destructible_v<F>,
                "g++ 12 destroys temporaries that own something twice inside co_await: give the lambda, or the message, a name first");
}

/// What calling F yields, a Task taken off.
template <class F>
using EffectResult = typename Unwrapped<std::invoke_result_t<F&>>::Type;

}  // namespace detail

/// Writes to the stream of a step's run. Unlike a Context it may be copied, kept, and used on any thread and by several at once: in the
/// callbacks of a library, say, that calls from threads of its own.
class StreamWriter {
public:
  /// Shows an event to everybody who follows the run. What one thread writes stays in its order. Waits while the run has written more
  /// than its store has taken (RunBudget::stream_backlog_*). False, and nothing is shown, when the step has ended, waits for an event
  /// from outside, or is to end: whoever produces should stop then.
  template <EventLike E>
  bool write(E&& event) const {
    return sink_->write(EventBox(std::forward<E>(event)));
  }

private:
  friend class Context;
  explicit StreamWriter(std::shared_ptr<detail::StreamSink> sink) : sink_(std::move(sink)) {}
  std::shared_ptr<detail::StreamSink> sink_;
};

/// Valid while the step body runs, and for the body alone: on other threads everything but what only reads (ids, retry_info,
/// stop_token) throws std::logic_error; take a stream_writer() there. Inside ctx.blocking(job) the job may also write and send events and
/// use the stores; it may await nothing. A `.blocking()` body has its thread, and may do there what any body may.
class Context {
public:
  explicit Context(detail::StepHost& host) : host_(host) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// Shows an event to everybody who follows the run, in call order: from a blocking body or job at once, from others when the body
  /// awaits something, ends, or has written many. On a thread that may block it waits while the run has written more than its store has
  /// taken (RunBudget::stream_backlog_*); a coroutine is held up where it next awaits something, drain_stream() for one.
  template <EventLike E>
  void write_event_to_stream(E&& event) {
    host_.publish(EventBox(std::forward<E>(event)));
  }

  /// Shows what has been written, and awaits that more may be: for coroutines that write much.
  [[nodiscard("co_await it")]] auto drain_stream() {
    struct Awaiter {
      detail::StepHost& host;
      bool await_ready() const { return host.flush_stream(); }
      void await_suspend(std::coroutine_handle<> body) { host.suspend_until_stream_has_room(body); }
      void await_resume() const {}
    };
    return Awaiter{host_};
  }

  /// Writes to the same stream from any thread, for as long as the step runs.
  StreamWriter stream_writer() { return StreamWriter(host_.stream_sink()); }

  /// Puts an event into the run, for every step that takes it, or for one. Throws std::invalid_argument when `step`
  /// does not exist or does not take the event.
  template <EventLike E>
  void send_event(E&& event, std::string_view step = {}) {
    host_.send(EventBox(std::forward<E>(event)), step);
  }

  /// Keeps `event` until `count` of its type are there; then returns all of them, oldest first, and starts over.
  template <EventLike E>
  std::optional<std::vector<E>> collect_events(const E& event, std::uint32_t count, std::string_view buffer = "default") {
    if (count == 0) return std::vector<E>();
    const std::optional<std::vector<EventBox>> events = host_.collect(EventBox(event), {{&event_type<E>(), count}}, buffer);
    if (!events) return std::nullopt;
    std::vector<E> out;
    out.reserve(events->size());
    for (const EventBox& box : *events) out.push_back(*box.as<E>());
    return out;
  }

  /// Keeps `event` until one for each of the types is there; then returns them in that order, those of one type oldest first, and starts
  /// over. A type may be named more than once: `<A, A, B>` are two A and a B.
  template <EventLike First, EventLike... Rest, EventLike E>
  requires(sizeof...(Rest) > 0) std::optional<std::tuple<First, Rest...>> collect_events(const E& event,
                                                                                         std::string_view buffer = "default") {
    const std::optional<std::vector<EventBox>> events =
        host_.collect(EventBox(event), {{&event_type<First>(), 1}, {&event_type<Rest>(), 1}...}, buffer);
    if (!events) return std::nullopt;
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::tuple<First, Rest...>{*(*events)[I].template as<std::tuple_element_t<I, std::tuple<First, Rest...>>>()...};
    }
    (std::make_index_sequence<1 + sizeof...(Rest)>{});
  }

  /// Awaits an event from outside; the step's worker slot is free meanwhile. Throws WaitTimeout.
  /// A live run goes on where it waited; after a restart the body runs again from its top and is given the answer at once.
  template <EventLike E>
  [[nodiscard("co_await it")]] auto wait_for_event(const WaitOptions& options) {
    return WaitAwaiter<E>{host_, {&event_type<E>(), options}};
  }
  template <EventLike E>
  [[nodiscard("co_await it")]] auto wait_for_event() {
    return wait_for_event<E>(default_wait());
  }
  /// Takes the oldest event of the workflow's mailbox<E>() that meets the requirements; awaits one when there is none. What is received
  /// is received once, by one body. WaitOptions::publish is shown only if there is nothing to receive yet. Throws WaitTimeout, and
  /// std::logic_error when the workflow has no such mailbox.
  template <EventLike E>
  [[nodiscard("co_await it")]] auto receive(const WaitOptions& options) {
    return WaitAwaiter<E>{host_, {&event_type<E>(), options, true}};
  }
  template <EventLike E>
  [[nodiscard("co_await it")]] auto receive() {
    return receive<E>(default_wait());
  }
#if WEIR_CO_AWAIT_BREAKS_TEMPORARIES
  template <EventLike E>
  auto wait_for_event(WaitOptions&&) {
    static_assert(detail::never<E>,
                  "g++ 12 destroys braced temporaries inside co_await twice: give the WaitOptions a name, then await with it");
  }
  template <EventLike E>
  auto receive(WaitOptions&&) {
    static_assert(detail::never<E>,
                  "g++ 12 destroys braced temporaries inside co_await twice: give the WaitOptions a name, then await with it");
  }
#endif

  /// Runs `effect` once for this piece of work and records its result: a repeated body gets the record instead.
  /// `effect` returns a value, nothing, or a Task; a plain one runs on the blocking pool. The n-th use of a name in a body is
  /// the n-th when the body is repeated: a body that may take another way then needs names of its own for what it does there.
  /// A record that this build's result type does not read is thrown as std::runtime_error that names effect, record and type.
  template <class F>
  auto run_once(std::string name, F&& effect) {
    detail::check_effect<F>();
    return run_and_record<std::decay_t<F>>(std::move(name), std::decay_t<F>(std::forward<F>(effect)));
  }

  /// Awaits without holding a thread; the step keeps its worker slot.
  [[nodiscard("co_await it")]] auto sleep(Duration delay) {
    struct Awaiter {
      detail::StepHost& host;
      Duration delay;
      bool await_ready() const { return delay <= Duration::zero(); }
      void await_suspend(std::coroutine_handle<> body) { host.suspend_for(delay, body); }
      void await_resume() const {}
    };
    return Awaiter{host_, delay};
  }

  /// Runs `job` on the blocking pool and awaits its result; exceptions come back to the body.
  template <class F>
  auto blocking(F&& job) {
    detail::check_effect<F>();
    return run_blocking<std::decay_t<F>>(std::decay_t<F>(std::forward<F>(job)));
  }

  /// Asks an actor and awaits its answer: `co_await ctx.request(actor, message...)`, or `ctx.request<Answer>(...)` for an actor
  /// without a typed interface. An error, or an actor that is gone, is thrown as std::runtime_error. Include weir/caf.hpp.
  template <class Handle, class... A>
  [[nodiscard("co_await it")]] auto request(const Handle& actor, A&&... message) {
    return request_actor(*this, actor, std::forward<A>(message)...);
  }
  template <class R, class Handle, class... A>
  [[nodiscard("co_await it")]] auto request(const Handle& actor, A&&... message) {
    return request_actor_as<R>(*this, actor, std::forward<A>(message)...);
  }

  /// For awaitables: see StepHost. The body must be this context's.
  void suspend_until_called(const std::function<void(std::function<void()>)>& begin, std::coroutine_handle<> body) {
    host_.suspend_until_called(begin, body);
  }

  /// The context of the step body that runs on this thread; nullptr outside of one, and inside its ctx.blocking(). For helpers that are
  /// not handed it.
  static Context* current() noexcept;

  /// State shared by all steps of the run. A name gives a store of its own beside the run's main one.
  StateStore& store(const std::string& name = {}) { return host_.store(name); }
  RetryInfo retry_info() const { return host_.retry_info(); }
  /// Asked to stop when the run ends while this body still runs. Blocking steps should look at it.
  std::stop_token stop_token() const { return host_.stop_token(); }
  const std::string& handler_id() const { return host_.handler_id(); }
  const std::string& run_id() const { return host_.run_id(); }
  const std::string& workflow_name() const { return host_.workflow_name(); }

private:
  template <EventLike E>
  struct WaitAwaiter {
    detail::StepHost& host;
    detail::WaitRequest request;
    bool await_ready() { return host.prepare_wait(request); }
    void await_suspend(std::coroutine_handle<> body) { host.suspend_until_answered(request, body); }
    E await_resume() { return detail::unbox<E>(host.take_answer(request)); }
  };

  struct BlockingAwaiter {
    detail::StepHost& host;
    std::function<void()> job;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> body) { host.suspend_for_blocking(std::move(job), body); }
    void await_resume() const {}
  };

  struct Recorder {
    detail::StepHost& host;
    std::string name, json;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> body) { host.suspend_until_recorded(name, std::move(json), body); }
    void await_resume() const {}
  };

  static const WaitOptions& default_wait() {
    static const WaitOptions options;
    return options;
  }

  // Awaiters have names below: see WEIR_CO_AWAIT_BREAKS_TEMPORARIES.

  template <class F>
  Task<detail::EffectResult<F>> run_and_record(std::string name, F effect) {
    using R = detail::EffectResult<F>;
    const auto* json = host_.recorded(name);
    if constexpr (std::is_void_v<R>) {
      if (json) co_return;
      auto performing = perform(effect);
      co_await std::move(performing);
      Recorder recorder{host_, std::move(name), "null"};
      co_await recorder;
    } else {
      if (json) co_return detail::recorded_value<R>(name, *json);
      auto performing = perform(effect);
      auto result = co_await std::move(performing);
      Recorder recorder{host_, std::move(name), codec::encoded(result)};
      co_await recorder;
      co_return result;
    }
  }

  template <class F>
  Task<std::invoke_result_t<F&>> run_blocking(F job) {
    using R = std::invoke_result_t<F&>;
    std::exception_ptr error;
    if constexpr (std::is_void_v<R>) {
      BlockingAwaiter done{host_, [&] {
                             try {
                               job();
                             } catch (...) { error = std::current_exception(); }
                           }};
      co_await done;
      if (error) std::rethrow_exception(error);
    } else {
      std::optional<R> result;
      BlockingAwaiter done{host_, [&] {
                             try {
                               result.emplace(job());
                             } catch (...) { error = std::current_exception(); }
                           }};
      co_await done;
      if (error) std::rethrow_exception(error);
      co_return std::move(*result);
    }
  }

  template <class F>
  auto perform(F& effect) {
    if constexpr (detail::is_task<std::invoke_result_t<F&>>) return effect();
    else return run_blocking<std::reference_wrapper<F>>(std::ref(effect));
  }

  detail::StepHost& host_;
};

}  // namespace weir
