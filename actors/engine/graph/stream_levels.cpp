#include "stream_levels.hpp"

#include <algorithm>

namespace weir::engine {
namespace {

void add(StreamLevels::Types& types, const StreamLevels::Types& more) {
  for (const auto* type : more)
    if (std::find(types.begin(), types.end(), type) == types.end()) types.push_back(type);
}

}  // namespace

StreamLevels::Types StreamLevels::outside() {
  Types seeds;
  for (const auto& step : plan_.steps)
    for (const auto* type : step.accepts)
      if (type->kind == Kind::start || type->kind == Kind::human_response) add(seeds, {type});
  return grown(std::move(seeds));
}

StreamLevels::Types StreamLevels::inside(StepIndex source) { return grown(plan_.steps[source].returns_in_list); }

std::vector<StepIndex> StreamLevels::collectors(StepIndex source) {
  if (!open_.insert(source).second) return {};
  std::vector<StepIndex> out;
  const auto level = inside(source);
  for (StepIndex i = 0; i < plan_.steps.size(); ++i) {
    const auto& step = plan_.steps[i];
    if (step.input != Input::collect) continue;
    if (std::any_of(level.begin(), level.end(), [&](const auto* type) { return accepts(step, *type); })) out.push_back(i);
  }
  open_.erase(source);
  return out;
}

/// Adds what the level's events become through steps that stay on it. A nested fan-out counts as what collects it returns.
StreamLevels::Types StreamLevels::grown(Types level) {
  for (std::size_t next = 0; next < level.size(); ++next) {
    for (StepIndex i = 0; i < plan_.steps.size(); ++i) {
      const auto& step = plan_.steps[i];
      if (step.input == Input::collect || !accepts(step, *level[next])) continue;
      add(level, step.returns);
      if (const auto handler = plan_.error_handlers[i]) add(level, plan_.steps[*handler].returns);
      if (!step.fans_out()) continue;
      for (const auto collector : collectors(i)) add(level, plan_.steps[collector].returns);
    }
  }
  return level;
}

}  // namespace weir::engine
