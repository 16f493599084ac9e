#include "drawing.hpp"

#include "actors/values/json_access.hpp"
#include "representation.hpp"

#include <algorithm>

namespace weir::engine {
namespace {

/// One node or edge of the representation that clients get, so that drawings cannot differ from it.
struct Node {
  std::string id, label, kind;
};
struct Edge {
  std::string source, target, label;
};

std::string text_member(const Value& object, std::string_view key) { return text_of(member(object, key)); }

struct Drawing {
  std::vector<Node> nodes;
  std::vector<Edge> edges;
  const Visits& visits;

  Drawing(const Plan& plan, const Visits& seen) : visits(seen) {
    const auto parsed = *parse_json(representation_json(plan));
    const auto& graph = *parsed.find("graph");
    for (const auto& node : graph.find("nodes")->as_array())
      nodes.push_back({text_member(node, "id"), label(node), text_member(node, "node_type")});
    for (const auto& edge : graph.find("edges")->as_array())
      edges.push_back({text_member(edge, "source"), text_member(edge, "target"), text_member(edge, "label")});
  }

  bool faint(const Node& node) const { return !visits.empty() && node.kind == "step" && !visits.contains(node.id); }
  /// Names may hold anything; drawings call their nodes n0, n1, ...
  std::string name(const std::string& id) const {
    const auto found = std::find_if(nodes.begin(), nodes.end(), [&](const auto& node) { return node.id == id; });
    return "n" + std::to_string(found - nodes.begin());
  }

private:
  std::string label(const Value& node) const {
    auto text = text_member(node, "node_type") == "external" ? "person" : text_member(node, "label");
    if (const auto found = visits.find(text_member(node, "id")); found != visits.end()) text += " x" + std::to_string(found->second);
    return text;
  }
};

std::string quoted(const std::string& text, std::string_view quote_escape) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += quote_escape;
    else out += c == '\n' ? ' ' : c;
  }
  return out + "\"";
}

std::string mermaid_shape(const Node& node) {
  const auto text = quoted(node.label, "#quot;");
  if (node.kind == "event") return "(" + text + ")";
  if (node.kind == "external") return "((" + text + "))";
  if (node.kind == "resource" || node.kind == "resource_config") return "[(" + text + ")]";
  return "[" + text + "]";
}

std::string_view dot_shape(const Node& node) {
  if (node.kind == "event") return "ellipse";
  if (node.kind == "external") return "doublecircle";
  if (node.kind == "resource" || node.kind == "resource_config") return "cylinder";
  return "box";
}

}  // namespace

std::string mermaid(const Plan& plan, const Visits& visits) {
  const Drawing drawing(plan, visits);
  std::string out = "flowchart TD\n";
  for (const auto& node : drawing.nodes) {
    out += "  " + drawing.name(node.id) + mermaid_shape(node) + "\n";
    if (drawing.faint(node)) out += "  style " + drawing.name(node.id) + " opacity:0.4\n";
  }
  for (const auto& edge : drawing.edges)
    out += "  " + drawing.name(edge.source) + " -->" + (edge.label.empty() ? "" : "|" + quoted(edge.label, "#quot;") + "|") + " " +
           drawing.name(edge.target) + "\n";
  return out;
}

std::string dot(const Plan& plan, const Visits& visits) {
  const Drawing drawing(plan, visits);
  std::string out = "digraph " + quoted(plan.class_name, "\\\"") + " {\n";
  for (const auto& node : drawing.nodes)
    out += "  " + drawing.name(node.id) + " [label=" + quoted(node.label, "\\\"") + ", shape=" + std::string(dot_shape(node)) +
           (drawing.faint(node) ? ", color=gray, fontcolor=gray" : "") + "];\n";
  for (const auto& edge : drawing.edges)
    out += "  " + drawing.name(edge.source) + " -> " + drawing.name(edge.target) +
           (edge.label.empty() ? "" : " [label=" + quoted(edge.label, "\\\"") + "]") + ";\n";
  return out + "}\n";
}

}  // namespace weir::engine
