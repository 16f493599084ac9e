// The registered workflows: each with its plan, its object and its ready-made introspection answers.
#pragma once

#include "actors/runtime/service.hpp"
#include "admission.hpp"

#include "actors/engine/model/plan.hpp"

#include <weir/workflow.hpp>

#include <map>
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
  std::map<engine::StepIndex, std::shared_ptr<const RegisteredWorkflow>> children;
  std::shared_ptr<Admission> admission;  ///< of workflows whose concurrent runs are limited
  bool verbose = false;
  bool is_child = false;  ///< known by the name of its parent and of the step that runs it
};

using WorkflowPtr = std::shared_ptr<const RegisteredWorkflow>;

/// Checks the workflow's graph and reads its configuration files; throws WorkflowError. Its children are prepared too.
WorkflowPtr prepare_workflow(std::string name, std::string class_name, std::shared_ptr<Workflow> flow,
                             std::vector<const EventType*> additional_events);

/// Thread-safe.
class Catalog {
public:
  /// One of another version stays for the runs it has. One of the same name and version is replaced, or else refused with
  /// WorkflowError.
  void add(WorkflowPtr workflow, bool replace);
  /// The one registered last under the name.
  WorkflowPtr find(std::string_view name) const;
  WorkflowPtr find(std::string_view name, std::string_view version) const;
  /// In order of first registration; children are not among them.
  std::vector<std::string> names() const;

private:
  /// With the mutex held.
  void put(const WorkflowPtr& workflow, bool replace);

  mutable std::shared_mutex mutex_;
  std::vector<std::vector<WorkflowPtr>> workflows_;  ///< by name; the newest version last
};

}  // namespace weir::runtime
