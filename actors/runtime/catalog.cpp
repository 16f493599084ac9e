#include "catalog.hpp"

#include <algorithm>
#include <mutex>

namespace weir::runtime {
void Catalog::add(WorkflowPtr workflow) {
  for (const auto& [step, child] : workflow->children) add(child);
  const std::unique_lock lock(mutex_);
  const auto known =
      std::find_if(workflows_.begin(), workflows_.end(), [&](const auto& all) { return all.back()->name == workflow->name; });
  auto& versions = known == workflows_.end() ? workflows_.emplace_back() : *known;
  std::erase_if(versions, [&](const auto& other) { return other->version == workflow->version; });
  versions.push_back(std::move(workflow));
}

WorkflowPtr Catalog::find(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  for (const auto& versions : workflows_)
    if (versions.back()->name == name) return versions.back();
  return nullptr;
}

WorkflowPtr Catalog::find(std::string_view name, std::string_view version) const {
  const std::shared_lock lock(mutex_);
  for (const auto& versions : workflows_)
    if (versions.back()->name == name)
      for (const auto& workflow : versions)
        if (workflow->version == version) return workflow;
  return nullptr;
}

std::vector<std::string> Catalog::names() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> out;
  for (const auto& versions : workflows_)
    if (!versions.back()->is_child) out.push_back(versions.back()->name);
  return out;
}

}  // namespace weir::runtime
