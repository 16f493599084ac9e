// The registered workflows: each with its plan, its object and its ready-made introspection answers.
#pragma once

#include "service.hpp"

#include "../engine/plan.hpp"

#include <weir/workflow.hpp>

#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace weir::runtime {

/// Immutable once registered; shared by all its runs.
struct RegisteredWorkflow : WorkflowInfo {
  engine::Plan plan;
  std::shared_ptr<Workflow> flow;
  std::vector<const detail::StepSpec*> specs;  ///< parallel to plan.steps; owned by `flow`
};

using WorkflowPtr = std::shared_ptr<const RegisteredWorkflow>;

/// Thread-safe.
class Catalog {
public:
  /// Checks the workflow's graph; throws WorkflowError. A name registered before is replaced in its place.
  void add(std::string name, std::string class_name, std::shared_ptr<Workflow> flow, std::vector<const EventType*> additional_events);
  WorkflowPtr find(std::string_view name) const;
  std::vector<std::string> names() const;

private:
  mutable std::shared_mutex mutex_;
  std::vector<WorkflowPtr> workflows_;
};

}  // namespace weir::runtime
