// C++ sources into shared libraries, once.
#pragma once

#include "compile_cache.hpp"

#include <string>
#include <vector>

namespace weir::cli {

/// Compiles with the installed compiler ($CXX, else c++) and the headers of this weir; `flags` and $WEIR_CXXFLAGS are appended.
/// The result stays in $XDG_CACHE_HOME/weir, or ~/.cache/weir, until the source, a header, the flags, the compiler or weir
/// change. What is done, and how long it took, goes to standard error, and so do the compiler's messages, as they are. Throws
/// std::runtime_error when there is no library.
Compiled compile(const std::string& source, const std::vector<std::string>& flags);

/// What pkg-config says of these: throws std::runtime_error when it knows one not.
std::vector<std::string> flags_of_packages(const std::vector<std::string>& packages);

/// Splits at spaces.
std::vector<std::string> words_of(const std::string& text);

}  // namespace weir::cli
