#include "compile.hpp"

#include "process.hpp"

#include <weir/plugin.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace weir::cli {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

fs::path own_folder() { return fs::canonical("/proc/self/exe").parent_path(); }

/// Beside an installed weir, or where its build says.
Words include_flags() {
  const auto installed = own_folder().parent_path() / "include";
  if (fs::exists(installed / "weir/weir.hpp")) return {"-I" + installed.string()};
  Words out;
  for (const auto& folder : words_of(content_of(own_folder() / "weir.includes"))) out.push_back("-I" + folder);
  if (out.empty()) throw std::runtime_error("Weir's headers are missing at " + installed.string() + ": install the package libweir-dev");
  return out;
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

/// The text that a program writes; nothing when it fails.
std::optional<std::string> output_of(Words command) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  const auto child = spawn(command.front(), command, &actions);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  std::string out;
  std::array<char, 4096> piece;
  for (ssize_t count = 0; child && (count = ::read(ends[0], piece.data(), piece.size())) > 0;)
    out.append(piece.data(), static_cast<std::size_t>(count));
  ::close(ends[0]);
  return child && wait_for(*child) == 0 ? std::optional(out) : std::nullopt;
}

std::string seconds_since(std::chrono::steady_clock::time_point begun) {
  const auto tenths = std::chrono::round<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun).count() / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

/// Files of one attempt, which others cannot be using.
class Attempt {
public:
  explicit Attempt(const fs::path& folder) {
    std::string made = (folder / "made-XXXXXX").string();
    const int file = ::mkstemp(made.data());
    if (file < 0) throw std::system_error(errno, std::generic_category(), "no file can be made in " + folder.string());
    ::close(file);
    library_ = made;
  }
  ~Attempt() {
    std::error_code ignored;
    fs::remove(library_, ignored);
    fs::remove(rule(), ignored);
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  const fs::path& library() const { return library_; }
  fs::path rule() const { return library_.string() + ".d"; }

private:
  fs::path library_;
};

/// Again, when a source was saved meanwhile: the newest text is meant.
Compiled make(const CompileCache& cache, const std::string& source, const Words& command) {
  constexpr int attempts_max = 20;
  for (int i = 0; i < attempts_max; ++i) {
    std::cerr << "weir: compiling " << source << (i ? ", which was saved meanwhile" : "") << '\n';
    const auto begun = std::chrono::steady_clock::now();
    const auto clock = file_clock();
    const Attempt attempt(cache.folder());
    auto words = command;
    for (const auto& word :
         {std::string("-MMD"), std::string("-MF"), attempt.rule().string(), std::string("-o"), attempt.library().string()})
      words.push_back(word);
    const auto child = spawn(words.front(), words);
    if (!child || wait_for(*child) != 0) throw std::runtime_error("'" + source + "' does not compile");
    if (auto kept = cache.keep(attempt.library(), dependencies_in(content_of(attempt.rule())), clock)) {
      std::cerr << "weir: compiled " << source << " in " << seconds_since(begun) << '\n';
      return std::move(*kept);
    }
  }
  throw std::runtime_error("'" + source + "' is saved more often than it can be compiled");
}

}  // namespace

Words words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

Words flags_of_packages(const Words& packages) {
  Words out;
  for (const auto& package : packages) {
    const auto flags = output_of({"pkg-config", "--cflags", "--libs", "--", package});
    if (!flags)
      throw std::runtime_error("--with " + package +
                               ": pkg-config does not know it. Is its -dev package installed? `pkg-config --list-all` shows "
                               "what there is");
    for (auto& flag : words_of(*flags)) out.push_back(std::move(flag));
  }
  return out;
}

Compiled compile(const std::string& source, const Words& flags) {
  if (!fs::is_regular_file(source)) throw std::runtime_error("'" + source + "' is no file");
  const char *chosen = std::getenv("CXX"), *more = std::getenv("WEIR_CXXFLAGS");
  auto command = words_of(chosen && *chosen ? chosen : "c++");
  const auto compiler = command.empty() ? fs::path() : found_in_path(command.front());
  if (compiler.empty())
    throw std::runtime_error("there is no C++ compiler '" + (command.empty() ? "" : command.front()) +
                             "': install g++ (12 or later), or set CXX");
  const auto path = fs::canonical(source).string();
  // Without -fno-gnu-unique a reloaded library would go on with the old one's descriptions of its events.
  for (const char* flag : {"-std=c++20", "-O2", "-fPIC", "-shared", "-fno-gnu-unique", "-pthread"}) command.emplace_back(flag);
  for (auto& flag : include_flags()) command.push_back(std::move(flag));
  command.push_back(path);
  // Behind the source: linkers take from a library what those before it miss.
  for (auto& flag : words_of(more ? more : "")) command.push_back(std::move(flag));
  command.insert(command.end(), flags.begin(), flags.end());

  std::string key = identity(compiler) + "\n" + identity("/proc/self/exe") + "\n" WEIR_ABI;
  for (const auto& word : command) key += "\n" + word;
  const CompileCache cache(cache_folder() / sha256(key));
  if (auto found = cache.find()) {
    std::cerr << "weir: " << source << " is compiled already (" << found->library << ")\n";
    return *found;
  }
  return make(cache, source, command);
}

}  // namespace weir::cli
