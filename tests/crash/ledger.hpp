// Effects that really happened, one line each in the file $CRASH_LEDGER: PROCESS WHAT NONCE. A nonce is never given twice, and it is
// the effect's result: what a run has recorded can be compared with what was done.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

namespace crash {

inline std::string variable(const char* name, const char* fallback) {
  const char* value = std::getenv(name);
  return value ? value : fallback;
}

/// Thread-safe; one write per line, so that a kill leaves whole lines.
inline std::string do_effect(const std::string& what) {
  static const int file = ::open(variable("CRASH_LEDGER", "/dev/null").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  static const std::string process = variable("CRASH_PROCESS", "1");
  static std::atomic<int> count{0};
  const auto nonce = process + "_" + std::to_string(++count);
  const auto line = process + " " + what + " " + nonce + "\n";
  if (::write(file, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
  return nonce;
}

}  // namespace crash
