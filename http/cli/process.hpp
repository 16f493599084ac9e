// Other processes: started, and waited for.
#pragma once

#include <spawn.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace weir::cli {

/// Starts a program: a path, or a name that PATH has. `words` are what it is called with, its own name first. It gets the signals that this
/// process may be keeping for sigwait(). Empty: it could not be started.
std::optional<pid_t> spawn(const std::string& program, const std::vector<std::string>& words,
                           const posix_spawn_file_actions_t* actions = nullptr);
/// Its status, as waitpid() tells it.
int wait_for(pid_t child);

}  // namespace weir::cli
