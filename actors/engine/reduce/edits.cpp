#include "edits.hpp"

#include <numeric>

namespace weir::engine {
namespace {

std::uint64_t length(const std::vector<std::uint32_t>& runs) { return std::accumulate(runs.begin(), runs.end(), std::uint64_t{0}); }

}  // namespace

void add_edits(Edits& edits, const Edits& more) {
  for (const auto& [store, runs] : more) {
    if (runs.empty()) continue;
    if (auto& known = edits[store]; length(runs) > length(known)) known = runs;
  }
}

std::vector<std::pair<InvocationId, Edits>> unknown_edits(const State& state, const std::map<std::uint64_t, Edits>& in_stores) {
  std::vector<std::pair<InvocationId, Edits>> out;
  if (in_stores.empty()) return out;
  for (StepIndex step = 0; step < state.steps.size(); ++step)
    for (const auto& [slot, running] : state.steps[step].running) {
      const auto found = in_stores.find(running.serial);
      if (found == in_stores.end()) continue;
      auto whole = running.attempt.edits;
      add_edits(whole, found->second);
      if (whole != running.attempt.edits) out.push_back({{step, slot, running.serial}, found->second});
    }
  return out;
}

void note_edits(State& state, const std::vector<std::pair<InvocationId, Edits>>& edits) {
  for (const auto& [id, more] : edits) {
    auto& running = state.steps[id.step].running;
    const auto found = running.find(id.slot);
    if (found != running.end() && found->second.serial == id.serial) add_edits(found->second.attempt.edits, more);
  }
}

}  // namespace weir::engine
