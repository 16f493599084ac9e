// SIGINT and SIGTERM as something that can be waited for, in programs that have threads already and servers that are several.
#pragma once

namespace weir::http {

/// While one lives, those signals wake everybody who waits, and do nothing else; a signal that was ignored stays so. What the program
/// had set for them is set again when the last one goes.
class StopSignals {
public:
  /// Throws std::runtime_error when the system has no pipe left, or 64 servers wait already.
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// Returns after the first signal since the constructor, or wake().
  void wait() const;
  /// From any thread.
  void wake() const noexcept;

private:
  int read_end_ = -1, write_end_ = -1;
};

}  // namespace weir::http
