// From which pages, and under which names, the server may be asked: against pages elsewhere that use a visitor's browser.
#pragma once

#include "exchange.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace weir::http {

struct Callers {
  std::vector<std::string> origins = {};  ///< "https://app.example.org"; empty: pages of every origin (contract 1.1)
  std::vector<std::string> hosts = {};    ///< names without ports; empty: every name
};

/// What a browser may show a page of that origin. The server's own page always may.
bool origin_may_ask(const Callers& callers, std::string_view origin, std::string_view host);
/// Is the server asked under a name that is its own? Another means that a page's name was made to lead here (DNS rebinding).
bool host_is_known(const Callers& callers, std::string_view host);

}  // namespace weir::http
