// Numbers and times in texts, as the protocol reads them: blanks around, underscores between digits, zeros behind the point.
#pragma once

#include <weir/time.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::codec {

/// An integer of any size: `magnitude` is of those that 64 bits hold.
struct Whole {
  bool negative = false;
  std::uint64_t magnitude = 0;
  bool too_large = false;

  bool less_than(std::int64_t bound) const noexcept;
  bool greater_than(std::uint64_t bound) const noexcept { return !negative && (too_large || magnitude > bound); }
};

std::optional<Whole> whole_of(std::string_view text);
/// Of a number without a fractional part.
Whole whole_of(double number);
/// "1.5", "1_000", "1e3", "inf", "nan". What is too large is an infinity; `named` tells whether it was written as one.
struct Real {
  double value = 0;
  bool named = false;
};
std::optional<Real> real_of(std::string_view text);

/// "2026-03-01T08:00:00.120045+01:00" and the like; the years 0001 to 9999, others with a sign and six digits.
std::optional<Time> time_of(std::string_view text);
/// Seconds since 1970, or milliseconds where they are many, in the years 1 to 9999.
std::optional<Time> time_of(double number);

}  // namespace weir::codec
