// Durations as people write them on a command line.
#pragma once

#include <weir/codec.hpp>
#include <weir/retention.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::http {

/// "250ms", "90s", "15m", "12h", "7d", or a plain number of seconds. Nothing when it is something else.
std::optional<Duration> parse_duration(std::string_view text);

/// Each entry is a duration for all ended handlers, or STATUS=DURATION for those that ended so; later ones win. Throws
/// std::invalid_argument with what was wrong.
Retention parse_retention(const std::vector<std::string>& entries);

}  // namespace weir::http
