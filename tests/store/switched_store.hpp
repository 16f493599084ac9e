// A store that stops answering when it is told to, in several ways, and comes back.
#pragma once

#include "forwarding_store.hpp"

#include <condition_variable>
#include <mutex>
#include <string>

/// Thread-safe.
class SwitchedStore final : public ForwardingStore {
public:
  using ForwardingStore::ForwardingStore;

  enum class Mode {
    works,
    fails,   ///< writes are answered with Code::unavailable
    hangs,   ///< writes are not answered until the mode changes; then they are made
    damaged  ///< writes are answered with Code::data_loss
  };
  void set(Mode mode) {
    {
      const std::lock_guard lock(mutex_);
      mode_ = mode;
    }
    changed_.notify_all();
  }
  /// Commits of this run can never succeed.
  void refuse(const std::string& run_id) {
    const std::lock_guard lock(mutex_);
    refused_run_ = run_id;
  }
  /// Reads throw StoreFailure.
  void fail_reads(bool fail) {
    const std::lock_guard lock(mutex_);
    reads_fail_ = fail;
  }
  /// Groups of commits that were answered with a failure.
  int failures() const {
    const std::lock_guard lock(mutex_);
    return failures_;
  }

  std::vector<weir::Expected<bool>> commit_all(const std::vector<weir::Commit>& commits) override {
    if (const auto trouble = write()) return std::vector<weir::Expected<bool>>(commits.size(), *trouble);
    std::vector<weir::Expected<bool>> out;
    for (const auto& commit : commits) out.push_back(one(commit));
    return out;
  }
  weir::Expected<bool> probe() override {
    if (auto trouble = write()) return *trouble;
    return inner_->probe();
  }
  std::optional<weir::HandlerRow> find_handler(std::string_view id) const override {
    read();
    return inner_->find_handler(id);
  }
  weir::Journal read_journal(std::string_view run) const override {
    read();
    return inner_->read_journal(run);
  }
  std::vector<weir::EventRow> read_events(std::string_view run, std::int64_t after, std::size_t limit) const override {
    read();
    return inner_->read_events(run, after, limit);
  }

private:
  std::optional<weir::Error> write() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return mode_ != Mode::hangs; });
    if (mode_ == Mode::works) return std::nullopt;
    ++failures_;
    if (mode_ == Mode::damaged) return weir::Error{weir::Code::data_loss, "the database is damaged"};
    return weir::Error{weir::Code::unavailable, "the disk is full"};
  }
  weir::Expected<bool> one(const weir::Commit& commit) {
    {
      const std::lock_guard lock(mutex_);
      if (commit.run_id == refused_run_ && !commit.ticks.empty()) return weir::Error{weir::Code::internal, "a row that cannot be"};
    }
    return inner_->commit(commit);
  }
  void read() const {
    const std::lock_guard lock(mutex_);
    if (reads_fail_) throw weir::StoreFailure(weir::Code::unavailable, "the disk cannot be read");
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Mode mode_ = Mode::works;
  bool reads_fail_ = false;
  std::string refused_run_;
  int failures_ = 0;
};
