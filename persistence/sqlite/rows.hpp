// How rows of the interface and rows of the file become each other.
#pragma once

#include "database.hpp"

#include <weir/store.hpp>

namespace weir::sqlite_detail {

inline std::int64_t stored(Time time) { return time.time_since_epoch().count(); }
inline std::optional<std::int64_t> stored(const std::optional<Time>& time) { return time ? std::optional(stored(*time)) : std::nullopt; }
inline Time time_of(std::int64_t microseconds) { return Time(Duration(microseconds)); }

/// The columns that handler_of reads, in its order.
extern const std::string handler_columns;
constexpr int handler_columns_count = 20;  // the place of what is selected behind them
HandlerStatus status_of(std::int64_t stored);
HandlerRow handler_of(const Query& query);

/// The columns that event_of reads: "sequence, at, internal, terminal, body".
EventRow event_of(const Query& query);

NamedStates states_of(Connection& db, std::int64_t handler);

}  // namespace weir::sqlite_detail
