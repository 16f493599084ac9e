// Where event types can occur: outside of every fan-out, or inside the stream that a fan-out step opens (contract 5.10).
#pragma once

#include "actors/engine/model/plan.hpp"

#include <set>
#include <vector>

namespace weir::engine {

class StreamLevels {
public:
  using Types = std::vector<const EventType*>;

  explicit StreamLevels(const Plan& plan) : plan_(plan) {}

  Types outside();
  Types inside(StepIndex source);
  /// The collect steps that a fan-out step's stream reaches.
  std::vector<StepIndex> collectors(StepIndex source);

private:
  Types grown(Types level);

  const Plan& plan_;
  std::set<StepIndex> open_;  ///< sources being looked at: a loop must end
};

}  // namespace weir::engine
