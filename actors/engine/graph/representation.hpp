// A workflow as the introspection routes show it (contract, chapter 4). JSON text, built once per workflow.
#pragma once

#include "actors/engine/model/plan.hpp"

#include <string>

namespace weir::engine {

/// {"start":<schema>,"stop":<schema>}
std::string schema_json(const Plan& plan);
/// {"events":[<schema>, ...]}: accepted then returned types of each step, then the additional ones.
std::string events_json(const Plan& plan);
/// {"graph":{"name":...,"nodes":[...],"edges":[...],"description":...}}
std::string representation_json(const Plan& plan);
/// The same, and what the protocol leaves out: how steps receive events ("input": "collect" or "join", "take": how many), and which edges
/// are lists ("list": true).
std::string detailed_representation_json(const Plan& plan);

}  // namespace weir::engine
