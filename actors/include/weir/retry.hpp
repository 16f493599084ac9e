// When a failed step is tried again: conditions, waits and stops that combine. The names are those that users of the
// Python library know.
#pragma once

#include <weir/event.hpp>

#include <concepts>
#include <exception>
#include <functional>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

/// Numbers in [0, 1) that are the same for the same run, step and failure: a replayed decision comes out the same.
class RetryDraw {
public:
  RetryDraw(std::string_view seed, int failures);
  double next();

private:
  std::uint64_t state_;
};

/// What a policy is asked about.
struct RetryAttempt {
  int failures = 1;                     ///< so far, this one included
  Duration elapsed = Duration::zero();  ///< since the first attempt began
  ExceptionInfo error = {};
  std::exception_ptr exception = {};  ///< what the step threw; null when it was stopped for taking too long
  std::string_view seed = {};         ///< identifies run and step
};

/// How long to wait before retry n = 0, 1, 2, ... `a + b` waits for both.
class RetryWait {
public:
  using Function = std::function<Duration(int n, RetryDraw& draw)>;
  explicit RetryWait(Function function) : function_(std::move(function)) {}
  Duration operator()(int n, RetryDraw& draw) const { return function_(n, draw); }

private:
  Function function_;
};

constexpr Duration wait_max = std::chrono::hours(24 * 365 * 100);

RetryWait wait_none();
RetryWait wait_fixed(Duration wait);
struct Exponential {
  Duration multiplier = std::chrono::seconds(1);
  double base = 2;
  Duration max = std::chrono::seconds(60);
  Duration min = Duration::zero();
};
/// min(multiplier * base^n, max), but at least min.
RetryWait wait_exponential(Exponential shape = {});
/// Uniform between min and what wait_exponential waits; also known as full jitter.
RetryWait wait_random_exponential(Exponential shape = {});
struct ExponentialJitter {
  Duration initial = std::chrono::seconds(1);
  double base = 2;
  Duration max = std::chrono::seconds(60);
  Duration jitter = std::chrono::seconds(1);
};
/// min(initial * base^n, max) plus up to `jitter`, all together at most max.
RetryWait wait_exponential_jitter(ExponentialJitter shape = {});
struct Incrementing {
  Duration start = Duration::zero();
  Duration increment = std::chrono::seconds(100);
  Duration max = wait_max;
};
/// start + n * increment, between 0 and max.
RetryWait wait_incrementing(Incrementing shape = {});
/// Uniform between min and max.
RetryWait wait_random(Duration min = Duration::zero(), Duration max = std::chrono::seconds(1));
/// The n-th of the waits; the last one repeats. Throws WorkflowError when there is none.
RetryWait wait_chain(std::vector<RetryWait> waits);
RetryWait wait_combine(std::vector<RetryWait> waits);
RetryWait operator+(RetryWait a, RetryWait b);

/// When to give up. `a || b`, `a && b` combine.
class RetryStop {
public:
  using Function = std::function<bool(const RetryAttempt& attempt, Duration upcoming)>;
  explicit RetryStop(Function function) : function_(std::move(function)) {}
  bool operator()(const RetryAttempt& attempt, Duration upcoming) const { return function_(attempt, upcoming); }

private:
  Function function_;
};

/// `count` attempts in all, the first one included. Throws WorkflowError when it is less than 1.
RetryStop stop_after_attempt(int count);
/// When this much time has passed since the first attempt began.
RetryStop stop_after_delay(Duration limit);
/// When the next wait would end after this much time.
RetryStop stop_before_delay(Duration limit);
RetryStop stop_never();
RetryStop stop_any(std::vector<RetryStop> stops);
RetryStop stop_all(std::vector<RetryStop> stops);
RetryStop operator||(RetryStop a, RetryStop b);
RetryStop operator&&(RetryStop a, RetryStop b);

