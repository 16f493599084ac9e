// A run's whole state as text: a snapshot stands for the journal up to it. Exact, unlike a saved context: invocations in
// progress keep their slots and serials, timers their numbers, deadlines their instants.
#pragma once

#include "actors/engine/model/state.hpp"

#include <weir/error.hpp>

#include <string>
#include <string_view>

namespace weir::engine {

/// One line of JSON, the canonical form: states that go on alike have the same text.
std::string encode_state(const Plan& plan, const State& state);

/// The error names what the workflow does not have, as decode_tick's does.
Expected<State> decode_state(const Plan& plan, std::string_view text);

/// The same as a part of something larger.
Object write_state(const Plan& plan, const State& state);
Expected<State> read_state(const Plan& plan, const Value& saved);

}  // namespace weir::engine
