// How long handlers are kept after their end.
#pragma once

#include <weir/codec.hpp>

#include <optional>

namespace weir {

/// By how they ended; empty: for ever.
struct Retention {
  std::optional<Duration> completed = {}, failed = {}, cancelled = {};

  bool any() const noexcept { return completed || failed || cancelled; }
};

}  // namespace weir
