#include <weir/runtime_options.hpp>

#include <cstdio>

namespace weir {

void log_to_stderr(LogLevel level, std::string_view text) {
  constexpr const char* names[] = {"info", "warning", "error"};
  std::fprintf(stderr, "weir: %s: %.*s\n", names[static_cast<std::size_t>(level)], static_cast<int>(text.size()), text.data());
}

}  // namespace weir
