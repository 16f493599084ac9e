#include "authority.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <string>

namespace weir::http {
namespace {

bool is_port(std::string_view text) { return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == text.npos; }

/// With the scheme's own port where none is written.
std::string_view port_of(const Authority& authority, std::string_view scheme) {
  if (!authority.port.empty()) return authority.port;
  return same_word(scheme, "https") ? "443" : "80";
}

}  // namespace

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::optional<Address> address_of(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const std::string text(host.substr(0, host.find('%')));
  Address out{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (::inet_pton(AF_INET, text.c_str(), out.data() + 12) == 1) return out;
  if (::inet_pton(AF_INET6, text.c_str(), out.data()) == 1) return out;
  return std::nullopt;
}

bool is_every_address(const Address& address) {
  constexpr Address v6{}, v4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return address == v6 || address == v4;
}

bool is_loopback(std::string_view host) {
  if (same_word(host, "localhost")) return true;
  constexpr Address v6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  constexpr Address v4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127};
  const auto address = address_of(host);
  return address && (*address == v6 || std::equal(address->begin(), address->begin() + 13, v4.begin()));
}

std::optional<Authority> authority_of(std::string_view text) {
  const auto bracket = text.starts_with('[') ? text.find(']') : 0;
  if (bracket == text.npos) return std::nullopt;
  const auto colon = text.find(':', bracket);
  Authority out{text.substr(0, colon), colon == text.npos ? std::string_view() : text.substr(colon + 1)};
  if (colon != text.npos && !is_port(out.port)) return std::nullopt;
  if (bracket > 0 && out.name.size() != bracket + 1) return std::nullopt;
  if (out.name.size() > 1 && out.name.ends_with('.')) out.name.remove_suffix(1);  // "localhost." is the full form of the name
  if (out.name.empty() || out.name.find_first_of("/?#@\\ \t,") != out.name.npos) return std::nullopt;
  return out;
}

std::optional<Origin> origin_of(std::string_view text) {
  const auto end = text.find("://");
  if (end == text.npos) return std::nullopt;
  const auto scheme = text.substr(0, end);
  const auto authority = authority_of(text.substr(end + 3));
  if (!authority || (!same_word(scheme, "http") && !same_word(scheme, "https"))) return std::nullopt;
  return Origin{scheme, *authority};
}

bool same_place(const Origin& origin, const Authority& other, std::string_view scheme_of_other) {
  return same_word(origin.authority.name, other.name) && port_of(origin.authority, origin.scheme) == port_of(other, scheme_of_other);
}

}  // namespace weir::http
