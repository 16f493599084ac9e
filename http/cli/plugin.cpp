#include "plugin.hpp"

#include <weir/plugin.hpp>

#include <dlfcn.h>

#include <filesystem>
#include <stdexcept>

namespace weir::cli {

Plugin::Plugin(const std::string& library, std::string file, bool own_build) : file_(std::move(file)) {
  // Types that a changed file brings again take the place of those it brought before.
  const detail::EventTypeOwner owner(std::filesystem::weakly_canonical(file_).string());
  void* handle = ::dlopen(std::filesystem::absolute(library).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) throw std::runtime_error("'" + file_ + "' cannot be loaded: " + ::dlerror());
  const auto symbol = [&](const char* name) { return ::dlsym(handle, name); };
  const auto abi = reinterpret_cast<const char* (*)()>(symbol("weir_plugin_abi"));
  if (abi && std::string_view(abi()) != WEIR_ABI)
    throw std::runtime_error("'" + file_ + "' was built for another Weir (" + abi() +
                             "; this is " WEIR_ABI "): build it again with the headers of this one");
  if (abi) add_workflows_ = reinterpret_cast<void (*)(WorkflowServer&)>(symbol("weir_plugin_add_workflows"));
  if (own_build && !add_workflows_) main_ = reinterpret_cast<int (*)(int, char**)>(symbol("main"));
  if (!add_workflows_ && !main_)
    throw std::runtime_error("'" + file_ + "' exports no workflows: add WEIR_EXPORT(server) { server.add_workflow<...>(\"name\"); }" +
                             (own_build ? ", or a main() that ends with server.main(argc, argv)" : ""));
}

void Plugin::add_workflows(WorkflowServer& server) const {
  try {
    add_workflows_(server);
  } catch (const std::exception& error) { throw std::runtime_error("'" + file_ + "': " + error.what()); }
}

}  // namespace weir::cli
