// When a failed step is tried again. Plain values.
#pragma once

#include <weir/event.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// Waits min(initial * multiplier^n, max) plus up to `jitter` before retry n = 0, 1, ...
/// The delay is decided once, when the failure happens, and recorded with it.
struct Retry {
  int max_attempts = 3;  ///< in all, the first one included
  Duration initial = std::chrono::seconds(5);
  double multiplier = 1;  ///< 1: always the same wait
  Duration max = std::chrono::seconds(60);
  Duration jitter = Duration::zero();                       ///< uniform in [0, jitter], the same for the same run, step and attempt
  std::function<bool(const ExceptionInfo&)> retry_if = {};  ///< empty: every error

  /// The delay before the next attempt after `failures` failures, or nothing when it is time to give up.
  std::optional<Duration> next(int failures, const ExceptionInfo& error, std::string_view seed) const;
};

/// What a step may know about its own earlier attempts.
struct RetryInfo {
  int retry_number = 0;                 ///< 0 on the first attempt
  Duration elapsed = Duration::zero();  ///< since the first attempt began
  std::optional<ExceptionInfo> last_exception;
  std::optional<Time> last_failed_at;
};

}  // namespace weir
