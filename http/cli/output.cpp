#include "output.hpp"

#include <weir/printable.hpp>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

namespace weir::cli {
namespace {

std::string named(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

OutputLost::OutputLost() : std::runtime_error(std::string("standard output cannot be written: ") + std::strerror(errno ? errno : EIO)) {}

void print_line(std::string_view text) { std::cout << printable(text) << '\n'; }

void flush_output() {
  errno = 0;
  if (!std::cout.flush()) throw OutputLost();
}

bool at_terminal() { return ::isatty(STDOUT_FILENO) != 0 && named("TERM") != "dumb"; }
bool wants_colours() { return at_terminal() && named("NO_COLOR").empty(); }

std::string shell_word(std::string_view text) {
  constexpr std::string_view harmless = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.,:/@%+=";
  if (!text.empty() && text.find_first_not_of(harmless) == text.npos && text.front() != '-') return std::string(text);
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return (text.starts_with('-') ? "-- " : "") + out + "'";
}

}  // namespace weir::cli
