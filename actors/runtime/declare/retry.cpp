// Retry policies. The jitter is a hash of what identifies the attempt, so a replayed decision would be the same.
#include <weir/retry.hpp>

#include <algorithm>
#include <cmath>
#include <regex>

namespace weir {

RetryDraw::RetryDraw(std::string_view seed, int failures) : state_(0xcbf29ce484222325u) {
  const auto mix = [this](unsigned char byte) { state_ = (state_ ^ byte) * 0x100000001b3u; };  // FNV-1a
  for (char c : seed) mix(static_cast<unsigned char>(c));
  for (int i = 0; i < 4; ++i) mix(static_cast<unsigned char>(failures >> (8 * i)));
}

/// SplitMix64.
double RetryDraw::next() {
  state_ += 0x9e3779b97f4a7c15u;
  auto z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) / static_cast<double>(std::uint64_t{1} << 53);
}

namespace {

/// Between the bounds, and the upper one when the number is beyond what a Duration holds.
Duration bounded(double microseconds, Duration min, Duration max) {
  if (!(microseconds < static_cast<double>(max.count()))) return std::max(max, min);
  return std::max(Duration(std::llround(microseconds)), min);
}

Duration uniform(Duration min, Duration max, RetryDraw& draw) {
  return min + Duration(std::llround(static_cast<double>((max - min).count()) * draw.next()));
}

Duration exponential(const Exponential& shape, int n) {
  const auto min = std::max(shape.min, Duration::zero());
  return bounded(static_cast<double>(shape.multiplier.count()) * std::pow(shape.base, n), min, shape.max);
}

}  // namespace

RetryWait wait_none() { return wait_fixed(Duration::zero()); }
RetryWait wait_fixed(Duration wait) {
  return RetryWait([wait](int, RetryDraw&) { return wait; });
}
RetryWait wait_exponential(Exponential shape) {
  return RetryWait([shape](int n, RetryDraw&) { return exponential(shape, n); });
}
RetryWait wait_random_exponential(Exponential shape) {
  return RetryWait([shape](int n, RetryDraw& draw) { return uniform(std::max(shape.min, Duration::zero()), exponential(shape, n), draw); });
}
RetryWait wait_exponential_jitter(ExponentialJitter shape) {
  return RetryWait([shape](int n, RetryDraw& draw) {
    const auto base = bounded(static_cast<double>(shape.initial.count()) * std::pow(shape.base, n), Duration::zero(), shape.max);
    return std::min(together(base, uniform(Duration::zero(), shape.jitter, draw)), shape.max);
  });
}
RetryWait wait_incrementing(Incrementing shape) {
  return RetryWait([shape](int n, RetryDraw&) {
    const auto grown = static_cast<double>(shape.start.count()) + static_cast<double>(shape.increment.count()) * n;
    return std::max(Duration::zero(), bounded(grown, Duration::zero(), shape.max));
  });
}
RetryWait wait_random(Duration min, Duration max) {
  return RetryWait([min, max](int, RetryDraw& draw) { return uniform(min, max, draw); });
}
RetryWait wait_chain(std::vector<RetryWait> waits) {
  if (waits.empty()) throw WorkflowError("wait_chain needs at least one wait");
  return RetryWait([waits = std::move(waits)](int n, RetryDraw& draw) {
    return waits[std::min(static_cast<std::size_t>(std::max(n, 0)), waits.size() - 1)](n, draw);
  });
}
RetryWait wait_combine(std::vector<RetryWait> waits) {
  return RetryWait([waits = std::move(waits)](int n, RetryDraw& draw) {
    auto sum = Duration::zero();
    for (const auto& wait : waits) sum = together(sum, wait(n, draw));
    return sum;
  });
}
RetryWait operator+(RetryWait a, RetryWait b) { return wait_combine({std::move(a), std::move(b)}); }

