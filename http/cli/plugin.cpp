#include "plugin.hpp"

#include <weir/plugin.hpp>

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace weir::cli {

namespace {

/// A path that is loaded already would give the old code again, so a changed library is loaded from a copy.
void* open_library(const std::string& path) {
  constexpr int how = RTLD_NOW | RTLD_LOCAL;
  void* loaded = ::dlopen(path.c_str(), how | RTLD_NOLOAD);
  if (!loaded) return ::dlopen(path.c_str(), how);
  ::dlclose(loaded);
  std::string copy = (std::filesystem::temp_directory_path() / "weir-reload-XXXXXX").string();
  const int file = ::mkstemp(copy.data());
  if (file < 0) throw std::runtime_error("no copy of '" + path + "' can be made in " + std::filesystem::temp_directory_path().string());
  ::close(file);
  std::filesystem::copy_file(path, copy, std::filesystem::copy_options::overwrite_existing);
  void* out = ::dlopen(copy.c_str(), how);
  std::filesystem::remove(copy);
  return out;
}

}  // namespace

Plugin::Plugin(const std::string& library, std::string file, bool own_build) : file_(std::move(file)) {
  // Types that a changed file brings again take the place of those it brought before.
  const detail::EventTypeOwner owner(std::filesystem::weakly_canonical(file_).string());
  void* handle = open_library(std::filesystem::absolute(library).string());
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
  } catch (const std::exception& error) { throw std::runtime_error("'" + file_ + "': " + error.what()); } catch (...) {
    throw std::runtime_error("'" + file_ + "' threw something that is no std::exception");
  }
}

}  // namespace weir::cli
