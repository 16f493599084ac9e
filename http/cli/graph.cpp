// graph: a workflow's steps and events as text, DOT, Mermaid or SVG, from the server's representation (contract 4.3).
#include "remote.hpp"

#include <weir/printable.hpp>

#include <csignal>
#include <cstdio>
#include <iostream>
#include <map>

namespace weir::cli {
namespace {

struct Node {
  std::string id, label, type;
};
struct Edge {
  std::string source, target, label;
};
struct Graph {
  std::string name;
  std::vector<Node> nodes;
  std::vector<Edge> edges;
};

std::string text_of(const Value& object, std::string_view key) {
  const auto* found = object.find(key);
  return found && found->is_string() ? found->as_string() : std::string();
}

const Value::Array& array_of(const Value& object, std::string_view key) {
  static const Value::Array none;
  const auto* found = object.find(key);
  return found && found->is_array() ? found->as_array() : none;
}

Graph read(const Value& graph) {
  Graph out{text_of(graph, "name"), {}, {}};
  for (const auto& node : array_of(graph, "nodes"))
    out.nodes.push_back({text_of(node, "id"), text_of(node, "label"), text_of(node, "node_type")});
  for (const auto& edge : array_of(graph, "edges"))
    out.edges.push_back({text_of(edge, "source"), text_of(edge, "target"), text_of(edge, "label")});
  return out;
}

std::string quoted(const std::string& text) { return to_json(text); }

std::string dot(const Graph& graph) {
  std::string out = "digraph " + quoted(graph.name) + " {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n";
  for (const auto& node : graph.nodes) {
    const char* shape = node.type == "step" ? "box, style=rounded" : node.type == "event" ? "ellipse" : "box, style=dashed";
    out += "  " + quoted(node.id) + " [label=" + quoted(node.label) + ", shape=" + shape + "];\n";
  }
  for (const auto& edge : graph.edges)
    out += "  " + quoted(edge.source) + " -> " + quoted(edge.target) + (edge.label.empty() ? "" : " [label=" + quoted(edge.label) + "]") +
           ";\n";
  return out + "}\n";
}

std::string mermaid(const Graph& graph) {
  std::string out = "flowchart LR\n";
  std::map<std::string, std::string> names;
  for (const auto& node : graph.nodes) {
    const auto name = names[node.id] = "n" + std::to_string(names.size());
    const auto label = quoted(node.label);
    out += "  " + name +
           (node.type == "step"    ? "[" + label + "]"
            : node.type == "event" ? "([" + label + "])"
                                   : "[/" + label + "/]") +
           "\n";
  }
  for (const auto& edge : graph.edges)
    out +=
        "  " + names[edge.source] + " -->" + (edge.label.empty() ? "" : "|" + quoted(edge.label) + "|") + " " + names[edge.target] + "\n";
  return out;
}

std::string joined(const Graph& graph, const std::string& step, bool accepted) {
  std::string out;
  for (const auto& edge : graph.edges) {
    const auto& here = accepted ? edge.target : edge.source;
    const auto& other = accepted ? edge.source : edge.target;
    if (here == step && !other.starts_with("resource")) out += (out.empty() ? "" : " | ") + other;
  }
  return out.empty() ? "nothing" : out;
}

std::string text(const Graph& graph) {
  std::string out = graph.name + "\n";
  for (const auto& node : graph.nodes)
    if (node.type == "step") out += "  " + node.id + ": " + joined(graph, node.id, true) + " -> " + joined(graph, node.id, false) + "\n";
  return out;
}

/// Graphviz draws.
int svg(const Graph& graph) {
  std::signal(SIGPIPE, SIG_IGN);  // a renderer that is not there reads nothing
  auto* renderer = ::popen("dot -Tsvg", "w");
  const auto source = dot(graph);
  if (!renderer || std::fwrite(source.data(), 1, source.size(), renderer) != source.size() || ::pclose(renderer) != 0)
    throw std::runtime_error("SVG is drawn by Graphviz: install it (the program is called dot), or ask for --format mermaid");
  return exit_code::done;
}

}  // namespace

void add_graph(CLI::App& app, Chosen& chosen) {
  const auto remote = std::make_shared<Remote>();
  const auto workflow = std::make_shared<std::string>();
  const auto format = std::make_shared<std::string>("text");
  auto* verb = add_remote_verb(app, chosen, "graph", "Draws a workflow", remote, [remote, workflow, format] {
    const auto representation = value_of(remote->client().graph(*workflow).get());
    if (remote->json) {
      print_line(to_json(representation));
      return exit_code::done;
    }
    const auto graph = read(representation);
    if (*format == "svg") return svg(graph);
    std::cout << printable_lines(*format == "dot" ? dot(graph) : *format == "mermaid" ? mermaid(graph) : text(graph));
    return exit_code::done;
  });
  verb->add_option("WORKFLOW", *workflow, "Its name")->required();
  verb->add_option("-f,--format", *format, "text, dot, mermaid or svg")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "dot", "mermaid", "svg"}));
}

}  // namespace weir::cli
