// Everything that changes rows. Each function is called inside a transaction; errors of the database are exceptions.
#pragma once

#include "rows.hpp"

namespace weir::sqlite_detail {

/// Writes the row of a new run, and keeps what the handler's earlier run was.
Expected<Inheritance> begin_run(Connection& db, const HandlerRow& row);
Expected<bool> write(Connection& db, const Commit& commit);
/// Returns what was noted before.
bool note_at_work(Connection& db, bool at_work);
bool claim_first_read(Connection& db, std::string_view run_id);
bool purge(Connection& db, const std::string& handler_id);
/// Those of the handlers whose parent is gone indeed.
std::size_t purge_orphans(Connection& db, const std::vector<std::string>& handler_ids);
std::size_t expire(Connection& db, const Retention& retention, Time now, std::size_t limit);

}  // namespace weir::sqlite_detail
