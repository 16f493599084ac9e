// Fan-out streams: opened by a returned list, counted, closed when no work is left inside (contract 5.10).
#include "reduction.hpp"

#include <algorithm>

namespace weir::engine {
namespace {

bool is_bound(const Plan& plan, StepIndex source, StepIndex target) {
  return std::any_of(plan.bindings.begin(), plan.bindings.end(),
                     [&](const Binding& binding) { return binding.source == source && binding.target == target; });
}

bool is_released(const Stream& stream, StepIndex target) {
  return std::find(stream.released.begin(), stream.released.end(), target) != stream.released.end();
}

void release(Reduction& r, StreamId id, Stream& stream, StepIndex target) {
  stream.released.push_back(target);
  auto attempt = r.new_attempt();
  attempt.scope = stream.scope->outer;
  attempt.work_item = ++r.state.work_item_last;
  attempt.release = std::make_shared<const Release>(Release{target, id, std::move(stream.arrivals[target])});
  CollectionReleaseEvent trigger;
  trigger.stream_id = "stream-" + std::to_string(id);
  trigger.binding_id = binding_id(r.plan, stream.source, target);
  attempt.event = EventBox(std::move(trigger));
  dispatch(r, target, std::move(attempt));
}

void close_if_done(Reduction& r, StreamId id) {
  const auto found = r.state.streams.find(id);
  if (found == r.state.streams.end() || found->second.open_work_items > 0) return;
  auto stream = std::move(found->second);
  r.state.streams.erase(found);
  for (const auto& binding : r.plan.bindings)
    if (binding.source == stream.source && !is_released(stream, binding.target)) release(r, id, stream, binding.target);
}

}  // namespace

ScopePtr open_stream(Reduction& r, StepIndex source, const ScopePtr& outer, const std::vector<EventBox>& members) {
  const auto id = ++r.state.stream_last;
  auto scope = std::make_shared<const Scope>(Scope{id, outer});
  Stream stream{.source = source, .scope = scope, .open_work_items = 0, .arrivals = {}, .released = {}};
  for (const auto& member : members) stream.open_work_items += static_cast<std::int64_t>(accepting(r.plan, member.type()).size());
  r.state.streams.emplace(id, std::move(stream));
  if (members.empty() || r.state.streams.at(id).open_work_items == 0) close_if_done(r, id);
  return scope;
}

void account(Reduction& r, const ScopePtr& scope, std::int64_t change) {
  if (!scope) return;
  const auto found = r.state.streams.find(scope->stream);
  if (found == r.state.streams.end()) return;
  found->second.open_work_items += change;
  close_if_done(r, scope->stream);
}

bool collect_member(Reduction& r, StepIndex target, const Arrival& arrival) {
  const auto found = r.state.streams.find(arrival.scope->stream);
  if (found == r.state.streams.end()) return false;
  auto& stream = found->second;
  const bool bound = is_bound(r.plan, stream.source, target);
  if (bound && !is_released(stream, target)) {
    auto& members = stream.arrivals[target];
    members.push_back(arrival.event);
    if (members.size() == r.plan.steps[target].take) release(r, arrival.scope->stream, stream, target);
  }
  account(r, arrival.scope, -1);
  return bound;
}

std::optional<std::string> stuck_streams(const Reduction& r) {
  std::string text;
  for (const auto& [id, stream] : r.state.streams) {
    if (waits_in_stream(r.state, id)) return std::nullopt;
    text += (text.empty() ? " stream '" : "; stream '") + ("stream-" + std::to_string(id)) + "' opened by step '" +
            r.plan.steps[stream.source].name + "' with " + std::to_string(stream.open_work_items) + " open work item(s)";
  }
  if (text.empty()) return std::nullopt;
  return "Workflow is idle but collection streams are still open, so the run can never complete:" + text + ".";
}

}  // namespace weir::engine
