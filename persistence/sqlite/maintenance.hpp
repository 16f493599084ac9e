// What the person on call asks of a database file. Reading is safe while a server works on it.
#pragma once

#include <weir/value.hpp>

#include <string>
#include <vector>

namespace weir::sqlite_detail {

/// What is wrong with the file, one sentence each; empty when nothing is. Throws DatabaseError when it cannot be read at all.
std::vector<std::string> check(const std::string& path);

/// Sizes and counts, in the order they are to be shown.
Object stats(const std::string& path);

struct Migrated {
  std::int64_t from, to;  ///< formats
};
/// Brings the file to this build's format. Throws DatabaseError when a server has it.
Migrated migrate_file(const std::string& path);

}  // namespace weir::sqlite_detail
