// What the operations of a client share.
#pragma once

#include "transfers.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace weir::detail {

class ClientState {
public:
  explicit ClientState(const ClientOptions& given);

  /// With the headers that every request has. `target` is a path with its query.
  client::Request request(std::string method, const std::string& target) const;

  ClientOptions options;
  std::string base;  ///< the URL without a slash at its end
  client::Transfers transfers;
};

}  // namespace weir::detail

namespace weir::client {

/// As one segment of a path, or in a query.
std::string percent_encoded(std::string_view text);
/// What the server answered, in its words: never empty.
Error refusal(const std::string& method, const std::string& url, const Reply& reply);
/// Reads {"value","type","qualified_name","types"}. Error: what is missing.
Expected<RemoteEvent> read_event(const Value& envelope);

}  // namespace weir::client
