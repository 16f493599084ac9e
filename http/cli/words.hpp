// The words of a command line as they were typed.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace weir::cli {

/// What CLI11 would take for something else (a list in brackets; behind "--", anything) is marked, and unmarked again where it has arrived.
std::vector<std::string> marked_words(int argc, char** argv);
/// For every option and argument of all verbs. Call it when all have been added.
void unmark_words(CLI::App& app);

}  // namespace weir::cli
