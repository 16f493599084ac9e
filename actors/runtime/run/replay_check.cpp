#include "replay_check.hpp"

#include "actors/engine/text/state_codec.hpp"

#include <weir/assert.hpp>

#include <cstdlib>
#include <map>
#include <mutex>
#include <string_view>

namespace weir::runtime {
namespace {

/// The states of runs that hibernate, by store and run.
struct Hibernated {
  std::mutex mutex;
  std::map<std::pair<const Store*, std::string>, std::string> states;

  static Hibernated& instance() {
    static auto* const hibernated = new Hibernated;  // runs may leave while the process ends
    return *hibernated;
  }
};

}  // namespace

std::unique_ptr<ReplayCheck> ReplayCheck::if_asked(std::shared_ptr<const RunContext> run) {
  static const bool asked = [] {
    const char* value = std::getenv("WEIR_CHECK_REPLAY");
    return value && std::string_view(value) == "1";
  }();
  return asked ? std::make_unique<ReplayCheck>(std::move(run)) : nullptr;
}

ReplayCheck::ReplayCheck(std::shared_ptr<const RunContext> run) : run_(std::move(run)), shadow_(run_->workflow->plan) {}

void ReplayCheck::compare(const engine::State& live) {
  if (const auto difference = shadow_.difference(live)) fail(*difference);
}

void ReplayCheck::left(const Store& store, const engine::State& state) const {
  auto& hibernated = Hibernated::instance();
  auto text = engine::encode_state(run_->workflow->plan, state);
  const std::lock_guard lock(hibernated.mutex);
  hibernated.states[{&store, run_->row.run_id}] = std::move(text);
}

void ReplayCheck::came_back(const Store& store, const engine::State& recovered) {
  auto& hibernated = Hibernated::instance();
  const auto text = engine::encode_state(run_->workflow->plan, recovered);
  shadow_.go_on_from(text);
  std::string before;
  {
    const std::lock_guard lock(hibernated.mutex);
    const auto node = hibernated.states.extract({&store, run_->row.run_id});
    if (node.empty()) return;
    before = std::move(node.mapped());
  }
  if (const auto difference = engine::first_difference(before, text)) fail("it slept, and came back otherwise: " + *difference);
}

void ReplayCheck::fail(const std::string& what) const {
  const auto where = "replay does not equal life: run " + run_->row.run_id + " of workflow '" + run_->row.workflow_name + "': " + what;
  detail::assertion_failed("a replayed run", __FILE__, __LINE__, where.c_str());
}

}  // namespace weir::runtime
