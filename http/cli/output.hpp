// The one place that writes: what arrives at a terminal, in a pipe and in a file.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace weir::cli {

/// For people at a terminal, for people through a pipe, or for programs.
enum class Output { terminal, plain, json };

/// Standard output takes nothing any more: the disk is full, say.
struct OutputLost : std::runtime_error {
  OutputLost();
};

/// A line, without control characters: what servers and runs say cannot reach the terminal.
void print_line(std::string_view text);
/// Brings what was printed to where it goes. Throws OutputLost; call it when somebody may be waiting, and at the end.
void flush_output();

/// What is at the other end of standard output. A terminal that can do nothing (TERM=dumb) is no terminal.
bool at_terminal();
/// At a terminal, and the person has not set NO_COLOR.
bool wants_colours();

/// As one word of a shell.
std::string shell_word(std::string_view text);

}  // namespace weir::cli
