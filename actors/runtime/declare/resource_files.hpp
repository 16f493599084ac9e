// What can be said about a workflow's resources before any step asks for one.
#pragma once

#include "resource_cache.hpp"

#include "actors/engine/model/plan.hpp"

#include <vector>

namespace weir::runtime {

/// Every resource that is asked for must be declared, and none may need itself. Throws WorkflowError.
void check_resources(const Workflow::Definition& definition);

/// Reads the configuration resources that steps use into the cache, and describes all resources that steps use for the
/// graph. Throws WorkflowError "Resource config validation failed:" with every file that will not do.
std::vector<engine::ResourcePlan> load_resources(const Workflow::Definition& definition, detail::ResourceCache& cache);

/// Makes every resource that a step uses. Throws WorkflowError "Resource validation failed:" with everything that failed.
void try_resources(const Workflow& workflow);

}  // namespace weir::runtime
