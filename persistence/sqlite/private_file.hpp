// Files that their owner alone can read and write, whatever the umask says.
#pragma once

#include <string>

namespace weir::sqlite_detail {

/// Makes an empty file with mode 0600 where there is none; one that is there keeps its mode. Returns a descriptor, open for reading
/// and writing and closed by exec, or -1 with errno.
int open_private(const std::string& path);
/// The same for SQLite, which then opens an empty file and gives the files beside it (-wal, -shm) the same mode. SQLite tells what went
/// wrong.
void create_private(const std::string& path);

}  // namespace weir::sqlite_detail
