#include "file_state.hpp"

#include <sys/stat.h>

namespace weir::cli {

/// The time of the last change of the inode is in it: it cannot be set back, as that of the content can.
std::string file_state(const std::string& path) {
  struct stat found;
  if (::stat(path.c_str(), &found) != 0) return {};
  std::string out;
  for (const auto part : {static_cast<long long>(found.st_dev), static_cast<long long>(found.st_ino), static_cast<long long>(found.st_size),
                          static_cast<long long>(found.st_mtim.tv_sec), static_cast<long long>(found.st_mtim.tv_nsec),
                          static_cast<long long>(found.st_ctim.tv_sec), static_cast<long long>(found.st_ctim.tv_nsec)})
    out += std::to_string(part) + ":";
  return out;
}

}  // namespace weir::cli
