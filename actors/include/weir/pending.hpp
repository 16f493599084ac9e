// Pending<T>: something that is under way elsewhere and answers once. Wait for it, or co_await it.
#pragma once

#include <weir/context.hpp>
#include <weir/task.hpp>

#include <coroutine>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace weir {

namespace detail {
/// On threads that bring answers: what they are called. Who waits there waits for ever.
inline thread_local const char* no_waiting_here = nullptr;

inline void check_may_wait() {
  if (no_waiting_here)
    throw std::logic_error("get(), next() and sync_wait() would wait on " + std::string(no_waiting_here) +
                           " for an answer that only this thread can bring: co_await it, or wait on another thread");
}
}  // namespace detail

/// Begins when get() is called or it is awaited; use it once. In a step, awaiting holds no thread and the step goes on where
/// its body runs; in any other coroutine the body goes on on the thread that brings the answer.
template <class T>
class [[nodiscard("nothing happens until get() is called or it is awaited")]] Pending {
public:
  using Answer = std::function<void(T)>;

  /// `begin` is called once, and calls the answer it is given exactly once, from any thread, perhaps before it returns.
  explicit Pending(std::function<void(Answer)> begin) : begin_(std::move(begin)) {}

  /// Blocks until the answer is there. Not for steps, unless they are `.blocking()`. Throws std::logic_error, and nothing is begun, on a
  /// thread that brings answers: in a coroutine that goes on there, await instead.
  T get() {
    detail::check_may_wait();
    auto promise = std::make_shared<std::promise<T>>();
    auto answer = promise->get_future();
    begin_([promise](T value) { promise->set_value(std::move(value)); });
    return answer.get();
  }

  auto operator co_await()& { return Awaiter{std::move(begin_)}; }
  auto operator co_await()&& {
    static_assert(!WEIR_CO_AWAIT_BREAKS_TEMPORARIES || detail::never<T>,
                  "g++ 12 destroys braced temporaries inside co_await twice: give the call a name, then await the name");
    return Awaiter{std::move(begin_)};
  }

private:
  // The answer has a place of its own: it may come when the awaiting body is long gone, because its run was cancelled.
  struct Awaiter {
    std::function<void(Answer)> begin;
    std::shared_ptr<std::optional<T>> answer = std::make_shared<std::optional<T>>();

    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> body) {
      // What this object owns is moved out first: the body may go on, and end, before `begin` returns.
      auto start = [begin = std::move(begin), answer = answer](std::function<void()> resume) {
        begin([answer, resume = std::move(resume)](T value) {
          answer->emplace(std::move(value));
          resume();
        });
      };
      if (auto* context = Context::current()) context->suspend_until_called(start, body);
      else start([body] { body.resume(); });
    }
    T await_resume() { return std::move(**answer); }
  };

  std::function<void(Answer)> begin_;
};

namespace detail {

/// A coroutine that runs at once and destroys itself.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

template <class T>
Detached fulfil(Task<T> task, std::shared_ptr<std::promise<T>> promise) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(task);
      promise->set_value();
    } else {
      promise->set_value(co_await std::move(task));
    }
  } catch (...) { promise->set_exception(std::current_exception()); }
}

}  // namespace detail

/// Runs a coroutine to its end and returns what it returned, or throws what it threw. For main() and tests, not for steps; throws
/// std::logic_error where Pending::get() does.
template <class T>
T sync_wait(Task<T> task) {
  detail::check_may_wait();
  auto promise = std::make_shared<std::promise<T>>();
  auto result = promise->get_future();
  detail::fulfil(std::move(task), promise);
  return result.get();
}

}  // namespace weir
