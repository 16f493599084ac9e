// The user code that runs at this moment, so that who does not end can be named.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace weir::runtime {

/// Thread-safe.
class BodiesAtWork {
public:
  /// The texts live until ended(), and do not change.
  void begun(const void* body, const std::string& step, const std::string& run_id, const std::string& workflow) {
    const std::lock_guard lock(mutex_);
    bodies_.emplace(body, Body{&step, &run_id, &workflow});
  }
  void ended(const void* body) {
    const std::lock_guard lock(mutex_);
    bodies_.erase(bodies_.find(body));
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    const std::lock_guard lock(mutex_);
    for (const auto& [body, about] : bodies_)
      out.push_back("step '" + *about.step + "' of run " + *about.run_id + " of workflow '" + *about.workflow + "'");
    return out;
  }

private:
  struct Body {
    const std::string *step, *run_id, *workflow;
  };
  mutable std::mutex mutex_;
  std::multimap<const void*, Body> bodies_;
};

}  // namespace weir::runtime
