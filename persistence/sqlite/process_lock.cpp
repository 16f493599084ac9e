#include "process_lock.hpp"

#include "database.hpp"
#include "private_file.hpp"

#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weir::sqlite_detail {

ProcessLock::ProcessLock(const std::string& path) : descriptor_(open_private(path + ".lock")) {
  if (descriptor_ < 0)
    throw DatabaseError("cannot open '" + path + ".lock': " + std::strerror(errno) +
                        ". Does its directory exist, and may this user write there?");
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
  ::close(descriptor_);
  throw DatabaseError("the database '" + path + "' is used by another process: stop that one, or give another path");
}

ProcessLock::~ProcessLock() { ::close(descriptor_); }

}  // namespace weir::sqlite_detail
