// What a step's invocation tells the run.
#pragma once

#include "actors/engine/model/tick.hpp"

#include <variant>

namespace weir::runtime {

struct StepReport {
  std::variant<engine::StepProgressed, engine::ValueRecorded, engine::StepEnded> report;
};

inline engine::Tick to_tick(StepReport report) {
  return std::visit([](auto& tick) -> engine::Tick { return std::move(tick); }, report.report);
}

}  // namespace weir::runtime
