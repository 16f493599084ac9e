#include "store_health.hpp"

namespace weir::runtime {

StoreStatus StoreHealth::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

Error StoreHealth::refusal(std::string_view what_became_of_it) const {
  const auto now = status();
  const auto why = now.why.empty() ? std::string("it did not answer in time") : now.why;
  return {Code::unavailable, "the store takes nothing at the moment (" + why + "); " + std::string(what_became_of_it)};
}

void StoreHealth::failed(const Error& error) {
  const bool damage = error.code == Code::data_loss;
  {
    const std::lock_guard lock(mutex_);
    if (status_.kind == StoreStatus::Kind::damaged) return;
    const bool known = status_.kind == StoreStatus::Kind::failing;
    if (known) status_.why = error.message;
    if (known && !damage) return;
    if (status_.kind == StoreStatus::Kind::ready) {
      status_.since = now();
      began_ = std::chrono::steady_clock::now();
    }
    status_.kind = damage ? StoreStatus::Kind::damaged : StoreStatus::Kind::failing;
    status_.why = error.message;
    ok_ = false;
  }
  if (!log_) return;
  if (damage)
    log_(LogLevel::error, "the store is damaged: " + error.message +
                              ". Nothing more is written to it. Stop the server, look with 'weir db check', and restore a copy");
  else log_(LogLevel::error, "the store takes no commits: " + error.message + ". They are kept and tried again; runs wait where they are");
}

void StoreHealth::recovered() {
  SteadyTime began;
  {
    const std::lock_guard lock(mutex_);
    if (status_.kind != StoreStatus::Kind::failing) return;
    began = began_;
    status_ = {};
    ok_ = true;
  }
  const auto lasted = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count();
  if (log_) log_(LogLevel::info, "the store takes commits again, after " + std::to_string(lasted) + " ms");
}

}  // namespace weir::runtime
