#include "without_folders.hpp"

namespace weir::http {
namespace {

/// What ends a path that began after `c`; 0: none begins there.
char end_after(char c) {
  switch (c) {
    case '\'':
    case '"': return c;
    case '[': return ']';
    default: return 0;
  }
}

}  // namespace

std::string without_folders(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    const char last = end_after(text[i]);
    if (last == 0 || i + 1 == text.size() || text[i + 1] != '/') continue;
    const auto end = text.find(last, i + 1);
    if (end == text.npos) continue;
    const auto path = text.substr(i + 1, end - i - 1);
    out += path.substr(path.rfind('/') + 1);
    i = end - 1;
  }
  return out;
}

}  // namespace weir::http
