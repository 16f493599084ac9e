#include "watch.hpp"

#include "compile.hpp"

#include <weir/time.hpp>

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <spawn.h>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>

extern char** environ;

namespace weir::cli {
namespace {

namespace fs = std::filesystem;

constexpr auto interval = std::chrono::milliseconds(200);

using Times = std::map<std::string, fs::file_time_type>;

/// An editor may have taken a file away for a moment: what cannot be looked at has not changed.
Times times_of(const std::vector<std::string>& files, const Times& before) {
  Times out;
  for (const auto& file : files) {
    std::error_code error;
    const auto time = fs::last_write_time(file, error);
    const auto known = before.find(file);
    if (!error) out[file] = time;
    else if (known != before.end()) out[file] = known->second;
  }
  return out;
}

/// The words this process was started with, but for --watch.
std::vector<std::string> own_command() {
  std::ifstream file("/proc/self/cmdline");
  std::vector<std::string> out;
  for (std::string word; std::getline(file, word, '\0');)
    if (word != "--watch") out.push_back(word);
  return out;
}

pid_t spawn(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  // The child gets the signals that this process keeps for sigwait().
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t child = 0;
  const auto error = ::posix_spawn(&child, "/proc/self/exe", nullptr, &attributes, arguments.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) throw std::runtime_error("the server cannot be started");
  return child;
}

void end(pid_t child) {
  ::kill(child, SIGTERM);
  ::waitpid(child, nullptr, 0);
}

}  // namespace

FileWatch::FileWatch(std::vector<std::string> files, std::function<std::vector<std::string>()> changed) : changed_(std::move(changed)) {
  // Signals are for the thread that serves.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this, files = std::move(files)]() mutable { watch(std::move(files)); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

FileWatch::~FileWatch() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  ending_.notify_all();
  thread_.join();
}

void FileWatch::watch(std::vector<std::string> files) {
  auto times = times_of(files, {});
  std::unique_lock lock(mutex_);
  while (!ending_.wait_until(lock, later(std::chrono::steady_clock::now(), interval), [&] { return ended_; })) {
    auto now = times_of(files, times);
    if (now == times) continue;
    times = std::move(now);
    try {
      files = changed_();
      times = times_of(files, times);
    } catch (const std::exception& error) { std::cerr << "weir: " << error.what() << ": what was loaded before stays\n"; } catch (...) {
      std::cerr << "weir: a file could not be loaded: what was loaded before stays\n";
    }
  }
}

int watch_program(const std::string& source, std::vector<std::string> files, const std::vector<std::string>& flags) {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const auto command = own_command();
  std::mutex mutex;  // of `server`
  auto server = spawn(command);
  {
    const FileWatch watch(std::move(files), [&] {
      auto compiled = compile(source, flags);
      const std::lock_guard lock(mutex);
      end(server);
      server = spawn(command);
      std::cerr << "weir: restarted " << source << '\n';
      return compiled.sources;
    });
    int signal = 0;
    ::sigwait(&signals, &signal);
  }
  const std::lock_guard lock(mutex);
  end(server);
  return 0;
}

}  // namespace weir::cli
