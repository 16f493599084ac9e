#include "open_files.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace weir::http {

std::size_t raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{limit.rlim_max, limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return static_cast<std::size_t>(limit.rlim_cur);
}

std::size_t connections_within(std::size_t files, std::size_t wanted) {
  const auto kept = std::clamp<std::size_t>(files / 8, 64, 256);
  return std::min(wanted, std::max<std::size_t>(files > kept ? files - kept : 0, 8));
}

}  // namespace weir::http
