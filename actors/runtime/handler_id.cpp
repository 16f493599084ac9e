#include "handler_id.hpp"

#include "actors/values/utf8.hpp"

#include <weir/printable.hpp>

#include <string>

namespace weir::runtime {
namespace {

constexpr std::size_t characters_max = 200;

bool is_control(char32_t character) { return character < 0x20 || (character >= 0x7F && character <= 0x9F); }

/// Empty when nothing is wrong.
std::string fault_of(std::string_view id) {
  if (id == "." || id == "..") return "'" + std::string(id) + "'";
  std::size_t characters = 0;
  for (auto rest = id; !rest.empty(); ++characters) {
    if (characters == characters_max) return "more (" + std::to_string(id.size()) + " bytes)";
    const auto length = utf8::length_of_first(rest);
    if (length == 0 || is_control(utf8::first(rest, length))) return "'" + printable(id.substr(0, characters_max)) + "'";
    rest.remove_prefix(length);
  }
  return characters == 0 ? "none" : "";
}

}  // namespace

std::optional<Error> check_handler_id(std::string_view id) {
  const auto fault = fault_of(id);
  if (fault.empty()) return std::nullopt;
  return Error{Code::invalid_argument, "handler_id must have 1 to " + std::to_string(characters_max) +
                                           " characters of UTF-8 without control characters, and be neither '.' nor '..', got " + fault};
}

}  // namespace weir::runtime
