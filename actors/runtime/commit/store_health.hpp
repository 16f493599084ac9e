// What the process knows about its store: whether it takes commits, and if not, since when and why.
#pragma once

#include "actors/runtime/clock/timers.hpp"

#include <weir/error.hpp>
#include <weir/runtime_options.hpp>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>

namespace weir::runtime {

struct StoreStatus {
  enum class Kind {
    ready,
    failing,  ///< commits are kept and tried again
    damaged,  ///< nothing more is written by this process
  };
  Kind kind = Kind::ready;
  std::string why = {};  ///< for people; empty when ready
  Time since = {};       ///< it is so
};

/// Thread-safe. `ok` costs one load.
class StoreHealth {
public:
  explicit StoreHealth(std::function<void(LogLevel, std::string_view)> log) : log_(std::move(log)) {}

  bool ok() const noexcept { return ok_; }
  StoreStatus status() const;
  /// What a request is told that needs the store: Code::unavailable and what became of it.
  Error refusal(std::string_view what_became_of_it) const;

  /// A commit, or a look whether commits can be made again, failed. The log is told once, however the reasons change.
  void failed(const Error& error);
  /// Commits are made again.
  void recovered();

private:
  const std::function<void(LogLevel, std::string_view)> log_;
  std::atomic<bool> ok_ = true;
  mutable std::mutex mutex_;
  StoreStatus status_;
  SteadyTime began_;  ///< status_.since
};

}  // namespace weir::runtime
