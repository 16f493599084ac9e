// What a store tells the log.
#pragma once

#include <weir/store.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

class Troubles {
public:
  explicit Troubles(std::shared_ptr<weir::Store> store) : store_(std::move(store)) {
    store_->on_trouble([this](const weir::StoreTrouble& trouble) {
      const std::lock_guard lock(mutex_);
      told_.push_back(trouble);
    });
  }
  ~Troubles() { store_->on_trouble(nullptr); }

  std::vector<weir::StoreTrouble> told() const {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  /// How many of them hold the text.
  std::size_t count(const std::string& text) const {
    std::size_t out = 0;
    for (const auto& trouble : told()) out += trouble.text.find(text) != std::string::npos ? 1 : 0;
    return out;
  }

private:
  std::shared_ptr<weir::Store> store_;
  mutable std::mutex mutex_;
  std::vector<weir::StoreTrouble> told_;
};
