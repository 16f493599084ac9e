// How the database is: what has failed becomes an Error, and the log hears of it once.
#pragma once

#include "failures.hpp"

#include <weir/store.hpp>

#include <array>
#include <atomic>
#include <functional>
#include <mutex>
#include <string>

namespace weir::sqlite_detail {

/// Thread-safe.
class Condition {
public:
  using Listener = std::function<void(const StoreTrouble&)>;
  enum class Doing { reading, writing, copying_back };

  /// What the caller is told. Damage stays.
  Error failed(Doing doing, const DatabaseError& error);
  void succeeded(Doing doing);
  bool damaged() const noexcept { return damaged_; }
  /// What a write is told after damage.
  static Error damage() { return {Code::data_loss, "the database is damaged: nothing more is written to it"}; }

  void listen(Listener listener);
  void tell(StoreTrouble::Level level, std::string text);

private:
  struct Side {
    std::atomic<bool> failing = false;
    std::string told;  ///< the message that the log has heard last
  };
  Side& of(Doing doing) { return sides_[static_cast<std::size_t>(doing)]; }

  std::atomic<bool> damaged_ = false;
  std::mutex mutex_;
  std::array<Side, 3> sides_;
  std::mutex listener_mutex_;
  Listener listener_;
};

}  // namespace weir::sqlite_detail
