// The verbs of the command line: each file adds some to the application and, when one is called, leaves in `chosen` what is
// to be done after everything has been parsed.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace weir::cli {

/// Returns the exit code. Throws std::exception with a sentence for the user.
using Chosen = std::function<int()>;

namespace exit_code {
constexpr int done = 0;
constexpr int run_failed = 1;     ///< the run failed or was cancelled; db check: problems were found
constexpr int output_lost = 1;    ///< standard output could not be written
constexpr int wrong_usage = 2;    ///< an option, an argument or a file is wrong
constexpr int unreachable = 3;    ///< the server cannot be reached, or did not answer in time
constexpr int not_found = 4;      ///< no such workflow, handler or run
constexpr int refused = 5;        ///< the server refused the request
constexpr int interrupted = 130;  ///< Ctrl+C
}  // namespace exit_code

inline constexpr const char* footer =
    "Exit codes: 0 done, 1 the run failed or was cancelled, or the output could not be written, 2 wrong usage, 3 the server cannot be reached, 4 not found,\n"
    "5 refused by the server, 130 interrupted.\n"
    "Verbs that talk to a server use --server, else WEIR_SERVER, else http://127.0.0.1:8080.";

void add_serve(CLI::App& app, Chosen& chosen);                ///< serve
void add_run_verbs(CLI::App& app, Chosen& chosen);            ///< run, start, watch, send, ask
void add_look_verbs(CLI::App& app, Chosen& chosen);           ///< workflows, list, show, resume, cancel
void add_graph(CLI::App& app, Chosen& chosen);                ///< graph
void add_documentation_verbs(CLI::App& app, Chosen& chosen);  ///< completion, man

}  // namespace weir::cli
