#include "compile.hpp"

#include "private_folder.hpp"

#include <weir/plugin.hpp>

#include <openssl/evp.h>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <stdexcept>

extern char** environ;

namespace weir::cli {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

std::string sha256(const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string out;
  constexpr std::string_view digits = "0123456789abcdef";
  for (unsigned int i = 0; i < 16; ++i) out.append({digits[digest[i] >> 4], digits[digest[i] & 15]});
  return out;
}

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

fs::path own_folder() { return fs::canonical("/proc/self/exe").parent_path(); }

/// Beside an installed weir, or where its build says.
Words include_flags() {
  const auto installed = own_folder().parent_path() / "include";
  if (fs::exists(installed / "weir/weir.hpp")) return {"-I" + installed.string()};
  Words out;
  for (const auto& folder : words_of(content(own_folder() / "weir.includes"))) out.push_back("-I" + folder);
  if (out.empty()) throw std::runtime_error("Weir's headers are missing at " + installed.string() + ": install the package libweir-dev");
  return out;
}

fs::path cache_folder() {
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  if (cache && *cache) return fs::path(cache) / "weir";
  if (home && *home) return fs::path(home) / ".cache/weir";
  // No shared folder: what lies there may be somebody else's.
  throw std::runtime_error("there is no place for compiled files: set HOME or XDG_CACHE_HOME");
}

/// The program's full path; empty when there is none of that name.
fs::path found_in_path(const std::string& program) {
  if (program.find('/') != program.npos) return fs::exists(program) ? fs::canonical(program) : fs::path();
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "/usr/bin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (const auto candidate = fs::path(folder) / program; ::access(candidate.c_str(), X_OK) == 0) return fs::canonical(candidate);
  return {};
}

/// Changes when the file does.
std::string identity(const fs::path& file) {
  return file.string() + ":" + std::to_string(fs::file_size(file)) + ":" +
         std::to_string(fs::last_write_time(file).time_since_epoch().count());
}

/// A rule of a Makefile: what stands behind its colon.
Words dependencies_in(const std::string& rule) {
  Words out;
  std::string word;
  for (std::size_t i = rule.find(':') + 1; i <= rule.size(); ++i) {
    const char c = i < rule.size() ? rule[i] : '\n';
    if (c == '\\' && i + 1 < rule.size() && rule[i + 1] == ' ') {
      word += ' ';
      ++i;
    } else if (c == '\\' || c == ' ' || c == '\n') {
      if (!word.empty()) out.push_back(std::exchange(word, {}));
    } else {
      word += c;
    }
  }
  return out;
}

int run(const Words& command) {
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (::posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0) return -1;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return status;
}

/// One source's place in the cache: `sources` lists what the library was made of, a line each: hash, space, path.
class Entry {
public:
  explicit Entry(fs::path folder) : folder_(std::move(folder)) {}

  std::optional<Compiled> find() const {
    Compiled out;
    if (!is_private_file(folder_ / "sources")) return std::nullopt;
    std::ifstream list(folder_ / "sources");
    std::string hashes;
    for (std::string line; std::getline(list, line);) {
      const auto space = line.find(' ');
      const auto path = line.substr(space + 1);
      if (space == line.npos || sha256(content(path)) != line.substr(0, space)) return std::nullopt;
      hashes += line;
      out.sources.push_back(path);
    }
    out.library = library(hashes);
    if (out.sources.empty() || !is_private_file(out.library)) return std::nullopt;
    return out;
  }

  Compiled keep(const fs::path& library_file, const fs::path& rule_file) const {
    Compiled out;
    std::string list, hashes;
    for (const auto& path : dependencies_in(content(rule_file))) {
      const auto absolute = fs::absolute(path).lexically_normal().string();
      const auto line = sha256(content(absolute)) + " " + absolute;
      out.sources.push_back(absolute);
      hashes += line;
      list += line + "\n";
    }
    out.library = library(hashes);
    for (const auto& old : fs::directory_iterator(folder_))
      if (old.path().extension() == ".so" && old.path() != library_file) fs::remove(old.path());
    fs::permissions(library_file, fs::perms::owner_all);  // whatever the umask is
    fs::rename(library_file, out.library);
    const auto written = folder_ / ("sources." + std::to_string(::getpid()));
    std::ofstream(written) << list;
    fs::permissions(written, fs::perms::owner_read | fs::perms::owner_write);
    fs::rename(written, folder_ / "sources");
    return out;
  }

  const fs::path& folder() const { return folder_; }

private:
  std::string library(const std::string& hashes) const { return (folder_ / (sha256(hashes) + ".so")).string(); }

  fs::path folder_;
};

}  // namespace

Words words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

Compiled compile(const std::string& source, const Words& flags) {
  if (!fs::is_regular_file(source)) throw std::runtime_error("'" + source + "' is no file");
  const char *chosen = std::getenv("CXX"), *more = std::getenv("WEIR_CXXFLAGS");
  auto command = words_of(chosen && *chosen ? chosen : "c++");
  const auto compiler = found_in_path(command.front());
  if (compiler.empty())
    throw std::runtime_error("there is no C++ compiler '" + command.front() + "': install g++ (12 or later), or set CXX");
  // Without -fno-gnu-unique a reloaded library would go on with the old one's descriptions of its events.
  for (const char* flag : {"-std=c++20", "-O2", "-fPIC", "-shared", "-fno-gnu-unique", "-pthread"}) command.emplace_back(flag);
  for (auto& flag : include_flags()) command.push_back(std::move(flag));
  for (auto& flag : words_of(more ? more : "")) command.push_back(std::move(flag));
  command.insert(command.end(), flags.begin(), flags.end());

  const auto path = fs::canonical(source).string();
  std::string key = path + "\n" + identity(compiler) + "\n" + identity("/proc/self/exe") + "\n" WEIR_ABI;
  for (const auto& word : command) key += "\n" + word;
  const auto cache = cache_folder();
  fs::create_directories(cache.parent_path());
  make_private_folder(cache);
  const Entry entry(cache / sha256(key));
  make_private_folder(entry.folder());
  if (auto found = entry.find()) return *found;

  const auto made = entry.folder() / ("made." + std::to_string(::getpid()) + ".so");
  const auto rule = entry.folder() / ("made." + std::to_string(::getpid()) + ".d");
  for (const auto& word : {path, std::string("-MMD"), std::string("-MF"), rule.string(), std::string("-o"), made.string()})
    command.push_back(word);
  const auto status = run(command);
  if (status != 0) {
    fs::remove(rule);
    throw std::runtime_error("'" + source + "' does not compile");
  }
  auto out = entry.keep(made, rule);
  fs::remove(rule);
  return out;
}

}  // namespace weir::cli
