#include "key_file.hpp"

#include <weir/printable.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <stdexcept>

namespace weir::http {
namespace {

constexpr std::size_t bytes_max = 64 * 1024;

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw std::invalid_argument("must be a file of API keys, one a line, that only its owner can read, got '" + path + "': " + why);
}

struct File {
  explicit File(const std::string& path) : number(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (number < 0) refuse(path, std::strerror(errno));
  }
  ~File() { ::close(number); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  const int number;
};

/// Of the open file, so that it is the one that is read.
void check_access(const File& file, const std::string& path) {
  struct stat status {};
  if (::fstat(file.number, &status) != 0) refuse(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) refuse(path, "it is no regular file");
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) refuse(path, "it belongs to another user");
  const mode_t allowed_to_group = status.st_uid == 0 ? S_IRGRP : 0;
  if ((status.st_mode & (S_IRWXG | S_IRWXO) & ~(allowed_to_group | S_IXGRP | S_IXOTH)) != 0)
    refuse(path, "others may read or write it. `chmod 600` keeps it to its owner");
}

std::string content(const File& file, const std::string& path) {
  std::string out;
  std::array<char, 4096> buffer;
  for (ssize_t count = 0; (count = ::read(file.number, buffer.data(), buffer.size())) != 0;) {
    if (count < 0) refuse(path, std::strerror(errno));
    out.append(buffer.data(), static_cast<std::size_t>(count));
    if (out.size() > bytes_max) refuse(path, "it has more than " + std::to_string(bytes_max) + " bytes");
  }
  return out;
}

}  // namespace

std::vector<std::string> read_key_file(const std::string& path) {
  const File file(path);
  check_access(file, path);
  std::vector<std::string> keys;
  std::istringstream lines(content(file, path));
  for (std::string line; std::getline(lines, line);) {
    line.erase(0, line.find_first_not_of(" \t\r"));
    line.erase(line.find_last_not_of(" \t\r") + 1);
    if (line.empty() || line.starts_with('#')) continue;
    if (printable(line) != line) refuse(path, "a key in it has control characters or is no UTF-8");
    keys.push_back(line);
  }
  if (keys.empty()) refuse(path, "there is no key in it");
  return keys;
}

}  // namespace weir::http
