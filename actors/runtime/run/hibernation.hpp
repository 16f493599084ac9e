// Runs of a durable store that are not in memory: loads one when somebody asks for it, or when its time has come.
#pragma once

#include "actors/runtime/clock/timers.hpp"
#include "actors/runtime/declare/catalog.hpp"
#include "actors/runtime/live/registry.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

namespace weir::runtime {

/// Thread-safe.
class Hibernation {
public:
  Hibernation(Environment& environment, Registry& registry, const Catalog& catalog, const std::unique_ptr<caf::actor_system>& system)
      : environment_(environment), registry_(registry), catalog_(catalog), system_(system) {}
  ~Hibernation() { stop(); }
  Hibernation(const Hibernation&) = delete;
  Hibernation& operator=(const Hibernation&) = delete;

  /// As Registry::with, for runs that are not in memory too: they are loaded.
  bool with(const std::string& handler_id, const std::function<void(const Registry::Entry&)>& use);
  /// Loads an unfinished run unless it is in memory. False when its workflow is not registered, which the log is told.
  bool wake(const HandlerRow& row);

  /// A run that has left memory waits for this time: it will be woken.
  void wake_at(Time due);
  /// A run that is to go on could not be loaded: it is tried again after a while, until it can be.
  void try_again(const std::string& handler_id);
  /// Wakes those that an earlier process has left, too, when their time comes.
  void start() { wake_at(Time::min() + Duration(1)); }
  void stop();

private:
  /// With the mutex held.
  void begin_watching();
  void watch();
  void wake_those_due(Time until);
  void load_again(const std::set<std::string>& handlers);

  Environment& environment_;
  Registry& registry_;
  const Catalog& catalog_;
  const std::unique_ptr<caf::actor_system>& system_;  ///< another one when Service::configure changes its threads
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Time> next_;
  Time seen_ = Time::min();  ///< what was due until then has been woken, or was awake
  std::set<std::string> not_loaded_;
  SteadyTime load_again_at_;  ///< those
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace weir::runtime
