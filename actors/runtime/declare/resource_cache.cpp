#include "resource_cache.hpp"

#include <algorithm>

namespace weir::detail {

std::shared_ptr<ResourceCache> make_resource_cache() { return std::make_shared<ResourceCache>(); }

const ResourceSpec* find_resource(const ResourceCache::Specs& specs, std::type_index type) {
  const auto found = std::find_if(specs.rbegin(), specs.rend(), [&](const auto& spec) { return spec->type == type; });
  return found == specs.rend() ? nullptr : found->get();
}

void ResourceCache::keep(std::type_index type, std::shared_ptr<void> object) {
  const std::lock_guard lock(mutex_);
  kept_[type] = std::move(object);
}

std::optional<Objects> ResourceCache::ready(const Specs& specs, const std::vector<std::type_index>& types) const {
  Objects out;
  const std::lock_guard lock(mutex_);
  for (const auto type : types) {
    const auto found = kept_.find(type);
    if (find_resource(specs, type)->per_use || found == kept_.end() || !found->second) return std::nullopt;
    out.push_back(found->second);
  }
  return out;
}

Objects ResourceCache::resolve(const Specs& specs, const std::vector<std::type_index>& types) {
  PerUse made;
  Objects out;
  for (const auto type : types) out.push_back(resolve_one(specs, type, made));
  return out;
}

std::shared_ptr<void> ResourceCache::resolve_one(const Specs& specs, std::type_index type, PerUse& made) {
  const auto& spec = *find_resource(specs, type);
  if (spec.per_use) {
    auto& object = made[type];
    if (!object) object = make(specs, spec, made);
    return object;
  }
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !kept_.contains(type) || kept_[type]; });
  if (const auto found = kept_.find(type); found != kept_.end()) return found->second;
  kept_[type] = nullptr;
  lock.unlock();
  std::shared_ptr<void> object;
  try {
    object = make(specs, spec, made);
  } catch (...) {  // not to keep it: to let the next one try
    lock.lock();
    kept_.erase(type);
    changed_.notify_all();
    throw;
  }
  lock.lock();
  kept_[type] = object;
  changed_.notify_all();
  return object;
}

std::shared_ptr<void> ResourceCache::make(const Specs& specs, const ResourceSpec& spec, PerUse& made) {
  Objects needs;
  for (const auto type : spec.needs) needs.push_back(resolve_one(specs, type, made));
  return spec.make(needs);
}

}  // namespace weir::detail
