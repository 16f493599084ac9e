// The schema of the file, as numbered .sql files that are applied once each.
#pragma once

#include "database.hpp"

namespace weir::sqlite_detail {

/// The format that this build writes.
std::int64_t newest_format();
/// The file's format; 0 for an empty one. Throws DatabaseError when the file is not Weir's, or was written by a newer one.
std::int64_t format_of(Connection& connection, const std::string& path);

/// Brings the file to this build's format, in one transaction. Throws as format_of does.
void migrate(Connection& connection, const std::string& path);

/// What every connection that writes begins with: settings, migration, and a file that can shrink.
void prepare_for_writing(Connection& connection, const std::string& path);

}  // namespace weir::sqlite_detail
