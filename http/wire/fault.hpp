// Why a request is refused before a route has seen it.
#pragma once

#include "exchange.hpp"

#include <string>
#include <string_view>

namespace weir::http {

struct Fault {
  int status = 400;
  std::string detail = {};  ///< empty: the protocol's own words
  bool in_body = false;     ///< the head was fine: the answer is then chunked, as the protocol's server sends it

  /// Malformed: what is wrong and what would be right.
  static Fault malformed(std::string detail = {}) { return {400, std::move(detail)}; }
};

/// The answer; the connection ends with it.
Response answer_of(const Fault& fault);

}  // namespace weir::http
