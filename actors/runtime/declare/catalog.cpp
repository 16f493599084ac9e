#include "catalog.hpp"

#include "workflow_owner.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

namespace weir {
namespace {

thread_local std::string current_owner;

}  // namespace

detail::WorkflowOwner::WorkflowOwner(std::string name) { current_owner = std::move(name); }
detail::WorkflowOwner::~WorkflowOwner() { current_owner.clear(); }
const std::string& detail::WorkflowOwner::current() { return current_owner; }

}  // namespace weir

namespace weir::runtime {

namespace {

WorkflowError registered_already(const RegisteredWorkflow& workflow) {
  const auto version = workflow.version.empty() ? "" : ", version '" + workflow.version + "',";
  return WorkflowError("workflow '" + workflow.name + "'" + version +
                       " is registered already: give this one another name or version, or set WorkflowOptions::replace");
}

}  // namespace

void Catalog::add(WorkflowPtr workflow, bool replace) {
  const std::unique_lock lock(mutex_);
  if (const auto& owner = detail::WorkflowOwner::current(); !owner.empty()) {
    const auto& known = owners_.try_emplace(workflow->name, owner).first->second;
    if (known != owner)
      throw WorkflowError("workflow '" + workflow->name + "' is in '" + known + "' and in '" + owner + "': give one of them another name");
  }
  put(workflow, replace);
}

void Catalog::put(const WorkflowPtr& workflow, bool replace) {
  const auto same_name = [&](const auto& versions) { return versions.back()->name == workflow->name; };
  const auto same_version = [&](const WorkflowPtr& other) { return other->version == workflow->version; };
  const auto known = std::find_if(workflows_.begin(), workflows_.end(), same_name);
  if (!replace && known != workflows_.end() && std::any_of(known->begin(), known->end(), same_version)) throw registered_already(*workflow);
  auto& versions = known == workflows_.end() ? workflows_.emplace_back() : *known;
  std::erase_if(versions, same_version);
  versions.push_back(workflow);
  for (const auto& [step, child] : workflow->children) put(child, true);
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
