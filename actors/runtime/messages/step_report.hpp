// What a step's invocation tells the run.
#pragma once

#include "actors/engine/model/tick.hpp"

#include <memory>
#include <variant>

namespace weir::runtime {

struct StepReport {
  std::variant<engine::StepProgressed, engine::ValueRecorded, engine::StepEnded> report;
  std::shared_ptr<void> held = nullptr;  ///< of the run's backlog: dropped when what the report says is stored, or never will be
};

inline engine::Tick to_tick(StepReport report) {
  return std::visit([](auto& tick) -> engine::Tick { return std::move(tick); }, report.report);
}

}  // namespace weir::runtime
