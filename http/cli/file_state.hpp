// Which content a file has, without reading it.
#pragma once

#include <string>
#include <vector>

namespace weir::cli {

/// Changes whenever the file does: when it is written, replaced, or a link to it is pointed elsewhere. Empty: there is none.
std::string file_state(const std::string& path);

/// A file, and its state when it was read.
struct Source {
  std::string path, state;
};
using Sources = std::vector<Source>;

}  // namespace weir::cli
