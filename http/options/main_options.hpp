// What WorkflowServer::main reads.
#pragma once

#include <weir/server.hpp>

#include <string>

namespace weir::detail {

/// The address of servers that were not given one. `weir serve` changes it before it loads anything.
std::string& default_host();

/// From now on workflows that are added take the place of those of the same name and version.
void replace_workflows(WorkflowServer& server);

/// Flags, environment and configuration file over `options`. False when the program should end with `exit_code`, because help
/// or the configuration was asked for, or an option does not exist. Throws std::invalid_argument on a value that is none.
bool parse_main_options(ServerOptions& options, int argc, char** argv, int& exit_code);

}  // namespace weir::detail
