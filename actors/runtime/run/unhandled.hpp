// What nobody in a run took, as its row tells it: a count, and the newest.
#pragma once

#include "actors/engine/model/command.hpp"

#include <cstdint>
#include <string>

namespace weir::runtime {

constexpr std::size_t unhandled_events_max = 10;         ///< that the row names
constexpr std::size_t unhandled_value_bytes_max = 1024;  ///< of a longer value only the length is told

/// {"count", "newest": [{"event_type", "step", "value", "value_bytes", "at", "sequence"}]}, the newest first, with one more: `told` is
/// the UnhandledEvent, which has that sequence. `known` is such a text, or empty.
std::string with_unhandled(const std::string& known, const engine::PublishEvent& told, std::int64_t sequence, Time at);

}  // namespace weir::runtime
