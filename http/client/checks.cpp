#include "checks.hpp"

#include <weir/printable.hpp>

#include <algorithm>
#include <stdexcept>

namespace weir::client {
namespace {

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}
bool is_clean(std::string_view text) { return std::none_of(text.begin(), text.end(), is_control); }

/// RFC 9110: what a header's name is made of.
bool is_name(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || marks.find(c) != marks.npos;
  });
}

std::string shown(Duration time) { return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(time).count()) + " us"; }

Error refused(const std::string& what) { return {Code::invalid_argument, what}; }

}  // namespace

std::optional<Error> check(const Request& request) {
  if (request.timeout && *request.timeout <= Duration::zero())
    return refused("the timeout of " + request.method + " " + printable(shown_url(request.url)) + " is " + shown(*request.timeout) +
                   ": give a time that is more than zero, or none");
  if (!is_clean(request.url)) return refused("the URL '" + printable(shown_url(request.url)) + "' has control characters in it");
  for (const auto& [name, value] : request.headers) {
    if (!is_name(name)) return refused("'" + printable(name) + "' is no name of a header");
    // A value may be a key: it is not shown.
    if (!is_clean(value)) return refused("the value of the header '" + name + "' has line breaks or other control characters in it");
  }
  return std::nullopt;
}

void check_times(const ClientOptions& options) {
  const auto refuse = [](const char* name, Duration time) {
    throw std::invalid_argument("ClientOptions::" + std::string(name) + " is " + shown(time) + ": give a time that is more than zero");
  };
  if (options.connect_timeout <= Duration::zero()) refuse("connect_timeout", options.connect_timeout);
  if (options.timeout <= Duration::zero()) refuse("timeout", options.timeout);
  if (options.reconnect_for < Duration::zero()) refuse("reconnect_for", options.reconnect_for);
  if (options.idle_limit && *options.idle_limit <= Duration::zero()) refuse("idle_limit", *options.idle_limit);
}

std::string checked_base(const std::string& url) {
  const auto scheme = url.find("://");
  const auto name = url.substr(0, scheme);
  const bool known = (name == "http" || name == "https") && scheme != url.npos && scheme + 3 < url.size();
  if (!known || !is_clean(url) || url.find(' ') != url.npos)
    throw std::invalid_argument("the server's URL must look like http://host:port, got '" + printable(shown_url(url)) + "'");
  return url.substr(0, url.find_last_not_of('/') + 1);
}

std::string shown_url(const std::string& url) {
  const auto begin = url.find("://");
  if (begin == url.npos) return url;
  const auto end = std::min(url.find_first_of("/?#", begin + 3), url.size());
  const auto at = url.rfind('@', end);
  const auto colon = url.find(':', begin + 3);
  if (at == url.npos || at < begin + 3 || colon > at) return url;
  return url.substr(0, colon) + ":***" + url.substr(at);
}

}  // namespace weir::client
