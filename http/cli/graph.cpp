// graph: a workflow's steps and events as text, DOT, Mermaid or SVG, from the server's representation (contract 4.3).
#include "remote.hpp"

#include <weir/printable.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <map>
#include <utility>
#include <vector>

namespace weir::cli {
namespace {

struct Node {
  std::string id, label, type;
  std::string input;  ///< of a step: "join", "collect", or one event
  std::int64_t take;  ///< members of a list that are enough for it; 0: all of them
};
struct Edge {
  std::string source, target, label;
  bool list;
};
struct Graph {
  std::string name;
  std::vector<Node> nodes;
  std::vector<Edge> edges;
};

const Value::Array& array_of(const Value& object, std::string_view key) {
  static const Value::Array none;
  const auto* found = object.find(key);
  return found && found->is_array() ? found->as_array() : none;
}

std::int64_t take_of(const Value& step) {
  const auto* take = step.find("take");
  return take && take->is_integer() ? take->as_integer() : 0;
}

Graph read(const Value& graph) {
  Graph out{text_of(graph, "name"), {}, {}};
  for (const auto& node : array_of(graph, "nodes"))
    out.nodes.push_back({text_of(node, "id"), text_of(node, "label"), text_of(node, "node_type"), text_of(node, "input"), take_of(node)});
  for (const auto& edge : array_of(graph, "edges")) {
    const auto* list = edge.find("list");
    const bool listed = list && list->truthy();
    const auto label = text_of(edge, "label");
    out.edges.push_back({text_of(edge, "source"), text_of(edge, "target"), label.empty() && listed ? "list" : label, listed});
  }
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

/// When each node has its first turn: what no step returns is there at 0, a step that joins waits for all that it takes.
using Turns = std::map<std::string, int>;

Turns turns(const Graph& graph) {
  std::map<std::string, std::vector<std::string>> sources;
  for (const auto& edge : graph.edges) sources[edge.target].push_back(edge.source);
  Turns out;
  for (const auto& node : graph.nodes)
    if (sources[node.id].empty()) out[node.id] = 0;
  bool more = true;
  for (int turn = 1; std::exchange(more, false); ++turn) {
    const auto before = out;
    const auto there = [&](const std::string& id) { return before.contains(id); };
    for (const auto& node : graph.nodes) {
      const auto& from = sources[node.id];
      const bool has_turn =
          node.input == "join" ? std::all_of(from.begin(), from.end(), there) : std::any_of(from.begin(), from.end(), there);
      if (!has_turn || out.contains(node.id)) continue;
      out[node.id] = turn;
      more = true;
    }
  }
  return out;
}

bool leads_to(const Graph& graph, const std::string& from, const std::string& to) {
  std::vector<std::string> reached{from};
  for (std::size_t at = 0; at < reached.size(); ++at)
    for (const auto& edge : graph.edges)
      if (edge.source == reached[at] && std::find(reached.begin(), reached.end(), edge.target) == reached.end())
        reached.push_back(edge.target);
  return std::find(reached.begin(), reached.end(), to) != reached.end();
}

/// Names the steps that take what the step returns and have had their turn before it: there the run loops.
std::string back_to(const Graph& graph, const Turns& known, const Edge& returned) {
  const auto loops = [&](const std::string& next) {
    const auto here = known.find(returned.source), there = known.find(next);
    return here != known.end() && there != known.end() && there->second <= here->second && leads_to(graph, next, returned.source);
  };
  std::string out;
  for (const auto& edge : graph.edges)
    if (edge.source == returned.target && edge.target != "external_step" && loops(edge.target))
      out += (out.empty() ? "" : ", ") + edge.target;
  return out.empty() ? "" : " (back to " + out + ")";
}

/// What the step takes: `A | B` either, `A + B` one of each, `[A]` all members of a list, `2 of [A]` so many.
std::string taken(const Graph& graph, const Node& step) {
  std::string out;
  for (const auto& edge : graph.edges)
    if (edge.target == step.id) out += (out.empty() ? "" : step.input == "join" ? " + " : " | ") + edge.source;
  if (step.input == "collect") out = (step.take > 0 ? std::to_string(step.take) + " of [" : "[") + out + "]";
  return out.empty() ? "nothing" : out;
}

std::string returned(const Graph& graph, const Turns& known, const Node& step) {
  std::string out;
  for (const auto& edge : graph.edges)
    if (edge.source == step.id && !edge.target.starts_with("resource"))
      out += (out.empty() ? "" : " | ") + (edge.list ? "[" + edge.target + "]" : edge.target) + back_to(graph, known, edge);
  return out.empty() ? "nothing" : out;
}

std::string text(const Graph& graph) {
  std::string out = graph.name + "\n";
  const auto known = turns(graph);
  for (const auto& node : graph.nodes)
    if (node.type == "step") out += "  " + node.id + ": " + taken(graph, node) + " -> " + returned(graph, known, node) + "\n";
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