/// Which errors are worth another attempt. `a || b`, `a && b`, `!a` combine.
class RetryCondition {
public:
  using Function = std::function<bool(const RetryAttempt& attempt)>;
  explicit RetryCondition(Function function) : function_(std::move(function)) {}
  bool operator()(const RetryAttempt& attempt) const { return function_(attempt); }

private:
  Function function_;
};

namespace detail {

template <class T>
bool holds(const std::exception_ptr& error) {
  if (!error) return false;
  try {
    std::rethrow_exception(error);
  } catch (const T&) { return true; } catch (...) {
    return false;
  }
}

/// What the error was nested in with std::throw_with_nested, nearest first.
std::vector<std::exception_ptr> causes(const std::exception_ptr& error);

}  // namespace detail

RetryCondition retry_always();
RetryCondition retry_never();
/// By what the wire shows of the error: its dotted type name and its message.
RetryCondition retry_if_exception(std::function<bool(const ExceptionInfo&)> predicate);
/// Thrown as one of T or a class derived from it.
template <class... T>
RetryCondition retry_if_exception_type() {
  return RetryCondition([](const RetryAttempt& attempt) { return (detail::holds<T>(attempt.exception) || ...); });
}
template <class... T>
RetryCondition retry_if_not_exception_type() {
  return RetryCondition([](const RetryAttempt& attempt) { return !(detail::holds<T>(attempt.exception) || ...); });
}
template <class... T>
RetryCondition retry_unless_exception_type() {
  return retry_if_not_exception_type<T...>();
}
/// One of T is what the error was nested in (std::throw_with_nested), at any depth.
template <class... T>
RetryCondition retry_if_exception_cause_type() {
  return RetryCondition([](const RetryAttempt& attempt) {
    for (const auto& cause : detail::causes(attempt.exception))
      if ((detail::holds<T>(cause) || ...)) return true;
    return false;
  });
}
/// Exactly one of the two: the whole message, or a regular expression found somewhere in it.
struct Message {
  std::optional<std::string> message = {};
  std::optional<std::string> match = {};
};
/// Throws WorkflowError unless exactly one is given, or when the expression is malformed.
RetryCondition retry_if_exception_message(Message wanted);
RetryCondition retry_if_not_exception_message(Message unwanted);
RetryCondition retry_any(std::vector<RetryCondition> conditions);
RetryCondition retry_all(std::vector<RetryCondition> conditions);
RetryCondition operator||(RetryCondition a, RetryCondition b);
RetryCondition operator&&(RetryCondition a, RetryCondition b);
RetryCondition operator!(RetryCondition condition);

/// Asked once per failure; the verdict is recorded with it. The condition is asked first, then the wait, then the stop.
struct RetryPolicy {
  RetryCondition when = retry_always();
  RetryWait wait = wait_fixed(std::chrono::seconds(5));
  RetryStop stop = stop_after_attempt(3);

  /// The delay before the next attempt, or nothing when it is time to give up.
  std::optional<Duration> next(const RetryAttempt& attempt) const;
};

/// The usual policy in one line: waits min(initial * multiplier^n, max) plus up to `jitter`.
struct Retry {
  int max_attempts = 3;  ///< in all, the first one included
  Duration initial = std::chrono::seconds(5);
  double multiplier = 1;  ///< 1: always the same wait
  Duration max = std::chrono::seconds(60);
  Duration jitter = Duration::zero();
  std::function<bool(const ExceptionInfo&)> retry_if = {};  ///< empty: every error

  /// Throws WorkflowError when max_attempts is less than 1.
  RetryPolicy policy() const;
};

/// What a step may know about its own earlier attempts.
struct RetryInfo {
  int retry_number = 0;                 ///< 0 on the first attempt
  Duration elapsed = Duration::zero();  ///< since the first attempt began
  std::optional<ExceptionInfo> last_exception;
  std::optional<Time> last_failed_at;
};

}  // namespace weir
