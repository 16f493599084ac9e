// Files whose writer keeps to a pace. SQLite copies its write-ahead log back in one call, however much that is; here the thread that
// copies rests between pieces, so that commits get at the disk in between.
#pragma once

#include <cstdint>

namespace weir::sqlite_detail {

/// Decides on the thread's pace. It stays alive while it is current.
class Pace {
public:
  virtual ~Pace() = default;
  /// Called when so much of the database file has been written and is on the disk.
  virtual void piece_written() = 0;
};

/// Pieces of this size.
constexpr std::int64_t paced_piece_bytes = 1024 * 1024;

/// What this thread writes through paced_vfs() from now on goes at that pace.
class Paced {
public:
  explicit Paced(Pace& pace);
  ~Paced();
  Paced(const Paced&) = delete;
  Paced& operator=(const Paced&) = delete;
};

/// The name to open connections with. Beneath it is the process's default one at the time of opening.
const char* paced_vfs();

}  // namespace weir::sqlite_detail
