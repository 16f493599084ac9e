// How many files this process may have open, and so how many connections.
#pragma once

#include <cstddef>

namespace weir::http {

/// Raises the process's limit of open files as far as it may, and says what it is now.
std::size_t raise_open_files();

/// How many of `wanted` connections there may be when `files` may be open: some are kept for the store, for libraries and
/// for what the program opens itself.
std::size_t connections_within(std::size_t files, std::size_t wanted);

}  // namespace weir::http
