#include "passing.hpp"

#include "actors/runtime/clock/exceptions.hpp"
#include "hibernation.hpp"

namespace weir::runtime {

void Passing::begin(const std::shared_ptr<Passing>& passing) {
  // Told of the end by what the job holds, so that a job that is dropped tells it, too.
  const std::shared_ptr<void> told(nullptr, [passing](void*) { compat::post(passing->from_, PassedOn{passing}); });
  passing->run_->environment.store_jobs.submit([passing, told] { passing->work(); });
}

void Passing::work() {
  not_known_.clear();
  auto& environment = run_->environment;
  const auto& handler_id = run_->row.handler_id;
  try {
    const auto give = [this](const Registry::Entry& entry) {
      for (const auto& request : requests_) request.post(entry.supervisor);
    };
    if (environment.hibernation.with(handler_id, give)) requests_.clear();
    else row_ = environment.store->find_handler(handler_id);
  } catch (...) { not_known_ = describe_current_exception().exception_message; }
}

}  // namespace weir::runtime
