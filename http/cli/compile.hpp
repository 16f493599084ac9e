// C++ sources into shared libraries, once.
#pragma once

#include <string>
#include <vector>

namespace weir::cli {

struct Compiled {
  std::string library;               ///< path of the shared library
  std::vector<std::string> sources;  ///< the source and the headers it includes, but for the system's
};

/// Compiles with the installed compiler ($CXX, else c++) and the headers of this weir; `flags` and $WEIR_CXXFLAGS are appended.
/// The result stays in $XDG_CACHE_HOME/weir, or ~/.cache/weir, until the source, a header, the flags, the compiler or weir
/// change. The compiler's messages go to standard error as they are. Throws std::runtime_error when there is no library.
Compiled compile(const std::string& source, const std::vector<std::string>& flags);

/// Splits at spaces.
std::vector<std::string> words_of(const std::string& text);

}  // namespace weir::cli
