#include "representation.hpp"

#include <algorithm>
#include <set>

namespace weir::engine {
namespace {

using Types = std::vector<const EventType*>;

Types returned(const StepPlan& step) {
  Types out = step.returns_in_list;
  for (const auto* type : step.returns)
    if (std::find(out.begin(), out.end(), type) == out.end()) out.push_back(type);
  return out;
}

bool produces(const StepPlan& step, const EventType& type) {
  const auto types = returned(step);
  return std::any_of(types.begin(), types.end(), [&](const auto* known) { return known->same_as(type); });
}

Value text_or_null(const std::string& text) { return text.empty() ? Value() : Value(text); }

class Graph {
public:
  explicit Graph(const Plan& plan) : plan_(plan) {
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
    if (ids_.insert(step.name).second)
      nodes_.emplace_back(
          Object{{"id", step.name}, {"label", step.name}, {"node_type", "step"}, {"description", text_or_null(step.description)}});
    for (const auto* type : step.accepts) add_event(*type);
    for (const auto* type : returned(step)) {
      add_event(*type);
      if (type->kind == Kind::input_required) add_external();
    }
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

  void add_edge(const std::string& source, const std::string& target) {
    edges_.emplace_back(Object{{"source", source}, {"target", target}, {"label", Value()}});
  }

  void add_edges(const StepPlan& step) {
    for (const auto* type : returned(step)) {
      add_edge(step.name, type->name);
      if (type->kind == Kind::input_required) add_edge(type->name, "external_step");
    }
    for (const auto* type : step.accepts) {
      add_edge(type->name, step.name);
      for (const auto* known : plan_.registry.all())
        if (known != type && accepted_as(step, *known) == type) add_edge(known->name, step.name);
      if (type->kind == Kind::human_response && ids_.count("external_step")) add_edge("external_step", type->name);
    }
  }

  const Plan& plan_;
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
    for (const auto* type : returned(step)) add(type);
  }
  for (const auto* type : plan.additional_events) schemas.push_back(type->schema());
  return to_json(Object{{"events", std::move(schemas)}});
}

std::string representation_json(const Plan& plan) { return to_json(Graph(plan).value()); }

}  // namespace weir::engine
