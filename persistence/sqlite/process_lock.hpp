// Holds a database file for this process: SQLite alone would let a second server run the same runs.
#pragma once

#include <string>

namespace weir::sqlite_detail {

class ProcessLock {
public:
  /// Throws DatabaseError when another process holds the file, or its directory cannot be written.
  explicit ProcessLock(const std::string& path);
  ~ProcessLock();
  ProcessLock(const ProcessLock&) = delete;
  ProcessLock& operator=(const ProcessLock&) = delete;

private:
  int descriptor_;
};

}  // namespace weir::sqlite_detail
