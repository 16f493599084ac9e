// Is this workflow able to run? Every rule of the protocol's graph validation (contract 5.9, 5.12).
#pragma once

#include <string>
#include <vector>

namespace weir::engine {

struct Plan;

/// Also finds the plan's start and stop event types. Throws WorkflowError with the first failing group.
void check_graph(Plan& plan);

/// What may be meant, and mostly is not: a sentence each.
std::vector<std::string> hints(const Plan& plan);

/// The last group of checks: paths from the start and to an end.
void check_paths(const Plan& plan);

}  // namespace weir::engine
