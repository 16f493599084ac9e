// Ticks as text, for journals that outlive the process. Names are durable data: steps and event types go by their wire
// names, so a journal can be read by another build of the same workflow.
#pragma once

#include "actors/engine/model/tick.hpp"

#include <weir/error.hpp>

#include <string>
#include <string_view>

namespace weir::engine {

/// One line of JSON.
std::string encode_tick(const Plan& plan, const Tick& tick);

/// The error names what the workflow does not have: a step, or an event type that must be listed in additional_events.
Expected<Tick> decode_tick(const Plan& plan, std::string_view text);

/// What a run depends on, one line per step: whether a journal still fits a workflow. Lines are sorted by step.
std::string signature(const Plan& plan);
/// How two signatures differ, in words; empty when they do not.
std::string signature_difference(std::string_view recorded, std::string_view present);

}  // namespace weir::engine