RetryStop stop_after_attempt(int count) {
  if (count < 1) throw WorkflowError("stop_after_attempt: the number of attempts must be at least 1, got " + std::to_string(count));
  return RetryStop([count](const RetryAttempt& attempt, Duration) { return attempt.failures >= count; });
}
RetryStop stop_after_delay(Duration limit) {
  return RetryStop([limit](const RetryAttempt& attempt, Duration) { return attempt.elapsed >= limit; });
}
RetryStop stop_before_delay(Duration limit) {
  return RetryStop([limit](const RetryAttempt& attempt, Duration upcoming) { return together(attempt.elapsed, upcoming) >= limit; });
}
RetryStop stop_never() {
  return RetryStop([](const RetryAttempt&, Duration) { return false; });
}
RetryStop stop_any(std::vector<RetryStop> stops) {
  return RetryStop([stops = std::move(stops)](const RetryAttempt& attempt, Duration upcoming) {
    return std::any_of(stops.begin(), stops.end(), [&](const auto& stop) { return stop(attempt, upcoming); });
  });
}
RetryStop stop_all(std::vector<RetryStop> stops) {
  return RetryStop([stops = std::move(stops)](const RetryAttempt& attempt, Duration upcoming) {
    return std::all_of(stops.begin(), stops.end(), [&](const auto& stop) { return stop(attempt, upcoming); });
  });
}
RetryStop operator||(RetryStop a, RetryStop b) { return stop_any({std::move(a), std::move(b)}); }
RetryStop operator&&(RetryStop a, RetryStop b) { return stop_all({std::move(a), std::move(b)}); }

std::vector<std::exception_ptr> detail::causes(const std::exception_ptr& error) {
  std::vector<std::exception_ptr> out;
  for (auto at = error; at;) {
    std::exception_ptr inner;
    try {
      std::rethrow_exception(at);
    } catch (const std::nested_exception& nested) { inner = nested.nested_ptr(); } catch (...) {
    }
    if (inner) out.push_back(inner);
    at = inner;
  }
  return out;
}

RetryCondition retry_always() {
  return RetryCondition([](const RetryAttempt&) { return true; });
}
RetryCondition retry_never() { return !retry_always(); }
RetryCondition retry_if_exception(std::function<bool(const ExceptionInfo&)> predicate) {
  return RetryCondition([predicate = std::move(predicate)](const RetryAttempt& attempt) { return predicate(attempt.error); });
}
RetryCondition retry_if_exception_message(Message wanted) {
  if (wanted.message.has_value() == wanted.match.has_value())
    throw WorkflowError("retry_if_exception_message: give either .message or .match");
  if (wanted.message)
    return retry_if_exception([text = *wanted.message](const ExceptionInfo& error) { return error.exception_message == text; });
  try {
    return retry_if_exception(
        [pattern = std::regex(*wanted.match)](const ExceptionInfo& error) { return std::regex_search(error.exception_message, pattern); });
  } catch (const std::regex_error& error) {
    throw WorkflowError("retry_if_exception_message: '" + *wanted.match + "' is no regular expression: " + error.what());
  }
}
RetryCondition retry_if_not_exception_message(Message unwanted) { return !retry_if_exception_message(std::move(unwanted)); }
RetryCondition retry_any(std::vector<RetryCondition> conditions) {
  return RetryCondition([conditions = std::move(conditions)](const RetryAttempt& attempt) {
    return std::any_of(conditions.begin(), conditions.end(), [&](const auto& condition) { return condition(attempt); });
  });
}
RetryCondition retry_all(std::vector<RetryCondition> conditions) {
  return RetryCondition([conditions = std::move(conditions)](const RetryAttempt& attempt) {
    return std::all_of(conditions.begin(), conditions.end(), [&](const auto& condition) { return condition(attempt); });
  });
}
RetryCondition operator||(RetryCondition a, RetryCondition b) { return retry_any({std::move(a), std::move(b)}); }
RetryCondition operator&&(RetryCondition a, RetryCondition b) { return retry_all({std::move(a), std::move(b)}); }
RetryCondition operator!(RetryCondition condition) {
  return RetryCondition([condition = std::move(condition)](const RetryAttempt& attempt) { return !condition(attempt); });
}

std::optional<Duration> RetryPolicy::next(const RetryAttempt& attempt) const {
  if (!when(attempt)) return std::nullopt;
  RetryDraw draw(attempt.seed, attempt.failures);
  const auto delay = std::max(wait(attempt.failures - 1, draw), Duration::zero());
  if (stop(attempt, delay)) return std::nullopt;
  return delay;
}

RetryPolicy Retry::policy() const {
  if (max_attempts < 1) throw WorkflowError("retry: max_attempts must be at least 1, got " + std::to_string(max_attempts));
  return {.when = retry_if ? retry_if_exception(retry_if) : retry_always(),
          .wait = wait_exponential({.multiplier = initial, .base = multiplier, .max = max}) + wait_random(Duration::zero(), jitter),
          .stop = stop_after_attempt(max_attempts)};
}

}  // namespace weir
