// Replay equals life, as a check: a second state that is fed what a journal keeps of each tick. Wherever the two part, a
// run that is resumed would not be the run that was.
#pragma once

#include "actors/engine/reduce/reduce.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace weir::engine {

class Shadow {
public:
  explicit Shadow(const Plan& plan) : plan_(plan), state_(initial_state(plan)) {}

  /// Before the tick is reduced: it goes through text, as a journal has it.
  void feed(const Stamped& stamped);
  /// A snapshot was written: goes on from its text.
  void go_on_from(const std::string& snapshot);

  /// Which invariant the live state breaks (invariants.hpp), or how it, or the work that it implies, differs, with some text around the
  /// first place; nothing when the two are the same byte for byte in their canonical form. Of a large state (64 KiB) only when what was fed
  /// since the last comparison is a quarter of it: a fan-out of 100,000 must not cost its square.
  std::optional<std::string> difference(const State& live);

private:
  const Plan& plan_;
  State state_;
  std::size_t fed_ = 0;       ///< bytes since the last comparison
  std::size_t compared_ = 0;  ///< bytes of the state then
  std::string last_;          ///< the tick, as text
  std::optional<std::string> problem_;
};

/// The commands as text: equal texts, equal commands. Of those that pending() gives.
std::string describe(const Plan& plan, const std::vector<Command>& pending);
/// What the two texts have around their first difference; nothing when they have none.
std::optional<std::string> first_difference(const std::string& expected, const std::string& got);

}  // namespace weir::engine
