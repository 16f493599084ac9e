// Shared libraries with workflows, opened.
#pragma once

#include <weir/server.hpp>

#include <string>

namespace weir::cli {

/// Stays open until the process ends: runs may be in its code.
class Plugin {
public:
  enum class Kind {
    own_build,   ///< this program has compiled it
    as_it_is,    ///< nobody writes to it while this process lives
    may_change,  ///< loaded from a copy: $ORIGIN is another folder then
  };
  /// `file` names it in messages. Throws std::runtime_error with why it cannot be used: it was built for another Weir, needs what is not
  /// there, exports nothing, or ends the process while it is loaded.
  Plugin(const std::string& library, std::string file, Kind kind);

  /// The file is a program of its own, which makes its server in main().
  bool is_program() const noexcept { return main_ != nullptr; }
  /// Throws std::runtime_error with what the file's function threw.
  void add_workflows(WorkflowServer& server) const;
  int run(int argc, char** argv) const { return main_(argc, argv); }

private:
  std::string file_, owner_;
  void (*add_workflows_)(WorkflowServer&) = nullptr;
  int (*main_)(int, char**) = nullptr;
};

/// The whole of what a process does that is started with this flag and a library: it loads it, and ends in order if that does not end it.
inline constexpr const char* probe_flag = "--probe-library";
[[noreturn]] int probe(const char* library);

}  // namespace weir::cli
