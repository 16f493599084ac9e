// Idempotency keys of runs whose beginning is not in the store yet: who asks the store for one of them does not find it.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace weir::runtime {

struct HeldKeys {
  std::mutex mutex;
  std::set<std::string> keys;
};

/// A key that is held as long as this exists.
class Claim {
public:
  Claim(std::shared_ptr<HeldKeys> held, std::string key) : held_(std::move(held)), key_(std::move(key)) {}
  ~Claim() {
    const std::lock_guard lock(held_->mutex);
    held_->keys.erase(key_);
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

private:
  std::shared_ptr<HeldKeys> held_;
  std::string key_;
};

/// Thread-safe. Claims may outlive it.
class StartingKeys {
public:
  /// To be held until the beginning is in the store, or never will be; nullptr while another start holds that key.
  [[nodiscard]] std::shared_ptr<Claim> claim(const std::string& key) {
    const std::lock_guard lock(held_->mutex);
    if (!held_->keys.insert(key).second) return nullptr;
    return std::make_shared<Claim>(held_, key);
  }

private:
  std::shared_ptr<HeldKeys> held_ = std::make_shared<HeldKeys>();
};

}  // namespace weir::runtime
