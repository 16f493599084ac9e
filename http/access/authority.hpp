// Names, addresses and ports as Host and Origin headers write them.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace weir::http {

/// Without regard to case, which is ASCII's.
bool same_word(std::string_view a, std::string_view b);

using Address = std::array<unsigned char, 16>;  ///< IPv4 as ::ffff:a.b.c.d

/// Of "1.2.3.4", "::1", "[::1]"; none of a name.
std::optional<Address> address_of(std::string_view host);
/// 0.0.0.0, ::
bool is_every_address(const Address& address);
/// "localhost", 127.0.0.0/8, ::1: with or without brackets.
bool is_loopback(std::string_view host);

struct Authority {
  std::string_view name, port;  ///< port: empty when there is none
};
/// Of "name", "name:80", "[::1]:80"; none of what is not exactly that.
std::optional<Authority> authority_of(std::string_view text);

struct Origin {
  std::string_view scheme;
  Authority authority;
};
/// Of "https://name:443"; none of "null" and schemes that are not the web's.
std::optional<Origin> origin_of(std::string_view text);
/// The same name and port, one that is not written being the scheme's own.
bool same_place(const Origin& origin, const Authority& other, std::string_view scheme_of_other);

}  // namespace weir::http
