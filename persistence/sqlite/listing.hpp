// Pages of handlers, and counts of them: reads that may look at every row.
#pragma once

#include "rows.hpp"

namespace weir::sqlite_detail {

/// Throws std::invalid_argument on a cursor that is none.
HandlerPage find_handlers(Connection& db, const HandlerQuery& query);
std::vector<HandlerCount> count_handlers(Connection& db);

}  // namespace weir::sqlite_detail
