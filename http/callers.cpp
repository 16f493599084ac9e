#include "callers.hpp"

#include <algorithm>
#include <cctype>

namespace weir::http {
namespace {

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool listed(const std::vector<std::string>& list, std::string_view wanted) {
  return list.empty() || std::any_of(list.begin(), list.end(), [&](const std::string& entry) { return same(entry, wanted); });
}

/// "[::1]:80" is "[::1]".
std::string_view without_port(std::string_view host) {
  const auto colon = host.rfind(':');
  return colon == host.npos || host.find(']', colon) != host.npos ? host : host.substr(0, colon);
}

}  // namespace

bool origin_may_ask(const Callers& callers, std::string_view origin, std::string_view host) {
  const auto scheme = origin.find("://");
  const bool own = scheme != origin.npos && same(origin.substr(scheme + 3), host);
  return own || listed(callers.origins, origin);
}

bool host_is_known(const Callers& callers, std::string_view host) { return listed(callers.hosts, without_port(host)); }

}  // namespace weir::http
