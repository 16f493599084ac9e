// The resources of one workflow object: made when first needed, once, and then shared.
#pragma once

#include <weir/workflow.hpp>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <typeindex>
#include <vector>

namespace weir::detail {

/// Thread-safe. Threads that need a resource which another one is making wait for that one.
class ResourceCache {
public:
  using Specs = std::vector<std::unique_ptr<ResourceSpec>>;

  /// Keeps an object that exists already.
  void keep(std::type_index type, std::shared_ptr<void> object);

  /// The objects when all are there already; never blocks, never makes anything.
  std::optional<Objects> ready(const Specs& specs, const std::vector<std::type_index>& types) const;
  /// The objects, made where necessary. May block; throws what a factory throws.
  Objects resolve(const Specs& specs, const std::vector<std::type_index>& types);

private:
  using PerUse = std::map<std::type_index, std::shared_ptr<void>>;
  std::shared_ptr<void> resolve_one(const Specs& specs, std::type_index type, PerUse& made);
  std::shared_ptr<void> make(const Specs& specs, const ResourceSpec& spec, PerUse& made);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::type_index, std::shared_ptr<void>> kept_;  ///< null: being made
};

/// The last one registered for the type; nullptr when there is none.
const ResourceSpec* find_resource(const ResourceCache::Specs& specs, std::type_index type);

}  // namespace weir::detail
