// A workflow as it was registered: its plan, its object, and what may be asked about it.
#pragma once

#include "admission.hpp"

#include "actors/engine/model/plan.hpp"

#include <weir/workflow.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace weir::runtime {

/// Immutable once registered; shared by all its runs.
struct RegisteredWorkflow {
  std::string name;
  std::string version;
  const EventType* start = nullptr;
  EventRegistry registry;
  std::string schema_json, events_json, representation_json, detailed_representation_json;  ///< ready-made answers
  engine::Plan plan;
  std::shared_ptr<Workflow> flow;
  std::vector<const detail::StepSpec*> specs;  ///< parallel to plan.steps; owned by `flow`
  std::map<engine::StepIndex, std::shared_ptr<const RegisteredWorkflow>> children;
  std::shared_ptr<Admission> admission;  ///< of workflows whose concurrent runs are limited
  bool verbose = false;
  bool is_child = false;  ///< known by the name of its parent and of the step that runs it
};

using WorkflowPtr = std::shared_ptr<const RegisteredWorkflow>;

}  // namespace weir::runtime
