// What a step's body could not be called with. Contexts come from outside: what they say is work for a step may be none.
#pragma once

#include "actors/engine/model/state.hpp"

#include <string>
#include <vector>

namespace weir::engine {

inline std::string not_taken_by(const StepPlan& step, const EventType& type) {
  return "event: step '" + step.name + "' does not take " + type.name;
}

/// Of the members of a batch. Empty: nothing is wrong.
inline std::string problem_with(const StepPlan& step, const std::vector<EventBox>& events) {
  for (const auto& event : events)
    if (!accepts(step, event.type())) return not_taken_by(step, event.type());
  return {};
}

/// Of a join's events, one for each parameter.
inline std::string problem_with_joined(const StepPlan& step, const std::vector<EventBox>& events) {
  if (events.size() != step.slots.size())
    return "bound_events: step '" + step.name + "' joins " + std::to_string(step.slots.size()) + " events, and there are " +
           std::to_string(events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto& type = events[i].type();
    if (!type.same_as(*step.slots[i]) && !(step.accept_subclasses && type.is_a(*step.slots[i]))) return not_taken_by(step, type);
  }
  return {};
}

inline std::string problem_with(const Plan& plan, StepIndex index, const Attempt& attempt) {
  const auto& step = plan.steps[index];
  if (step.input == Input::join) return problem_with_joined(step, attempt.joined ? *attempt.joined : std::vector<EventBox>());
  if (step.input == Input::single) return problem_with(step, std::vector{attempt.event});
  if (!attempt.release || attempt.release->target != index || !attempt.event.as<CollectionReleaseEvent>())
    return "collection_release_payload: step '" + step.name + "' collects, and there is nothing for it";
  return problem_with(step, attempt.release->events);
}

}  // namespace weir::engine
