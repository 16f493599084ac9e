// Memory that all connections share. Thread-safe.
#pragma once

#include <weir/assert.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace weir::http {

class Budget {
public:
  explicit Budget(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  bool take(std::size_t bytes) {
    auto used = used_.load(std::memory_order_relaxed);
    do {
      if (bytes > bytes_max_ - used) return false;
    } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    return true;
  }
  void give_back(std::size_t bytes) {
    const auto before = used_.fetch_sub(bytes, std::memory_order_relaxed);
    WEIR_ASSERT(before >= bytes, "only memory that was taken is given back");
  }
  std::size_t used() const { return used_.load(std::memory_order_relaxed); }

private:
  const std::size_t bytes_max_;
  std::atomic<std::size_t> used_ = 0;
};

/// What one request has taken of a budget; given back with it. One thread at a time.
class Share {
public:
  Share() = default;
  Share(Share&& other) noexcept : budget_(std::move(other.budget_)), taken_(std::exchange(other.taken_, 0)) {}
  Share& operator=(Share&& other) noexcept {
    if (this == &other) return *this;
    give_back();
    budget_ = std::move(other.budget_);
    taken_ = std::exchange(other.taken_, 0);
    return *this;
  }
  ~Share() { give_back(); }

  /// From here on `bytes` are in use, of which `free` do not count. False, and nothing is changed, when there is no more.
  bool cover(const std::shared_ptr<Budget>& budget, std::size_t bytes, std::size_t free) {
    const auto wanted = bytes > free ? bytes - free : 0;
    if (wanted <= taken_) return true;
    if (!budget->take(wanted - taken_)) return false;
    budget_ = budget;
    taken_ = wanted;
    return true;
  }
  void give_back() {
    if (budget_) std::exchange(budget_, nullptr)->give_back(std::exchange(taken_, 0));
  }

private:
  std::shared_ptr<Budget> budget_;
  std::size_t taken_ = 0;
};

}  // namespace weir::http
