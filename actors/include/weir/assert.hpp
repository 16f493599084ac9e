// What must hold, checked in every build: where it does not, to go on would do more harm than to stop.
#pragma once

namespace weir::detail {

/// Says what did not hold, where and what it means, on standard error, and aborts.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line, const char* meaning) noexcept;

}  // namespace weir::detail

/// For what only a fault in Weir itself can break, and that is cheap to check; `meaning` is a sentence. What may be foreseen is an
/// Error or an exception instead.
#define WEIR_ASSERT(condition, meaning) \
  ((condition) ? static_cast<void>(0) : ::weir::detail::assertion_failed(#condition, __FILE__, __LINE__, meaning))
