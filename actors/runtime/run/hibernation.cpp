#include "hibernation.hpp"

#include "actors/runtime/clock/exceptions.hpp"
#include "resumption.hpp"
#include "supervisor.hpp"

#include <algorithm>

namespace weir::runtime {

bool Hibernation::with(const std::string& handler_id, const std::function<void(const Registry::Entry&)>& use) {
  while (!registry_.with(handler_id, use)) {
    if (!environment_.store->durable()) return false;
    const auto row = environment_.store->find_handler(handler_id);
    if (!row || row->terminal() || !wake(*row)) return false;
  }
  return true;
}

bool Hibernation::wake(const HandlerRow& row) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
  }
  if (environment_.resumption->held(row)) return false;
  const auto workflow = catalog_.find(row.workflow_name, row.workflow_version);
  if (!workflow) {
    const auto version = row.workflow_version.empty() ? "" : " of version '" + row.workflow_version + "'";
    if (const auto& log = environment_.options.log)
      log(LogLevel::warning, "handler " + row.handler_id + " waits for workflow '" + row.workflow_name + "'" + version +
                                 " to be registered: it was left unfinished");
    return false;
  }
  const auto run = std::make_shared<LiveRun>(environment_, workflow, row, Inheritance{{}, row.workflow_name});
  const auto supervisor = compat::spawn<Supervisor, SupervisorActor>(*system_, run);
  if (!registry_.try_add(row.handler_id, {supervisor, run}, "", [&] { compat::post(supervisor, ResumeRun()); })) compat::stop(supervisor);
  const std::lock_guard lock(mutex_);
  if (stopping_) compat::stop(supervisor);
  return true;
}

void Hibernation::wake_at(Time due) {
  const std::lock_guard lock(mutex_);
  if (due == Time::max()) return;
  seen_ = std::min(seen_, later(due, Duration(-1)));
  if (next_ && *next_ <= due) return;
  next_ = due;
  begin_watching();
}

void Hibernation::try_again(const std::string& handler_id) {
  constexpr Duration pause = std::chrono::seconds(1);
  const std::lock_guard lock(mutex_);
  if (not_loaded_.empty()) load_again_at_ = later(std::chrono::steady_clock::now(), pause);
  not_loaded_.insert(handler_id);
  begin_watching();
}

void Hibernation::begin_watching() {
  if (!thread_.joinable() && !stopping_) thread_ = std::thread([this] { watch(); });
  changed_.notify_one();
}

void Hibernation::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();  // no other begins once stopping_ is set
}

void Hibernation::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto present = now();
    if (!not_loaded_.empty() && load_again_at_ <= std::chrono::steady_clock::now()) {
      const auto handlers = std::exchange(not_loaded_, {});
      lock.unlock();
      load_again(handlers);
      lock.lock();
    } else if (next_ && *next_ <= present) {
      next_.reset();
      lock.unlock();
      wake_those_due(present);
      lock.lock();
    } else if (next_ || !not_loaded_.empty()) {
      auto until = not_loaded_.empty() ? SteadyTime::max() : load_again_at_;
      if (next_)  // by the wall clock, which may be set meanwhile
        until = std::min(until, later(std::chrono::steady_clock::now(), std::min(between(present, *next_), wall_clock_looked_at)));
      changed_.wait_until(lock, until);
    } else {
      changed_.wait(lock);
    }
  }
}

void Hibernation::load_again(const std::set<std::string>& handlers) {
  for (const auto& handler_id : handlers) {
    try {
      with(handler_id, [](const Registry::Entry&) {});
    } catch (...) { try_again(handler_id); }
  }
}

void Hibernation::wake_those_due(Time until) {
  auto& store = *environment_.store;
  Time after;
  {
    const std::lock_guard lock(mutex_);
    after = std::exchange(seen_, until);
  }
  try {
    // Those in memory have timers of their own.
    for (const auto& handler_id : store.find_wakes(after, until)) with(handler_id, [](const Registry::Entry&) {});
    if (const auto next = store.next_wake(until)) wake_at(*next);
  } catch (...) {
    const auto error = describe_current_exception();
    const std::lock_guard lock(mutex_);
    seen_ = std::min(seen_, after);
    next_ = later(until, std::chrono::seconds(1));
    if (const auto& log = environment_.options.log)
      log(LogLevel::error, "runs that are due could not be woken: " + error.exception_message);
  }
}

}  // namespace weir::runtime
