#include "representation.hpp"

#include <algorithm>
#include <set>

namespace weir::engine {
namespace {

using Types = std::vector<const EventType*>;

bool produces(const StepPlan& step, const EventType& type) {
  const auto types = types_produced(step);
  return std::any_of(types.begin(), types.end(), [&](const auto* known) { return known->same_as(type); });
}

Value text_or_null(const std::string& text) { return text.empty() ? Value() : Value(text); }

/// The first 48 bits of FNV-1a: ids are opaque to clients, but must not change from build to build.
std::string short_hash(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  std::string out(12, '0');
  for (auto at = out.rbegin(); at != out.rend(); ++at, hash >>= 4) *at = "0123456789abcdef"[hash & 15];
  return out;
}

class Graph {
public:
  Graph(const Plan& plan, bool detailed) : plan_(plan), detailed_(detailed) {
    for (const auto& step : plan.steps) add_nodes(step);
    for (const auto& step : plan.steps) add_edges(step);
  }

  Value value() && {
    return Object{{"graph", Object{{"name", plan_.class_name},
                                   {"nodes", std::move(nodes_)},
                                   {"edges", std::move(edges_)},
                                   {"description", text_or_null(plan_.description)}}}};
  }

private:
  void add_nodes(const StepPlan& step) {
    if (ids_.insert(step.name).second) nodes_.emplace_back(step_node(step));
    for (const auto* type : step.accepts) add_event(*type);
    for (const auto* type : types_produced(step)) {
      add_event(*type);
      if (type->kind == Kind::input_required) add_external();
    }
    for (const auto& name : step.resources) add_resource(name);
  }

  Object step_node(const StepPlan& step) const {
    Object out{{"id", step.name}, {"label", step.name}, {"node_type", "step"}, {"description", text_or_null(step.description)}};
    if (!detailed_ || step.input == Input::single) return out;
    out.set("input", step.input == Input::join ? "join" : "collect");
    if (step.take > 0) out.set("take", step.take);
    return out;
  }

  const ResourcePlan& resource(const std::string& name) const {
    return *std::find_if(plan_.resources.begin(), plan_.resources.end(), [&](const auto& known) { return known.name == name; });
  }
  static std::string node_id(const ResourcePlan& resource) {
    if (const auto& config = resource.config) return "resource_config_" + short_hash(config->file + ":" + config->path);
    return "resource_" + short_hash(resource.name + ":" + resource.source_file);
  }

  /// Behind a resource come those that its factory takes.
  void add_resource(const std::string& name) {
    const auto& known = resource(name);
    const auto id = node_id(known);
    if (!ids_.insert(id).second) return;
    nodes_.emplace_back(known.config ? config_node(known, id) : factory_node(known, id));
    for (const auto& need : known.needs) {
      add_resource(need);
      add_edge(id, node_id(resource(need)), need);
    }
  }

  static Object factory_node(const ResourcePlan& resource, const std::string& id) {
    return {{"id", id},
            {"label", resource.type_name},
            {"node_type", "resource"},
            {"type_name", resource.type_name},
            {"getter_name", resource.name},
            {"source_file", resource.source_file},
            {"source_line", resource.source_line},
            {"description", text_or_null(resource.description)}};
  }
  static Object config_node(const ResourcePlan& resource, const std::string& id) {
    const auto& config = *resource.config;
    return {{"id", id},
            {"label", config.label.empty() ? resource.type_name : config.label},
            {"node_type", "resource_config"},
            {"type_name", resource.type_name},
            {"config_file", config.file},
            {"path_selector", text_or_null(config.path)},
            {"config_schema", config.schema},
            {"config_value", config.value},
            {"description", text_or_null(resource.description)}};
  }

  void add_event(const EventType& type) {
    if (!ids_.insert(type.name).second) return;
    Value::Array types, producers;
    for (const auto* ancestor = &type; ancestor; ancestor = ancestor->parent) types.emplace_back(ancestor->name);
    for (const auto& step : plan_.steps)
      if (produces(step, type)) producers.emplace_back(step.name);
    nodes_.emplace_back(Object{{"id", type.name},
                               {"label", type.name},
                               {"node_type", "event"},
                               {"event_type", type.name},
                               {"event_types", std::move(types)},
                               {"event_schema", type.schema()},
                               {"produced_by", std::move(producers)}});
  }

  void add_external() {
    if (ids_.insert("external_step").second)
      nodes_.emplace_back(Object{{"id", "external_step"}, {"label", "external_step"}, {"node_type", "external"}});
  }

  void add_edge(const std::string& source, const std::string& target, const std::string& label = {}) {
    edges_.emplace_back(Object{{"source", source}, {"target", target}, {"label", text_or_null(label)}});
  }

  void add_edges(const StepPlan& step) {
    for (const auto* type : types_produced(step)) {
      add_edge(step.name, type->name);
      const auto& lists = step.returns_in_list;
      if (detailed_ && std::find(lists.begin(), lists.end(), type) != lists.end()) edges_.back().as_object().set("list", true);
      if (type->kind == Kind::input_required) add_edge(type->name, "external_step");
    }
    for (const auto* type : step.accepts) {
      add_edge(type->name, step.name);
      for (const auto* known : plan_.registry.all())
        if (known != type && accepted_as(step, *known) == type) add_edge(known->name, step.name);
      if (type->kind == Kind::human_response && ids_.count("external_step")) add_edge("external_step", type->name);
    }
    for (const auto& name : step.resources) add_edge(step.name, node_id(resource(name)), name);
  }

  const Plan& plan_;
  const bool detailed_;
  std::set<std::string> ids_;
  Value::Array nodes_, edges_;
};

}  // namespace

std::string schema_json(const Plan& plan) { return to_json(Object{{"start", plan.start->schema()}, {"stop", plan.stop->schema()}}); }

std::string events_json(const Plan& plan) {
  Value::Array schemas;
  Types seen;
  const auto add = [&](const EventType* type) {
    if (std::find(seen.begin(), seen.end(), type) != seen.end()) return;
    seen.push_back(type);
    schemas.push_back(type->schema());
  };
  for (const auto& step : plan.steps) {
    std::for_each(step.accepts.begin(), step.accepts.end(), add);
    for (const auto* type : types_produced(step)) add(type);
  }
  for (const auto* type : plan.additional_events) schemas.push_back(type->schema());
  for (const auto& mailbox : plan.mailboxes)
    if (const auto& others = plan.additional_events; std::find(others.begin(), others.end(), mailbox.type) == others.end())
      add(mailbox.type);
  return to_json(Object{{"events", std::move(schemas)}});
}

std::string representation_json(const Plan& plan) { return to_json(Graph(plan, false).value()); }
std::string detailed_representation_json(const Plan& plan) { return to_json(Graph(plan, true).value()); }

}  // namespace weir::engine
