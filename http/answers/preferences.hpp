// The Prefer header (RFC 7240).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::http {

/// The value of the first preference of that name, without its quotes; empty when it has none. Nothing when it is not there. `field`:
/// the values of all Prefer lines, joined by commas. What is no preference is skipped, as the RFC wants it.
std::optional<std::string> find_preference(std::string_view field, std::string_view name);

/// An event that nothing takes is to be refused.
bool prefers_strict_handling(std::string_view field);

}  // namespace weir::http
