// Shared libraries with workflows, opened.
#pragma once

#include <weir/server.hpp>

#include <string>

namespace weir::cli {

/// Stays open until the process ends: runs may be in its code.
class Plugin {
public:
  /// `file` names it in messages. Throws std::runtime_error with why it cannot be used: it was built for another Weir, needs
  /// what is not there, or exports nothing. `own_build`: this program has compiled it just so.
  Plugin(const std::string& library, std::string file, bool own_build);

  /// The file is a program of its own, which makes its server in main().
  bool is_program() const noexcept { return main_ != nullptr; }
  /// Throws std::runtime_error with what the file's function threw.
  void add_workflows(WorkflowServer& server) const;
  int run(int argc, char** argv) const { return main_(argc, argv); }

private:
  std::string file_;
  void (*add_workflows_)(WorkflowServer&) = nullptr;
  int (*main_)(int, char**) = nullptr;
};

}  // namespace weir::cli
