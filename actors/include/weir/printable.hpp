// Text from elsewhere, made fit for a line of a log or a terminal.
#pragma once

#include <string>
#include <string_view>

namespace weir {

/// Control characters, line separators and marks that turn the direction of writing become \n, \t, \u001b and the like, bytes that are
/// no UTF-8 \xff. What is left of JSON is the same JSON.
std::string printable(std::string_view text);
/// The same, but line breaks stay: for texts of several lines of our own.
std::string printable_lines(std::string_view text);

}  // namespace weir
