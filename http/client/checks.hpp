// What of a request is looked at before it is sent, and how URLs are shown.
#pragma once

#include "transfers.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace weir::client {

/// Why the request cannot be sent: a header or URL with a line break or another control character would be something else on the wire.
std::optional<Error> check(const Request& request);
/// Throws std::invalid_argument when `url` is no server's. Returns it without a slash at its end.
/// Throws std::invalid_argument.
void check_times(const ClientOptions& options);
std::string checked_base(const std::string& url);
/// For messages: without its password.
std::string shown_url(const std::string& url);

}  // namespace weir::client
