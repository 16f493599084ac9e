// Libraries by what they were compiled of. Safe against processes that use it at the same time, and against a process or a machine that
// ends in the middle: a library is there whole or not at all, and what is damaged is compiled again.
#pragma once

#include "file_state.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace weir::cli {

std::string sha256(const std::string& text);
std::string content_of(const std::filesystem::path& path);

struct Compiled {
  std::string library;  ///< path of the shared library
  Sources sources;      ///< the source and the headers it includes, but for the system's, as they were compiled
};

/// Where weir keeps libraries: $XDG_CACHE_HOME/weir, or ~/.cache/weir. Where nothing can be written there, a folder of this process's own,
/// which goes with it; the reason is told to standard error. Throws std::runtime_error when somebody else may write there.
std::filesystem::path cache_folder();

/// The libraries that one command makes of one source. In its folder are, for each, HASH.so and HASH.sum with the hash of the library's
/// own content, where HASH is that of its sources; and `sources`, the paths that the last one was made of.
class CompileCache {
public:
  explicit CompileCache(std::filesystem::path folder);

  const std::filesystem::path& folder() const { return folder_; }
  std::optional<Compiled> find() const;
  /// `made` is moved into the cache. Nothing, and `made` stays, when a source has changed since `begun`, a state of the clock that
  /// files get their times from: then nobody knows which text was compiled.
  std::optional<Compiled> keep(const std::filesystem::path& made, const std::vector<std::string>& paths, const timespec& begun) const;

private:
  std::filesystem::path folder_;
};

/// Of the clock that files get their times from.
timespec file_clock();

}  // namespace weir::cli
