// The algebra of retry policies, by its tables (contract 5.8).
#include <doctest/doctest.h>

#include <weir/retry.hpp>

#include <stdexcept>

using namespace weir;
using namespace std::chrono_literals;

namespace {

Duration delay(const RetryWait& wait, int n, std::string_view seed = "run:step") {
  RetryDraw draw(seed, n + 1);
  return wait(n, draw);
}

template <class E>
RetryAttempt thrown(E error, int failures = 1, Duration elapsed = 0s) {
  RetryAttempt out{.failures = failures, .elapsed = elapsed, .error = {"test.Error", error.what()}};
  try {
    throw error;
  } catch (...) { out.exception = std::current_exception(); }
  return out;
}
RetryAttempt failure(int failures, Duration elapsed = 0s) { return thrown(std::runtime_error("cold"), failures, elapsed); }

struct Network : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace

TEST_CASE("waits without chance follow their formulas") {
  CHECK(delay(wait_none(), 3) == 0s);
  CHECK(delay(wait_fixed(7s), 3) == 7s);
  CHECK(delay(wait_exponential(), 0) == 1s);
  CHECK(delay(wait_exponential(), 3) == 8s);
  CHECK(delay(wait_exponential(), 30) == 60s);
  CHECK(delay(wait_exponential(), 5000) == 60s);  // beyond what a double holds
  CHECK(delay(wait_exponential({.multiplier = 100ms, .base = 3, .max = 2s, .min = 500ms}), 0) == 500ms);
  CHECK(delay(wait_exponential({.multiplier = 100ms, .base = 3, .max = 2s, .min = 500ms}), 2) == 900ms);
  CHECK(delay(wait_exponential({.multiplier = 1s, .max = 2s, .min = 5s}), 4) == 5s);  // min wins
  CHECK(delay(wait_incrementing(), 0) == 0s);
  CHECK(delay(wait_incrementing(), 2) == 200s);
  CHECK(delay(wait_incrementing({.start = 5s, .increment = -2s}), 4) == 0s);
  CHECK(delay(wait_incrementing({.start = 1s, .increment = 2s, .max = 4s}), 9) == 4s);
  CHECK(delay(wait_chain({wait_fixed(1s), wait_fixed(2s)}), 0) == 1s);
  CHECK(delay(wait_chain({wait_fixed(1s), wait_fixed(2s)}), 7) == 2s);
  CHECK(delay(wait_fixed(1s) + wait_incrementing(), 1) == 101s);
  CHECK(delay(wait_combine({wait_fixed(1s), wait_fixed(2s), wait_fixed(3s)}), 0) == 6s);
  CHECK_THROWS_WITH_AS(wait_chain({}), "wait_chain needs at least one wait", WorkflowError);
}

TEST_CASE("waits with chance stay inside their bounds, and are the same for the same attempt") {
  for (int n = 0; n < 50; ++n) {
    CAPTURE(n);
    const auto random = delay(wait_random(2s, 3s), n);
    CHECK(random >= 2s);
    CHECK(random < 3s);
    const auto full = delay(wait_random_exponential({.multiplier = 1s, .max = 10s, .min = 1s}), n);
    CHECK(full >= 1s);
    CHECK(full <= 10s);
    const auto jittered = delay(wait_exponential_jitter({.initial = 1s, .max = 20s, .jitter = 2s}), n);
    CHECK(jittered >= std::min<Duration>(20s, 1s * (1 << std::min(n, 5))));
    CHECK(jittered <= 20s);
    CHECK(delay(wait_random(), n) == delay(wait_random(), n));
  }
  CHECK(delay(wait_random(), 1, "run:a") != delay(wait_random(), 1, "run:b"));
}

TEST_CASE("stops look at attempts, at the time passed and at the coming wait") {
  CHECK_FALSE(stop_after_attempt(3)(failure(2), 0s));
  CHECK(stop_after_attempt(3)(failure(3), 0s));
  CHECK_FALSE(stop_after_delay(10s)(failure(1, 9s), 5s));
  CHECK(stop_after_delay(10s)(failure(1, 10s), 0s));
  CHECK(stop_before_delay(10s)(failure(1, 6s), 4s));
  CHECK_FALSE(stop_before_delay(10s)(failure(1, 6s), 3s));
  CHECK_FALSE(stop_never()(failure(1000, 1000h), 1000h));
  CHECK((stop_after_attempt(9) || stop_after_delay(1s))(failure(1, 2s), 0s));
  CHECK_FALSE((stop_after_attempt(9) && stop_after_delay(1s))(failure(1, 2s), 0s));
  CHECK((stop_after_attempt(9) && stop_after_delay(1s))(failure(9, 2s), 0s));
  CHECK(stop_any({stop_never(), stop_after_attempt(1)})(failure(1), 0s));
  CHECK_FALSE(stop_all({stop_never(), stop_after_attempt(1)})(failure(1), 0s));
  CHECK_THROWS_AS(stop_after_attempt(0), WorkflowError);
}

TEST_CASE("conditions ask for types, messages and causes") {
  const auto network = thrown(Network("reset by peer"));
  CHECK(retry_if_exception_type<Network>()(network));
  CHECK(retry_if_exception_type<std::logic_error, std::runtime_error>()(network));  // also by a base class
  CHECK_FALSE(retry_if_exception_type<std::logic_error>()(network));
  CHECK_FALSE(retry_if_not_exception_type<Network>()(network));
  CHECK_FALSE(retry_unless_exception_type<Network>()(network));
  CHECK(retry_unless_exception_type<std::logic_error>()(network));
  CHECK(retry_if_exception([](const ExceptionInfo& error) { return error.exception_type == "test.Error"; })(network));
  CHECK(retry_if_exception_message({.message = "reset by peer"})(network));
  CHECK_FALSE(retry_if_exception_message({.message = "reset"})(network));
  CHECK(retry_if_exception_message({.match = "^reset|refused"})(network));
  CHECK_FALSE(retry_if_not_exception_message({.match = "peer"})(network));
  CHECK((retry_if_exception_type<std::logic_error>() || retry_always())(network));
  CHECK_FALSE((retry_always() && retry_never())(network));
  CHECK((!retry_never())(network));
  CHECK(retry_any({retry_never(), retry_always()})(network));
  CHECK_FALSE(retry_all({retry_never(), retry_always()})(network));
  CHECK_THROWS_AS(retry_if_exception_message({}), WorkflowError);
  CHECK_THROWS_AS(retry_if_exception_message({.message = "a", .match = "b"}), WorkflowError);
  CHECK_THROWS_AS(retry_if_exception_message({.match = "("}), WorkflowError);
}

TEST_CASE("a condition finds a cause at any depth, and not the error itself") {
  RetryAttempt attempt;
  try {
    try {
      try {
        throw Network("down");
      } catch (...) { std::throw_with_nested(std::logic_error("no answer")); }
    } catch (...) { std::throw_with_nested(std::runtime_error("order failed")); }
  } catch (...) { attempt.exception = std::current_exception(); }
  CHECK(retry_if_exception_cause_type<Network>()(attempt));
  CHECK(retry_if_exception_cause_type<std::logic_error>()(attempt));
  CHECK_FALSE(retry_if_exception_cause_type<std::out_of_range>()(attempt));
  CHECK_FALSE(retry_if_exception_cause_type<Network>()(thrown(Network("alone"))));
}

TEST_CASE("a policy asks the condition, then the wait, then the stop; alone it tries three times, five seconds apart") {
  const RetryPolicy usual;
  CHECK(usual.next(failure(1)) == Duration(5s));
  CHECK(usual.next(failure(2)) == Duration(5s));
  CHECK_FALSE(usual.next(failure(3)));
  CHECK_FALSE(RetryPolicy{.when = retry_never()}.next(failure(1)));
  Duration seen{};
  const RetryPolicy watched{.wait = wait_exponential(), .stop = RetryStop([&](const RetryAttempt&, Duration upcoming) {
                                                          seen = upcoming;
                                                          return false;
                                                        })};
  CHECK(watched.next(failure(3)) == Duration(4s));  // n is failures - 1
  CHECK(seen == 4s);
}

TEST_CASE("the short form grows, is bounded, and its jitter is the same for the same attempt") {
  const auto plain = Retry{.max_attempts = 10, .initial = 100ms, .multiplier = 3, .max = 1s}.policy();
  CHECK(plain.next(failure(1)) == Duration(100ms));
  CHECK(plain.next(failure(2)) == Duration(300ms));
  CHECK(plain.next(failure(9)) == Duration(1s));
  CHECK_FALSE(plain.next(failure(10)));
  const auto jittered = Retry{.max_attempts = 10, .initial = 100ms, .multiplier = 3, .max = 1s, .jitter = 50ms}.policy();
  auto attempt = failure(2);
  attempt.seed = "run:step";
  const auto first = *jittered.next(attempt);
  CHECK(first == *jittered.next(attempt));
  CHECK(first >= 300ms);
  CHECK(first <= 350ms);
  attempt.seed = "run:other";
  CHECK(first != *jittered.next(attempt));
  CHECK_THROWS_AS(Retry{.max_attempts = 0}.policy(), WorkflowError);
}
