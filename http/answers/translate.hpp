// Rows and errors as HTTP answers. Pure: tested without a socket.
#pragma once

#include "http/wire/exchange.hpp"

#include <weir/error.hpp>
#include <weir/json_writer.hpp>
#include <weir/store.hpp>

#include <string>

namespace weir::http {

/// "2026-03-01T08:00:00.120045+00:00"
std::string timestamp(Time time);
/// The handler object (contract 1.2).
std::string handler_json(const HandlerRow& row);
/// The same with `result` unwrapped (contract 1.8).
std::string result_json(const HandlerRow& row);
/// The handler object and what the protocol leaves out: idle_since, waiting_for, parent_handler_id.
void write_handler_item(JsonWriter& out, const HandlerRow& row, bool with_result);
std::string handlers_json(const std::vector<HandlerRow>& rows);

/// 202 while running, 200 when completed, 500 when failed or cancelled.
int polling_status(const HandlerRow& row);
Response json(std::string body, int status = 200);

}  // namespace weir::http
