// A workflow's graph, or one run of it, as text for Mermaid and Graphviz.
#pragma once

#include "actors/engine/model/plan.hpp"

#include <map>
#include <string>

namespace weir::engine {

/// How often each step ran; steps that never did are drawn faintly. Empty: the graph alone.
using Visits = std::map<std::string, int>;

/// A Mermaid flowchart: steps as boxes, events as rounded boxes, people and resources as shapes of their own.
std::string mermaid(const Plan& plan, const Visits& visits = {});
/// A Graphviz digraph of the same.
std::string dot(const Plan& plan, const Visits& visits = {});

}  // namespace weir::engine
