#include "retention_keeper.hpp"

#include <algorithm>

namespace weir::runtime {

void RetentionKeeper::start() {
  if (started_ || (!environment_.options.retention.any() && !environment_.store->durable())) return;
  started_ = true;
  schedule(interval());
}

void RetentionKeeper::schedule(Duration in) {
  environment_.timers.after(in, [this] { environment_.pool.submit([this] { work(); }); });
}

/// One small transaction: runs that commit get their turn before the next.
void RetentionKeeper::work() {
  if (!environment_.store_takes()) return schedule(interval());
  constexpr std::size_t handlers_at_once = 50;
  const auto gone = environment_.store->expire(environment_.options.retention, now(), handlers_at_once);
  const auto left = gone ? environment_.store->compact() : Expected<bool>(false);
  const bool more = gone && left && (*gone > 0 || *left);
  const auto* error = !gone ? &gone.error() : !left ? &left.error() : nullptr;
  const bool told = error && error->code == Code::unavailable;  // by the store itself, once
  if (const auto& log = environment_.options.log; log && error && !told)
    log(LogLevel::error, "old runs could not be purged: " + error->message);
  schedule(more ? Duration(std::chrono::milliseconds(5)) : interval());
}

/// A tenth of the shortest time that something is kept.
Duration RetentionKeeper::interval() const {
  constexpr Duration shortest = std::chrono::milliseconds(100), longest = std::chrono::minutes(1);
  auto out = longest;
  const auto& retention = environment_.options.retention;
  for (const auto& kept : {retention.completed, retention.failed, retention.cancelled})
    if (kept) out = std::min(out, *kept / 10);
  return std::max(out, shortest);
}

}  // namespace weir::runtime
