// Loading files again when they change.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace weir::cli {

/// Calls `changed` on a thread of its own when any of the files has changed; it returns the files to look at from then on. What
/// it throws is printed, and the files stay as they were.
class FileWatch {
public:
  FileWatch(std::vector<std::string> files, std::function<std::vector<std::string>()> changed);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

private:
  void watch(std::vector<std::string> files);

  std::function<std::vector<std::string>()> changed_;
  std::mutex mutex_;
  std::condition_variable ending_;
  bool ended_ = false;
  std::thread thread_;
};

/// Runs `weir serve` without --watch in a process of its own, and again, when the source has changed and compiles. Until then
/// the old one serves; it is ended as by Ctrl+C, so what its store keeps goes on in the new one. Returns when interrupted.
int watch_program(const std::string& source, std::vector<std::string> files, const std::vector<std::string>& flags);

}  // namespace weir::cli
