// API keys from a file.
#pragma once

#include <string>
#include <vector>

namespace weir::http {

/// One key a line; blanks around it, empty lines and lines that begin with # do not count. Throws std::invalid_argument ("must be ...,
/// got ...") when the file cannot be read, is readable for others than its owner (root's may be for a group), or holds no key.
std::vector<std::string> read_key_file(const std::string& path);

}  // namespace weir::http
