#include "compile_cache.hpp"

#include "private_folder.hpp"

#include <openssl/evp.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace weir::cli {
namespace {

namespace fs = std::filesystem;

/// What has not been used for as long goes, when something new comes.
constexpr std::chrono::hours kept_for{24 * 7};

/// A folder that goes with the process.
class OwnFolder {
public:
  OwnFolder() {
    std::string made = (fs::temp_directory_path() / "weir-XXXXXX").string();
    if (!::mkdtemp(made.data()))
      throw std::runtime_error("there is no place for compiled files, not in " + fs::temp_directory_path().string() + " either");
    path_ = made;
  }
  ~OwnFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;
  const fs::path& path() const { return path_; }

private:
  fs::path path_;
};

fs::path wanted_folder() {
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  if (cache && *cache) return fs::path(cache) / "weir";
  if (home && *home) return fs::path(home) / ".cache/weir";
  // No shared folder: what lies there may be somebody else's.
  throw std::runtime_error("there is no place for compiled files: set HOME or XDG_CACHE_HOME");
}

/// What is written must be on the disk before it has a name that counts.
void sync(const fs::path& path, int flags) {
  const int file = ::open(path.c_str(), flags | O_CLOEXEC);
  if (file < 0) return;
  (void)::fsync(file);
  ::close(file);
}

void write_whole(const fs::path& path, const std::string& text) {
  std::string made = path.string() + ".XXXXXX";
  const int file = ::mkstemp(made.data());
  if (file < 0) throw std::system_error(errno, std::generic_category(), made);
  ::close(file);
  std::ofstream stream(made, std::ios::binary);
  stream << text << std::flush;
  if (!stream) {
    fs::remove(made);
    throw std::runtime_error("'" + made + "' cannot be written");
  }
  sync(made, O_RDONLY);
  fs::rename(made, path);
}

bool changed_since(const std::string& path, const timespec& begun) {
  struct stat found;
  if (::stat(path.c_str(), &found) != 0) return true;
  const auto& at = found.st_ctim;
  return at.tv_sec > begun.tv_sec || (at.tv_sec == begun.tv_sec && at.tv_nsec >= begun.tv_nsec);
}

}  // namespace

std::string sha256(const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string out;
  constexpr std::string_view digits = "0123456789abcdef";
  for (unsigned int i = 0; i < 16; ++i) out.append({digits[digest[i] >> 4], digits[digest[i] & 15]});
  return out;
}

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

timespec file_clock() {
  timespec out;
  ::clock_gettime(CLOCK_REALTIME_COARSE, &out);
  return out;
}

fs::path cache_folder() {
  const auto wanted = wanted_folder();
  try {
    fs::create_directories(wanted.parent_path());
    make_private_folder(wanted);
    if (::access(wanted.c_str(), W_OK) == 0) return wanted;
    errno = EACCES;
    throw fs::filesystem_error("not writable", wanted, std::error_code(EACCES, std::generic_category()));
  } catch (const fs::filesystem_error& error) {
    static const OwnFolder instead;
    std::cerr << "weir: nothing can be kept in " << wanted.string() << " (" << error.code().message()
              << "): what is compiled now goes with this process. Set XDG_CACHE_HOME to a folder of yours\n";
    return instead.path();
  }
}

CompileCache::CompileCache(fs::path folder) : folder_(std::move(folder)) { make_private_folder(folder_); }

std::optional<Compiled> CompileCache::find() const {
  if (!is_private_file(folder_ / "sources")) return std::nullopt;
  Compiled out;
  std::string hashes;
  std::ifstream list(folder_ / "sources");
  for (std::string path; std::getline(list, path);) {
    out.sources.push_back({path, file_state(path)});
    hashes += sha256(content_of(path)) + " " + path + "\n";
  }
  const auto library = folder_ / (sha256(hashes) + ".so"), sum = folder_ / (sha256(hashes) + ".sum");
  if (out.sources.empty() || !is_private_file(library) || !is_private_file(sum)) return std::nullopt;
  if (content_of(sum) != sha256(content_of(library))) return std::nullopt;
  std::error_code ignored;
  fs::last_write_time(library, fs::file_time_type::clock::now(), ignored);  // it is used
  out.library = library.string();
  return out;
}

std::optional<Compiled> CompileCache::keep(const fs::path& made, const std::vector<std::string>& paths, const timespec& begun) const {
  Compiled out;
  std::string list, hashes;
  for (const auto& path : paths) {
    const auto absolute = fs::absolute(path).lexically_normal().string();
    out.sources.push_back({absolute, file_state(absolute)});
    hashes += sha256(content_of(absolute)) + " " + absolute + "\n";
    list += absolute + "\n";
  }
  for (const auto& source : out.sources)
    if (changed_since(source.path, begun)) return std::nullopt;
  const auto name = sha256(hashes);
  fs::permissions(made, fs::perms::owner_all);  // whatever the umask is
  sync(made, O_RDONLY);
  write_whole(folder_ / (name + ".sum"), sha256(content_of(made)));
  fs::rename(made, folder_ / (name + ".so"));
  write_whole(folder_ / "sources", list);
  sync(folder_, O_RDONLY | O_DIRECTORY);
  out.library = (folder_ / (name + ".so")).string();
  for (const auto& old : fs::directory_iterator(folder_)) {
    std::error_code ignored;  // another process does the same
    const auto used = fs::last_write_time(old.path(), ignored);
    if (!ignored && old.path() != out.library && old.path().filename() != "sources" && old.path().stem() != name &&
        fs::file_time_type::clock::now() - used > kept_for)
      fs::remove(old.path(), ignored);
  }
  return out;
}

}  // namespace weir::cli
