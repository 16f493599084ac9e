#include "private_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace weir::sqlite_detail {
namespace {
constexpr mode_t owner_only = S_IRUSR | S_IWUSR;
}

int open_private(const std::string& path) {
  const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, owner_only);
  if (made < 0) return errno == EEXIST ? ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, owner_only) : -1;
  ::fchmod(made, owner_only);  // the umask may have taken more
  return made;
}

void create_private(const std::string& path) {
  // A file that is there is not opened: closing it would drop the locks that SQLite holds on it for the whole process.
  const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, owner_only);
  if (made < 0) return;
  ::fchmod(made, owner_only);
  ::close(made);
}

}  // namespace weir::sqlite_detail
