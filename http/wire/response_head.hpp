// The first lines of an answer.
#pragma once

#include "exchange.hpp"

#include <string>

namespace weir::http {

/// The status line and the fields, without the empty line behind them.
std::string head_text(const Response& response, bool keep_alive);
void append_header(std::string& out, std::string_view name, std::string_view value);
inline bool has_body(int status) { return status != 204 && status != 304; }

}  // namespace weir::http
