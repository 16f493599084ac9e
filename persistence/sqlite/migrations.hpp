// The schema of the file, as numbered .sql files that are applied once each.
#pragma once

#include "database.hpp"

namespace weir::sqlite_detail {

/// Brings the file to this build's version, in one transaction. Throws DatabaseError when the file is not Weir's, or was
/// written by a newer one.
void migrate(Connection& connection, const std::string& path);

}  // namespace weir::sqlite_detail
