#include "resumption.hpp"

#include "actors/runtime/live/live_run.hpp"
#include "hibernation.hpp"

#include <algorithm>

namespace weir::runtime {
namespace {

Error set_aside_error(const HandlerRow& row) {
  return {Code::conflict, "Handler '" + row.handler_id + "' is quarantined: the process died " + std::to_string(row.resumes) +
                              " times in a row while its run was at work, which got no further. Resume it (POST /handlers/ID/resume), or "
                              "cancel it"};
}

Error waits_error(const HandlerRow& row) {
  return {Code::unavailable, "Handler '" + row.handler_id + "' waits for its turn: the process died " + std::to_string(row.resumes) +
                                 " times in a row while its run was at work, so such runs are gone on with one by one; nothing was done: "
                                 "try again"};
}

}  // namespace

std::size_t Resumption::begin(std::vector<HandlerRow> rows, bool died) {
  const auto nothing_to_do = [this](const HandlerRow& row) {
    return held(row) || environment_.registry.with(row.handler_id, [](const Registry::Entry&) {});
  };
  std::erase_if(rows, nothing_to_do);
  const auto guilty =
      std::partition(rows.begin(), rows.end(), [&](const HandlerRow& row) { return !died || row.resumes < resumes_to_set_aside; });
  for (auto row = guilty; row != rows.end(); ++row)
    if (const auto done = set_aside(*row); !done) throw StoreFailure(done.error().code, done.error().message);
  const bool found = guilty != rows.end();
  rows.erase(guilty, rows.end());
  const auto suspected = [&](const HandlerRow& row) { return died && !found && row.resumes >= resumes_to_suspect; };
  const auto suspects = std::stable_partition(rows.begin(), rows.end(), [&](const HandlerRow& row) { return !suspected(row); });
  {
    const std::lock_guard lock(mutex_);
    died_ = died;
    found_ = found_ || found;
    suspects_.insert(suspects_.end(), suspects, rows.end());
    // The one that began last: before that, the process did not die.
    std::stable_sort(suspects_.begin(), suspects_.end(), [](const auto& a, const auto& b) { return a.started_at > b.started_at; });
    for (auto row = rows.begin(); row != suspects; ++row) under_way_.insert(row->run_id);
  }
  auto resumed = static_cast<std::size_t>(rows.end() - suspects);
  for (auto row = rows.begin(); row != suspects; ++row) {
    if (environment_.hibernation.wake(*row)) ++resumed;
    else settled(row->run_id);
  }
  go_on(std::unique_lock(mutex_));
  return resumed;
}

Expected<HandlerRow> Resumption::set_aside(HandlerRow row) {
  row.quarantined = true;
  row.updated_at = now();
  const auto done = environment_.store->commit({.run_id = row.run_id, .events = {}, .handler = row, .states = std::nullopt});
  if (!done) return done.error();
  if (const auto& log = environment_.options.log)
    log(LogLevel::error, "run " + row.run_id + " of workflow '" + row.workflow_name + "' is quarantined: the process died " +
                             std::to_string(row.resumes) +
                             " times in a row while it was at work. Look at its steps; then resume handler '" + row.handler_id +
                             "' (weir resume), or cancel it");
  return row;
}

std::int64_t Resumption::resumes_of(const HandlerRow& stored) {
  const std::lock_guard lock(mutex_);
  if (by_hand_.erase(stored.run_id) > 0) return resumes_to_set_aside;
  if (!died_) return 0;
  return found_ ? 1 : stored.resumes + 1;
}

void Resumption::settled(const std::string& run_id) {
  std::unique_lock lock(mutex_);
  if (under_way_.erase(run_id) > 0) go_on(std::move(lock));
}

void Resumption::go_on(std::unique_lock<std::mutex> lock) {
  while (!stopping_ && under_way_.empty() && !suspects_.empty()) {
    const auto row = std::move(suspects_.front());
    suspects_.pop_front();
    under_way_.insert(row.run_id);
    lock.unlock();
    const bool woken = environment_.hibernation.wake(row);
    let_go(row.handler_id);
    lock.lock();
    if (!woken) under_way_.erase(row.run_id);
  }
}

bool Resumption::others_wait() const {
  const std::lock_guard lock(mutex_);
  return !suspects_.empty();
}

bool Resumption::waits(const std::string& run_id) const {
  return std::any_of(suspects_.begin(), suspects_.end(), [&](const HandlerRow& row) { return row.run_id == run_id; });
}

std::optional<Error> Resumption::held(const HandlerRow& row) const {
  if (row.terminal()) return std::nullopt;
  if (row.quarantined) return set_aside_error(row);
  const std::lock_guard lock(mutex_);
  return waits(row.run_id) ? std::optional(waits_error(row)) : std::nullopt;
}

void Resumption::when_let_go(const HandlerRow& row, std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    const bool is_held = row.quarantined || waits(row.run_id);
    if (is_held && !stopping_) {
      waiting_.emplace(row.handler_id, std::move(callback));
      return;
    }
  }
  callback();
}

void Resumption::let_go(const std::string& handler_id) {
  std::vector<std::function<void()>> callbacks;
  {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = waiting_.equal_range(handler_id);
    for (auto at = first; at != last; ++at) callbacks.push_back(std::move(at->second));
    waiting_.erase(first, last);
  }
  for (const auto& callback : callbacks) callback();
}

Expected<HandlerRow> Resumption::resume(const std::string& handler_id) {
  const std::lock_guard deciding(deciding_);
  auto row = environment_.store->find_handler(handler_id);
  if (!row) return Error{Code::not_found, "Handler not found"};
  if (!row->quarantined) return Error{Code::conflict, "Handler '" + handler_id + "' is not quarantined"};
  row->quarantined = false;
  row->resumes = resumes_to_set_aside;  // it has one chance
  row->updated_at = now();
  const auto done = environment_.store->commit({.run_id = row->run_id, .events = {}, .handler = *row, .states = std::nullopt});
  if (!done) return done.error();
  {
    const std::lock_guard lock(mutex_);
    by_hand_.insert(row->run_id);
  }
  environment_.changes.tell(*row);
  environment_.hibernation.wake(*row);
  let_go(handler_id);
  return *row;
}

bool Resumption::end_held(const std::string& handler_id, const std::function<void(const HandlerRow&)>& end) {
  const std::lock_guard deciding(deciding_);
  const auto row = environment_.store->find_handler(handler_id);
  if (!row || row->terminal()) return false;
  {
    const std::lock_guard lock(mutex_);
    const bool waited = std::erase_if(suspects_, [&](const HandlerRow& other) { return other.run_id == row->run_id; }) > 0;
    if (!waited && !row->quarantined) return false;
  }
  end(*row);
  let_go(handler_id);
  return true;
}

void Resumption::stop() {
  std::multimap<std::string, std::function<void()>> waiting;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting.swap(waiting_);
  }
  for (const auto& [handler_id, callback] : waiting) callback();
}

}  // namespace weir::runtime
