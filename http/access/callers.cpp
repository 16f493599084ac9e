#include "callers.hpp"

#include "authority.hpp"

#include <algorithm>

namespace weir::http {
namespace {

bool listed(const std::vector<std::string>& list, std::string_view wanted) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& entry) { return entry == "*" || same_word(entry, wanted); });
}

bool host_is_known(const Callers& callers, std::string_view host) {
  if (listed(callers.hosts, "*") || (callers.keyed && callers.hosts.empty())) return true;
  const auto authority = authority_of(host);
  if (!authority) return false;
  const auto name = authority->name;
  if (is_loopback(name) || same_word(name, callers.listens_on) || listed(callers.hosts, name)) return true;
  const auto asked = address_of(name), own = address_of(callers.listens_on);
  // No page's name can be made to be an address, so one that listens everywhere need not know all of its own.
  return asked && own && (*asked == *own || is_every_address(*own));
}

bool every_origin(const Callers& callers) { return listed(callers.origins, "*") || (callers.keyed && callers.origins.empty()); }

bool origin_is_listed(const Callers& callers, std::string_view text, const std::optional<Origin>& origin) {
  const auto written_so = [&](const std::string& entry) { return entry != "*" && same_word(entry, text); };
  if (std::any_of(callers.origins.begin(), callers.origins.end(), written_so)) return true;
  return origin && std::any_of(callers.origins.begin(), callers.origins.end(), [&](const std::string& entry) {
           const auto other = origin_of(entry);
           return other && same_word(other->scheme, origin->scheme) && same_place(*origin, other->authority, other->scheme);
         });
}

bool is_own(const std::optional<Origin>& origin, const Caller& caller) {
  const auto host = origin && caller.host ? authority_of(*caller.host) : std::nullopt;
  return host && same_place(*origin, *host, origin->scheme);
}

bool is_json(std::string_view content_type) {
  auto type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  constexpr std::string_view suffix = "+json";
  return same_word(type, "application/json") ||
         (type.size() > suffix.size() && same_word(type.substr(type.size() - suffix.size()), suffix));
}

/// A header's value in a text for people: not longer than a line.
std::string shown(std::string_view value) {
  constexpr std::size_t shown_max = 200;
  return std::string(value.substr(0, shown_max)) + (value.size() > shown_max ? "..." : "");
}

Verdict unknown_host(std::string_view host) {
  const auto name = shown(host);
  const auto authority = authority_of(host);
  return {421, "This server does not answer under the name '" + name + "'. If the name is its own, start it with --allow-host " +
                   (authority ? shown(authority->name) : "NAME") + " (WEIR_ALLOW_HOST)"};
}

Verdict unknown_origin(std::string_view origin) {
  if (!origin_of(origin))
    return {403, "Pages without an origin of their own (files, sandboxed frames: '" + shown(origin) +
                     "') may not use this server. Serve the page from an origin, and name it with --allow-origin (WEIR_ALLOW_ORIGIN)"};
  return {403, "Pages of " + shown(origin) + " may not use this server. To let them, start it with --allow-origin " + shown(origin) +
                   " (WEIR_ALLOW_ORIGIN)"};
}

/// What pages load without asking to read it (pictures, scripts) comes without an Origin, but current browsers tell.
bool is_loaded_by_a_page_elsewhere(const Caller& caller) {
  return caller.origin.empty() && same_word(caller.fetch_site, "cross-site") && !same_word(caller.fetch_mode, "navigate");
}

}  // namespace

Verdict judge(const Callers& callers, const Caller& caller) {
  if (caller.host && !host_is_known(callers, *caller.host)) return unknown_host(*caller.host);
  const bool everybody = every_origin(callers);
  if (caller.origin.empty()) {
    if (everybody || !is_loaded_by_a_page_elsewhere(caller)) return {};
    return {403,
            "Pages of other sites may not use this server. To let them, start it with --allow-origin ORIGIN (WEIR_ALLOW_ORIGIN), and "
            "let them ask with their Origin"};
  }
  const auto origin = origin_of(caller.origin);
  // Pages of programs on the visitor's own machine are trusted like the programs.
  const bool own = is_own(origin, caller), neighbour = origin && is_loopback(origin->authority.name);
  const bool trusted = neighbour || origin_is_listed(callers, caller.origin, origin);
  if (!trusted && !own && !everybody) return unknown_origin(caller.origin);
  // An origin that nobody has named gets no cookies and certificates of the visitor's; the server's own page needs no leave.
  Verdict out{.status = 200, .text = {}, .cors = trusted ? Cors::answer_with_credentials : Cors::answer};
  // Other types need no question before, so a page may send them without knowing that it is allowed to. A key is such a question.
  if (!own && !neighbour && !callers.keyed && !is_json(caller.content_type) && (caller.has_body || !caller.content_type.empty())) {
    out.status = 415;
    out.text =
        "Pages of other origins send JSON: set the header 'Content-Type: application/json', got '" + shown(caller.content_type) + "'";
  }
  return out;
}

std::string who_may_ask(const Callers& callers, std::string_view address) {
  std::string pages = "pages of its own and of localhost";
  if (every_origin(callers)) pages = "pages of every origin";
  else if (!callers.origins.empty()) {
    pages += " and of ";
    for (const auto& origin : callers.origins) pages += (&origin == callers.origins.data() ? "" : ", ") + origin;
  }
  if (callers.keyed) return "who has an API key may use it, also from " + pages;
  if (is_loopback(callers.listens_on)) return "programs on this machine may use it without a key, and " + pages;
  return "everybody who reaches " + std::string(address) +
         " may start and read runs: set an API key (--api-key-file, WEIR_API_KEY), or listen on 127.0.0.1 only (--host). Of web pages: " +
         pages;
}

}  // namespace weir::http
