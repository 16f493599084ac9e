// The registered workflows, by name and version.
#pragma once

#include "registered_workflow.hpp"

#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace weir::runtime {

/// Checks the workflow's graph and reads its configuration files; throws WorkflowError. Its children are prepared too.
WorkflowPtr prepare_workflow(std::string name, std::string class_name, std::shared_ptr<Workflow> flow,
                             std::vector<const EventType*> additional_events);

/// Thread-safe.
class Catalog {
public:
  /// One of another version stays for the runs it has. One of the same name and version is replaced, or else refused with
  /// WorkflowError; so is one of another owner's name (workflow_owner.hpp).
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
  std::map<std::string, std::string> owners_;        ///< by name of the workflow
  std::vector<std::vector<WorkflowPtr>> workflows_;  ///< by name; the newest version last
};

}  // namespace weir::runtime
