// Replay equals life, checked while runs run: with WEIR_CHECK_REPLAY=1 in the environment every run has a shadow that is fed
// what is journaled, and the process aborts where the two part. For tests: it costs more than the runs themselves.
#pragma once

#include "actors/runtime/live/run_context.hpp"

#include "actors/engine/text/shadow.hpp"

#include <memory>
#include <string>

namespace weir::runtime {

/// Used where the run's state is changed.
class ReplayCheck {
public:
  /// Nothing unless the environment asks for it; it is looked at once per process.
  static std::unique_ptr<ReplayCheck> if_asked(std::shared_ptr<const RunContext> run);

  explicit ReplayCheck(std::shared_ptr<const RunContext> run);

  /// Before the tick is reduced.
  void feed(const engine::Stamped& stamped) { shadow_.feed(stamped); }
  void snapshot_taken(const std::string& text) { shadow_.go_on_from(text); }
  /// With each commit.
  void compare(const engine::State& live);

  /// The run leaves memory, and is as it was when it comes back into it.
  void left(const Store& store, const engine::State& state) const;
  void came_back(const Store& store, const engine::State& recovered);

private:
  [[noreturn]] void fail(const std::string& what) const;

  std::shared_ptr<const RunContext> run_;
  engine::Shadow shadow_;
};

}  // namespace weir::runtime
