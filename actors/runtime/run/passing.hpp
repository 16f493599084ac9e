// Requests that have come to a supervisor whose run has left memory: they belong to whoever has it now.
#pragma once

#include "actors/runtime/live/live_run.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir::runtime {

/// A request on its way.
struct PassedRequest {
  std::function<void(const SupervisorActor&)> post;  ///< to the run's owner
  std::function<void()> handle;                      ///< by the supervisor that it came to: there is no owner
};

/// Passes the requests on, in order, where that may block; what is left comes back with PassedOn, also when nobody does it.
class Passing {
public:
  Passing(std::shared_ptr<LiveRun> run, SupervisorActor from, std::vector<PassedRequest> requests)
      : run_(std::move(run)), from_(std::move(from)), requests_(std::move(requests)) {}

  static void begin(const std::shared_ptr<Passing>& passing);

  /// Of those that nobody has taken.
  std::vector<PassedRequest> take_left() { return std::exchange(requests_, {}); }
  /// The handler as the store has it.
  const std::optional<HandlerRow>& row() const noexcept { return row_; }
  /// Why there is neither an owner nor a row.
  const std::string& not_known() const noexcept { return not_known_; }

private:
  void work();

  const std::shared_ptr<LiveRun> run_;
  SupervisorActor from_;
  std::vector<PassedRequest> requests_;
  std::optional<HandlerRow> row_;
  std::string not_known_ = "the server is shutting down";
};

}  // namespace weir::runtime
