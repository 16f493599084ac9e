// Steps with several event parameters: they start when there is an event for each (contract 5.11).
#include "reduction.hpp"

#include <algorithm>

namespace weir::engine {
namespace {

/// Events of one type are interchangeable, so a choice is a number per type: how many of its oldest are used.
class Match {
public:
  Match(const StepPlan& step, const JoinArrivals& arrivals) : step_(step), arrivals_(arrivals), used_(arrivals.size(), 0) {}

  /// Fills the slots in order, each with the oldest event that fits; goes back when a later slot finds none.
  bool fill(std::size_t slot = 0) {
    if (slot == step_.slots.size()) return true;
    for (const auto type : candidates(*step_.slots[slot])) {
      chosen_.push_back(type);
      ++used_[type];
      if (fill(slot + 1)) return true;
      --used_[type];
      chosen_.pop_back();
    }
    return false;
  }

  /// By slot, the index of the arrivals it takes its event from.
  const std::vector<std::size_t>& chosen() const { return chosen_; }

private:
  std::vector<std::size_t> candidates(const EventType& slot) const {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < arrivals_.size(); ++i) {
      const auto& [type, events] = arrivals_[i];
      const bool fits = type->same_as(slot) || (step_.accept_subclasses && type->is_a(slot));
      if (fits && used_[i] < events.size()) out.push_back(i);
    }
    std::sort(out.begin(), out.end(), [this](auto a, auto b) { return next(a).order < next(b).order; });
    return out;
  }
  const JoinArrival& next(std::size_t type) const { return arrivals_[type].second[used_[type]]; }

  const StepPlan& step_;
  const JoinArrivals& arrivals_;
  std::vector<std::size_t> used_, chosen_;
};

std::deque<JoinArrival>& of_type(JoinArrivals& arrivals, const EventType& type) {
  const auto found = std::find_if(arrivals.begin(), arrivals.end(), [&](const auto& entry) { return entry.first->same_as(type); });
  return found == arrivals.end() ? arrivals.emplace_back(&type, std::deque<JoinArrival>()).second : found->second;
}

std::vector<EventBox> take(JoinArrivals& arrivals, const std::vector<std::size_t>& chosen) {
  std::vector<EventBox> out;
  for (const auto type : chosen) {
    out.push_back(std::move(arrivals[type].second.front().event));
    arrivals[type].second.pop_front();
  }
  return out;
}

}  // namespace

void join(Reduction& r, StepIndex step, Arrival arrival, WorkItem work_item) {
  auto& arrivals = r.step(step).arrivals;
  of_type(arrivals, arrival.event.type()).push_back({work_item, arrival.event});
  Match match(r.plan.steps[step], arrivals);
  if (!match.fill()) return account(r, arrival.scope, -1);
  auto attempt = r.new_attempt();
  attempt.event = std::move(arrival.event);
  attempt.recoveries = std::move(arrival.recoveries);
  attempt.scope = std::move(arrival.scope);
  attempt.work_item = work_item;
  attempt.joined = std::make_shared<const std::vector<EventBox>>(take(arrivals, match.chosen()));
  dispatch(r, step, std::move(attempt));
}

}  // namespace weir::engine
