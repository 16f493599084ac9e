#include "watch.hpp"

#include "compile.hpp"
#include "process.hpp"
#include "verbs.hpp"

#include <weir/printable.hpp>
#include <weir/time.hpp>

#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>

namespace weir::cli {
namespace {

constexpr auto interval = std::chrono::milliseconds(200);

/// The same files as they are now. An editor may have taken one away for a moment: what cannot be looked at has not changed.
Sources as_they_are(const Sources& before) {
  Sources out = before;
  for (auto& source : out)
    if (auto state = file_state(source.path); !state.empty()) source.state = std::move(state);
  return out;
}

bool same(const Sources& a, const Sources& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Source& x, const Source& y) { return x.path == y.path && x.state == y.state; });
}

/// What files were loaded, and with which states that has failed.
class Changes {
public:
  explicit Changes(Sources loaded) : loaded_(std::move(loaded)) {}

  /// Calls `load` when a file is not as it was loaded, nor as it was when it could not be. It returns what it has loaded, with the states
  /// that it has seen: what is saved meanwhile is another change.
  void look(const std::function<Sources()>& load) {
    auto now = as_they_are(loaded_);
    if (same(now, loaded_) || same(now, failed_)) return;
    try {
      loaded_ = load();
      failed_.clear();
      return;
    } catch (const std::exception& error) {
      std::cerr << "weir: " << printable_lines(error.what()) << ": what was loaded before stays\n";
    } catch (...) { std::cerr << "weir: a file could not be loaded: what was loaded before stays\n"; }
    failed_ = std::move(now);
  }

private:
  Sources loaded_, failed_;
};

/// The words this process was started with, but for --watch.
std::vector<std::string> own_command() {
  std::ifstream file("/proc/self/cmdline");
  std::vector<std::string> out;
  for (std::string word; std::getline(file, word, '\0');)
    if (word != "--watch") out.push_back(word);
  return out;
}

constexpr const char* parent_variable = "WEIR_WATCHED_BY";

sigset_t watched_signals() {
  sigset_t out;
  ::sigemptyset(&out);
  for (const int signal : {SIGINT, SIGTERM}) ::sigaddset(&out, signal);
  return out;
}

/// 0: none came in that time.
int next_signal(std::chrono::milliseconds time) {
  const auto signals = watched_signals();
  const timespec limit{.tv_sec = time.count() / 1000, .tv_nsec = time.count() % 1000 * 1'000'000};
  return std::max(0, ::sigtimedwait(&signals, nullptr, &limit));
}

/// A server in a process of its own.
class Program {
public:
  using Clock = std::chrono::steady_clock;
  Program(std::string name, std::vector<std::string> command) : name_(std::move(name)), command_(std::move(command)) { start(); }
  ~Program() { end(); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void restart() {
    end();
    pause_ = first_pause;
    start();
  }
  /// Tells when it has ended by itself, and starts it again after a pause.
  void look() {
    int status = 0;
    if (child_ > 0 && ::waitpid(child_, &status, WNOHANG) == child_) ended(status);
    if (due_ && Clock::now() >= *due_) start();
  }
  /// As by Ctrl+C. One that does not end, or another signal, kills it.
  void end() {
    due_.reset();
    if (child_ <= 0) return;
    ::kill(child_, SIGTERM);
    for (const auto until = later(Clock::now(), ends_within); ::waitpid(child_, nullptr, WNOHANG) == 0;)
      if (next_signal(std::chrono::milliseconds(20)) != 0 || Clock::now() > until) ::kill(child_, SIGKILL);
    child_ = 0;
  }

private:
  static constexpr std::chrono::seconds first_pause{1}, longest_pause{30}, settled_after{10};
  static constexpr std::chrono::minutes ends_within{2};

  void start() {
    due_.reset();
    ::setenv(parent_variable, std::to_string(::getpid()).c_str(), 1);
    const auto child = spawn("/proc/self/exe", command_);
    if (!child) throw std::runtime_error("the server cannot be started");
    child_ = *child;
    started_ = Clock::now();
  }

  void ended(int status) {
    child_ = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
      std::cerr << "weir: " << name_ << " has ended; it is started again when it changes\n";
      return;
    }
    if (Clock::now() > later(started_, settled_after)) pause_ = first_pause;
    std::cerr << "weir: " << name_
              << (WIFSIGNALED(status) ? std::string(" was ended by a signal (") + ::strsignal(WTERMSIG(status)) + ")"
                                      : " has ended with exit code " + std::to_string(WEXITSTATUS(status)))
              << "; it is started again in " << pause_.count() << " s, or when it changes\n";
    due_ = later(Clock::now(), pause_);
    pause_ = std::min(pause_ * 2, longest_pause);
  }

  const std::string name_;
  const std::vector<std::string> command_;
  pid_t child_ = 0;
  Clock::time_point started_;
  std::chrono::seconds pause_ = first_pause;
  std::optional<Clock::time_point> due_;  ///< for its next start
};

}  // namespace

void end_with_parent() {
  const char* parent = std::getenv(parent_variable);
  if (!parent) return;
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  const bool is_there = std::to_string(::getppid()) == parent;
  ::unsetenv(parent_variable);
  if (!is_there) std::_Exit(exit_code::interrupted);
}

FileWatch::FileWatch(Sources loaded, std::function<Sources()> load) : load_(std::move(load)) {
  // Signals are for the thread that serves.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this, loaded = std::move(loaded)]() mutable { watch(std::move(loaded)); });
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

void FileWatch::watch(Sources loaded) {
  Changes changes(std::move(loaded));
  std::unique_lock lock(mutex_);
  while (!ending_.wait_until(lock, later(std::chrono::steady_clock::now(), interval), [&] { return ended_; })) {
    lock.unlock();
    changes.look(load_);
    lock.lock();
  }
}

int watch_program(const std::string& source, Sources loaded, const std::vector<std::string>& flags) {
  const auto signals = watched_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  Changes changes(std::move(loaded));
  Program program(source, own_command());
  while (next_signal(interval) == 0) {
    program.look();
    changes.look([&] {
      const Source itself{source, file_state(source)};
      auto compiled = compile(source, flags);
      program.restart();
      std::cerr << "weir: restarted " << source << '\n';
      compiled.sources.push_back(itself);
      return compiled.sources;
    });
  }
  return exit_code::done;
}

}  // namespace weir::cli
