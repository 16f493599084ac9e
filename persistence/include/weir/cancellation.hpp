// How long a caller waits for an answer, and how it takes its question back.
#pragma once

#include <weir/time.hpp>

#include <chrono>
#include <optional>
#include <stop_token>

namespace weir {

/// By default without end.
struct Cancellation {
  std::stop_token given_up = {};                                       ///< nobody wants the answer any more
  std::optional<std::chrono::steady_clock::time_point> deadline = {};  ///< what is known by then is the answer

  static Cancellation for_at_most(std::chrono::milliseconds time, std::stop_token given_up = {}) {
    return {std::move(given_up), later(std::chrono::steady_clock::now(), time)};
  }
  bool over() const noexcept { return given_up.stop_requested() || (deadline && std::chrono::steady_clock::now() >= *deadline); }
};

}  // namespace weir
