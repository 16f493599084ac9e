// What the service is made of, for the files that do its work.
#pragma once

#include "actors/runtime/live/registry.hpp"
#include "actors/runtime/run/hibernation.hpp"
#include "actors/runtime/run/resumption.hpp"
#include "retention_keeper.hpp"
#include "service.hpp"
#include "service_door.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace weir::runtime {

struct Service::State {
  Environment environment;
  Registry registry;
  Catalog catalog;
  compat::Config<caf::id_block::weir_runtime> config;
  std::unique_ptr<caf::actor_system> system;
  Hibernation hibernation;
  RetentionKeeper retention;
  Resumption resumption;
  const std::shared_ptr<ServiceDoor> door;
  std::mutex stopping_mutex;  ///< of those that stop it
  Deadline deadline{};        ///< for what is asked to end
  std::atomic<bool> workflows_are_replaced = false;
  bool named = false;                               ///< the log knows what was left behind
  bool noted_at_work = false, died_before = false;  ///< in the store: this process; the one before

  void send_event(Service& service, EventRequest request, const EventReply& reply);
  void cancel(const std::string& handler_id, const std::function<void(Expected<bool>)>& reply, bool patient);

  State(Service& service, RuntimeOptions options)
      : environment(std::move(options), registry, hibernation, resumption, service), config(environment.options.actor_threads),
        system(compat::make_system(config)), hibernation(environment, registry, catalog, system), retention(environment),
        resumption(environment), door(std::make_shared<ServiceDoor>(service)) {}
};

/// Of a request that has read from the store in vain: nothing has been done about it.
inline Error unanswered(const StoreFailure& error) {
  return {Code::unavailable, "the store does not answer (" + std::string(error.what()) + "); nothing was done: try again"};
}

}  // namespace weir::runtime
