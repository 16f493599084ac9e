// What is UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::utf8 {

/// Length of the character at the start of `text`, which is not empty: 1 to 4 bytes, or 0 when it is malformed.
std::size_t length_of_first(std::string_view text);
/// Its number, of `length` bytes as length_of_first() says.
char32_t first(std::string_view text, std::size_t length);

/// Malformed bytes become U+FFFD, each, as decoders of the web do.
std::string repaired(std::string_view text);

}  // namespace weir::utf8
