#include "stop_signals.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <stdexcept>

namespace weir::http {
namespace {

constexpr std::array signals{SIGINT, SIGTERM};
/// The pipes of those who wait, each as its number and one: 0 is none. The handler may only touch what is lock-free.
constinit std::array<std::atomic<int>, 64> pipes{};
static_assert(std::atomic<int>::is_always_lock_free);

/// What the program had set.
struct Before {
  std::mutex mutex;
  int waiting = 0;
  std::array<struct sigaction, signals.size()> actions{};
};
Before& before() {
  static auto* const out = new Before;  // servers may go while the process ends
  return *out;
}

void wake_all(int) {
  const int error = errno;
  for (const auto& pipe : pipes)
    if (const int end = pipe.load(); end != 0) (void)!::write(end - 1, "x", 1);
  errno = error;
}

void take_signals() {
  auto& known = before();
  const std::lock_guard lock(known.mutex);
  if (known.waiting++ > 0) return;
  for (std::size_t i = 0; i < signals.size(); ++i) {
    struct sigaction action {};
    action.sa_handler = &wake_all;
    action.sa_flags = SA_RESTART;
    ::sigaction(signals[i], nullptr, &known.actions[i]);
    if (known.actions[i].sa_handler != SIG_IGN) ::sigaction(signals[i], &action, nullptr);
  }
}

void give_signals_back() {
  auto& known = before();
  const std::lock_guard lock(known.mutex);
  if (--known.waiting > 0) return;
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &known.actions[i], nullptr);
}

}  // namespace

StopSignals::StopSignals() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe can be made: too many files are open");
  read_end_ = ends[0];
  write_end_ = ends[1];
  ::fcntl(write_end_, F_SETFL, O_NONBLOCK);
  const auto put = [this](std::atomic<int>& pipe) {
    int expected = 0;
    return pipe.compare_exchange_strong(expected, write_end_ + 1);
  };
  if (std::any_of(pipes.begin(), pipes.end(), put)) {
    take_signals();
    return;
  }
  ::close(read_end_);
  ::close(write_end_);
  throw std::runtime_error("too many servers wait for a signal");
}

StopSignals::~StopSignals() {
  give_signals_back();
  for (auto& pipe : pipes) {
    int expected = write_end_ + 1;
    if (pipe.compare_exchange_strong(expected, 0)) break;
  }
  ::close(write_end_);
  ::close(read_end_);
}

void StopSignals::wait() const {
  char byte = 0;
  while (::read(read_end_, &byte, 1) < 0 && errno == EINTR) {}
}

void StopSignals::wake() const noexcept { (void)!::write(write_end_, "x", 1); }

}  // namespace weir::http
