// Whose workflows are being added: of which file, in a program that loads several.
#pragma once

#include <string>

namespace weir::detail {

/// As long as it lives, workflows that this thread adds belong to `name`: no other owner can add or replace one of their names.
class WorkflowOwner {
public:
  explicit WorkflowOwner(std::string name);
  ~WorkflowOwner();
  WorkflowOwner(const WorkflowOwner&) = delete;
  WorkflowOwner& operator=(const WorkflowOwner&) = delete;
  /// Empty: nobody's.
  static const std::string& current();
};

}  // namespace weir::detail
