// Loading files again when they change.
#pragma once

#include "file_state.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace weir::cli {

/// Calls `load` on a thread of its own when any of the files is not as it was loaded; it returns what it has loaded, each file in the state
/// in which it was read. What it throws is printed, and what was loaded before stays until a file changes again.
class FileWatch {
public:
  FileWatch(Sources loaded, std::function<Sources()> load);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

private:
  void watch(Sources loaded);

  std::function<Sources()> load_;
  std::mutex mutex_;
  std::condition_variable ending_;
  bool ended_ = false;
  std::thread thread_;
};

/// Runs `weir serve` without --watch in a process of its own, and again, when the source has changed and compiles. Until then
/// the old one serves; it is ended as by Ctrl+C, so what its store keeps goes on in the new one. One that ends by itself is told and,
/// unless it ended in order, started again after growing pauses. Returns when interrupted.
int watch_program(const std::string& source, Sources loaded, const std::vector<std::string>& flags);

/// At the start of a process: one that watch_program() has started ends with it, however that ends.
void end_with_parent();

}  // namespace weir::cli
