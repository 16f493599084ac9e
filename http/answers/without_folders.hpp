// What clients are told of the server's files: their names, not where they are.
#pragma once

#include <string>
#include <string_view>

namespace weir::http {

/// Absolute paths in quotes or brackets, as errors of the store and the standard library write them, become the file's name.
std::string without_folders(std::string_view text);

}  // namespace weir::http
