// What the stores' searches for handlers, and their refusals, have in common.
#pragma once

#include <weir/store.hpp>

namespace weir {

bool matches(const HandlerFilter& filter, const HandlerRow& row);
/// What of the query a store has not found by an index: time and text.
bool matches(const HandlerQuery& query, const HandlerRow& row);
/// A number that a store has made. Throws std::invalid_argument.
std::uint64_t parse_cursor(const std::string& cursor);
/// Throws StoreFailure: for reads that cannot answer with a part.
void throw_if_over(const Cancellation& cancellation);

Error already_running(const HandlerRow& row);
Error parent_is_gone(const HandlerRow& row);

}  // namespace weir
