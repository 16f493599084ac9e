#include "plugin.hpp"

#include "process.hpp"

#include "actors/runtime/declare/workflow_owner.hpp"

#include <weir/plugin.hpp>

#include <dlfcn.h>
#include <elf.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>

namespace weir::cli {

namespace {

/// As far as the file's own tables reach: a library that is being written is not whole.
bool is_whole(const std::string& content) {
  Elf64_Ehdr head;
  if (content.size() < sizeof head) return false;
  std::memcpy(&head, content.data(), sizeof head);
  if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0) return true;  // dlopen() says what it is
  const auto fits = [&](std::uint64_t begin, std::uint64_t size) { return begin <= content.size() && size <= content.size() - begin; };
  if (!fits(head.e_shoff, std::uint64_t{head.e_shnum} * head.e_shentsize) ||
      !fits(head.e_phoff, std::uint64_t{head.e_phnum} * head.e_phentsize))
    return false;
  for (int i = 0; i < head.e_phnum; ++i) {
    Elf64_Phdr part;
    std::memcpy(&part, content.data() + head.e_phoff + static_cast<std::uint64_t>(i) * head.e_phentsize, sizeof part);
    if (part.p_type == PT_LOAD && !fits(part.p_offset, part.p_filesz)) return false;
  }
  return true;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

bool is_loaded(const std::string& path) {
  void* loaded = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  if (loaded) ::dlclose(loaded);
  return loaded != nullptr;
}

/// A path that is loaded already would give the old code again, and a file that is written over changes under the code that runs.
class Copy {
public:
  Copy(const std::string& path, const std::string& content) {
    const auto folder = std::filesystem::temp_directory_path();
    path_ = (folder / "weir-load-XXXXXX").string();
    const int file = ::mkstemp(path_.data());
    if (file < 0) throw std::runtime_error("no copy of '" + path + "' can be made in " + folder.string());
    ::close(file);
    std::ofstream written(path_, std::ios::binary);
    written << content << std::flush;
    if (!written) {
      remove();
      throw std::runtime_error("no copy of '" + path + "' can be made in " + folder.string() + ": is it full?");
    }
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
  }
  ~Copy() { remove(); }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  const std::string& path() const { return path_; }

private:
  void remove() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  std::string path_;
};

/// What a library does while it is loaded may end the process: another one tries it first.
void try_in_a_process(const std::string& library, const std::string& file) {
  const auto child = spawn("/proc/self/exe", {"weir", probe_flag, library});
  if (!child) return;
  const int status = wait_for(*child);
  if (WIFSIGNALED(status))
    throw std::runtime_error("'" + file + "' cannot be loaded: it ends the process while it is loaded (" + ::strsignal(WTERMSIG(status)) +
                             "). Does the constructor of a global throw?");
}

}  // namespace

int probe(const char* library) {
  (void)::dlopen(library, RTLD_NOW | RTLD_LOCAL);  // what is wrong is told by who asked
  std::_Exit(0);
}

Plugin::Plugin(const std::string& library, std::string file, Kind kind)
    : file_(std::move(file)), owner_(std::filesystem::absolute(file_).lexically_normal().string()) {
  // Types that a changed file brings again take the place of those it brought before.
  const detail::EventTypeOwner owner(owner_);
  const auto content = content_of(library);
  if (!is_whole(content)) throw std::runtime_error("'" + file_ + "' is no whole library: is it being written?");
  const auto itself = std::filesystem::absolute(library).string();
  std::optional<Copy> copy;
  if (kind == Kind::may_change || is_loaded(itself)) copy.emplace(library, content);
  const auto path = copy ? copy->path() : itself;
  try_in_a_process(path, file_);
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    std::string why = ::dlerror();
    if (const auto at = why.find(path); at != why.npos) why.replace(at, path.size(), itself);
    throw std::runtime_error("'" + file_ + "' cannot be loaded: " + why);
  }
  const auto symbol = [&](const char* name) { return ::dlsym(handle, name); };
  const auto abi = reinterpret_cast<const char* (*)()>(symbol("weir_plugin_abi"));
  if (abi && std::string_view(abi()) != WEIR_ABI)
    throw std::runtime_error("'" + file_ + "' was built for another Weir (" + abi() +
                             "; this is " WEIR_ABI "): build it again with the headers of this one");
  if (abi) add_workflows_ = reinterpret_cast<void (*)(WorkflowServer&)>(symbol("weir_plugin_add_workflows"));
  if (kind == Kind::own_build && !add_workflows_) main_ = reinterpret_cast<int (*)(int, char**)>(symbol("main"));
  if (!add_workflows_ && !main_)
    throw std::runtime_error("'" + file_ + "' exports no workflows: add WEIR_EXPORT(server) { server.add_workflow<...>(\"name\"); }" +
                             (kind == Kind::own_build ? ", or a main() that ends with server.main(argc, argv)" : ""));
}

void Plugin::add_workflows(WorkflowServer& server) const {
  const detail::WorkflowOwner owner(owner_);
  try {
    add_workflows_(server);
  } catch (const std::exception& error) { throw std::runtime_error("'" + file_ + "': " + error.what()); } catch (...) {
    throw std::runtime_error("'" + file_ + "' threw something that is no std::exception");
  }
}

}  // namespace weir::cli
