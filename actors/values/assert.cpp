#include <weir/assert.hpp>

#include <cstdio>
#include <cstdlib>

void weir::detail::assertion_failed(const char* expression, const char* file, int line, const char* meaning) noexcept {
  std::fprintf(stderr, "weir: %s:%d: %s (%s does not hold): this is a fault in Weir\n", file, line, meaning, expression);
  std::abort();
}
