// A run's whole state as text: a snapshot stands for the journal up to it. Exact, unlike a saved context: invocations in
// progress keep their slots and serials, timers their numbers, deadlines their instants.
#pragma once

#include "state.hpp"

#include <weir/error.hpp>

#include <string>
#include <string_view>

namespace weir::engine {

/// One line of JSON. Only of a run that is not over.
std::string encode_state(const Plan& plan, const State& state);

/// The error names what the workflow does not have, as decode_tick's does.
Expected<State> decode_state(const Plan& plan, std::string_view text);

}  // namespace weir::engine
