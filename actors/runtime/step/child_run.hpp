// Running another workflow from a step.
#pragma once

#include "actors/runtime/declare/catalog.hpp"

#include <weir/store.hpp>

#include <functional>
#include <memory>
#include <string>

namespace weir::runtime {

struct ChildOutcome {
  HandlerStatus status = HandlerStatus::failed;
  std::string error;
  EventBox terminal;  ///< empty when the child's events are no longer kept
};

struct ChildRequest {
  WorkflowPtr workflow;
  EventBox start;
  std::string handler_id;
  std::string parent_handler_id;
  std::string attempt;  ///< of the parent's step that runs the child: the same when it is repeated after a restart, and only then
  std::function<void(EventBox)> publish;  ///< gets what the child shows, but for its end; empty: nobody wants it
  /// Calls back when more may be published. Of a child that is shown.
  std::function<void(std::function<void()>)> when_room = nullptr;
  std::function<void(ChildOutcome)> ended;
};

/// Destroying it cancels a child that still runs.
class ChildRun {
public:
  virtual ~ChildRun() = default;
};

class Service;
std::unique_ptr<ChildRun> start_child_run(Service& service, ChildRequest request);

}  // namespace weir::runtime
