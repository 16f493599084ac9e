#include "private_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace weir::cli {
namespace {

/// The thing itself, opened: what is looked at cannot be exchanged meanwhile. -1: there is nothing.
struct Opened {
  Opened(const std::filesystem::path& path, int how) : number(::open(path.c_str(), how | O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)) {}
  ~Opened() {
    if (number >= 0) ::close(number);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  const int number;
};

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw std::runtime_error("'" + path.string() + "' " + why +
                           ", so what is in it is not run: remove it, or set XDG_CACHE_HOME to a folder of your own");
}

struct stat status_of(const Opened& opened, const std::filesystem::path& path) {
  struct stat out {};
  if (opened.number < 0 && (errno == ELOOP || errno == ENOTDIR)) refuse(path, "is a link or no folder");
  if (opened.number < 0 || ::fstat(opened.number, &out) != 0)
    refuse(path, std::string("cannot be looked at (") + std::strerror(errno) + ")");
  if (out.st_uid != ::geteuid()) refuse(path, "belongs to another user");
  if ((out.st_mode & (S_IWGRP | S_IWOTH)) != 0) refuse(path, "can be written by other users");
  return out;
}

}  // namespace

void make_private_folder(const std::filesystem::path& folder) {
  if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST)
    throw std::runtime_error("the folder '" + folder.string() + "' for compiled files cannot be made: " + std::strerror(errno));
  const Opened opened(folder, O_DIRECTORY);
  if ((status_of(opened, folder).st_mode & (S_IRWXG | S_IRWXO)) != 0 && ::fchmod(opened.number, S_IRWXU) != 0)
    refuse(folder, "can be read by other users");
}

bool is_private_file(const std::filesystem::path& file) {
  const Opened opened(file, 0);
  if (opened.number < 0 && errno == ENOENT) return false;
  if (!S_ISREG(status_of(opened, file).st_mode)) refuse(file, "is no regular file");
  return true;
}

}  // namespace weir::cli
