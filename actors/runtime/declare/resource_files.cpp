#include "resource_files.hpp"

#include "actors/runtime/clock/exceptions.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

namespace weir::runtime {
namespace {

using detail::find_resource;
using detail::ResourceSpec;
using Path = std::vector<const ResourceSpec*>;

std::string joined(const Path& path, const ResourceSpec* last = nullptr) {
  std::string out;
  for (const auto* spec : path) out += (out.empty() ? "" : " -> ") + spec->name;
  return last ? out + " -> " + last->name : out;
}

const ResourceSpec& declared(const Workflow::Definition& definition, std::type_index type, const std::string& who) {
  if (const auto* spec = find_resource(definition.resources, type)) return *spec;
  throw WorkflowError(who + " needs a resource that is not declared: add resource<T>(factory) for " + demangled(type.name()) +
                      " to the workflow's constructor.");
}

void check_from(const Workflow::Definition& definition, const ResourceSpec& spec, Path& path) {
  const auto begin = std::find(path.begin(), path.end(), &spec);
  if (begin != path.end()) throw WorkflowError("Circular resource dependency detected: " + joined({begin, path.end()}, &spec));
  path.push_back(&spec);
  for (const auto type : spec.needs) check_from(definition, declared(definition, type, "Resource '" + spec.name + "'"), path);
  path.pop_back();
}

void for_each_step(const Workflow::Definition& definition, const std::function<void(const detail::StepSpec&)>& visit) {
  for (const auto& step : definition.steps) visit(*step);
  for (const auto& step : definition.function_steps) visit(*step);
}

/// Visits a resource and then what its factory needs, with the way that led there.
void visit_tree(const Workflow::Definition& definition, const ResourceSpec& spec, Path& path,
                const std::function<void(const ResourceSpec&, const Path&)>& visit) {
  path.push_back(&spec);
  visit(spec, path);
  for (const auto type : spec.needs) visit_tree(definition, *find_resource(definition.resources, type), path, visit);
  path.pop_back();
}

using StepVisit = std::function<void(const detail::StepSpec& step, const ResourceSpec& spec, const Path& path)>;
void for_each_use(const Workflow::Definition& definition, const StepVisit& visit) {
  for_each_step(definition, [&](const detail::StepSpec& step) {
    for (const auto type : step.resources) {
      Path path;
      visit_tree(definition, *find_resource(definition.resources, type), path,
                 [&](const ResourceSpec& spec, const Path& way) { visit(step, spec, way); });
    }
  });
}

std::string line(const detail::StepSpec& step, const Path& path, const std::string& problem) {
  auto out = "\n  - In step '" + step.name + "', parameter '" + path.front()->name + "'";
  if (path.size() > 1) out += " (" + joined(path) + ")";
  return out + ": " + problem;
}

Error refuse(std::string message) { return {Code::invalid_argument, std::move(message)}; }

Expected<Value> read_config(const ResourceSpec::Config& config) {
  if (!config.file.ends_with(".json")) return refuse("Only JSON files can be used to load Pydantic-based resources.");
  std::ifstream file(config.file, std::ios::binary);
  if (!file) return refuse("No such file: " + config.file);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  auto parsed = parse_json(text);
  if (!parsed) return refuse(config.file + ": " + parsed.error().message);
  const Value* at = &*parsed;
  std::string_view rest = config.options.path;
  while (at && !rest.empty()) {
    const auto dot = rest.find('.');
    at = at->find(rest.substr(0, dot));
    rest = dot == rest.npos ? std::string_view{} : rest.substr(dot + 1);
  }
  const Value found = at ? *at : Value();
  if (!found.is_object())
    return refuse("Expected dictionary for configuration from " + config.file +
                  (config.options.path.empty() ? "" : " at path " + config.options.path) + ", got: " + python_repr(found));
  return found;
}

engine::ResourcePlan describe(const Workflow::Definition& definition, const ResourceSpec& spec) {
  engine::ResourcePlan out;
  out.name = spec.name;
  out.type_name = spec.type_name;
  out.source_file = spec.where.file_name();
  out.source_line = spec.where.line();
  out.description = spec.description;
  for (const auto type : spec.needs) out.needs.push_back(find_resource(definition.resources, type)->name);
  return out;
}

}  // namespace

void check_resources(const Workflow::Definition& definition) {
  for (const auto& spec : definition.resources) {
    Path path;
    check_from(definition, *find_resource(definition.resources, spec->type), path);
  }
  for_each_step(definition, [&](const detail::StepSpec& step) {
    for (const auto type : step.resources) declared(definition, type, "Step '" + step.name + "'");
  });
}

std::vector<engine::ResourcePlan> load_resources(const Workflow::Definition& definition, detail::ResourceCache& cache) {
  std::vector<engine::ResourcePlan> out;
  std::string problems;
  for_each_use(definition, [&](const detail::StepSpec& step, const ResourceSpec& spec, const Path& path) {
    if (std::any_of(out.begin(), out.end(), [&](const auto& known) { return known.name == spec.name; })) return;
    auto plan = describe(definition, spec);
    if (spec.config) {
      auto value = read_config(*spec.config);
      auto object = value ? spec.config->decode(*value) : Expected<std::shared_ptr<void>>(value.error());
      if (!object) {
        problems += line(step, path, object.error().message);
        return;
      }
      cache.keep(spec.type, std::move(*object));
      plan.config = {std::filesystem::absolute(spec.config->file).string(), spec.config->options.path, spec.config->options.label,
                     spec.config->schema(), std::move(*value)};
    }
    out.push_back(std::move(plan));
  });
  if (!problems.empty()) throw WorkflowError("Resource config validation failed:" + problems);
  return out;
}

void try_resources(const Workflow& workflow) {
  std::string problems;
  for_each_use(workflow.definition(), [&](const detail::StepSpec& step, const ResourceSpec& spec, const Path& path) {
    try {
      (void)workflow.resource_cache()->resolve(workflow.definition().resources, {spec.type});
    } catch (...) { problems += line(step, path, describe_current_exception().exception_message); }
  });
  if (!problems.empty()) throw WorkflowError("Resource validation failed:" + problems);
}

}  // namespace weir::runtime
