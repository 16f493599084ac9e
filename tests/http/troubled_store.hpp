// A durable store that can be made to hold every call up, or to fail.
#pragma once

#include "tests/store/forwarding_store.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

class TroubledStore final : public ForwardingStore {
public:
  enum class Trouble { none, slow, unavailable, damaged };
  using ForwardingStore::ForwardingStore;

  void set(Trouble trouble) {
    {
      const std::lock_guard lock(mutex_);
      trouble_ = trouble;
    }
    changed_.notify_all();
  }
  /// Returns when so many calls have been held up.
  bool wait_for_held(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return held_ >= count; });
  }
  std::size_t reads() const {
    const std::lock_guard lock(mutex_);
    return reads_;
  }

  std::optional<weir::HandlerRow> find_handler(std::string_view id) const override {
    read();
    return inner_->find_handler(id);
  }
  std::optional<weir::HandlerRow> find_run(std::string_view id) const override {
    read();
    return inner_->find_run(id);
  }
  std::optional<weir::UsedKey> find_key(std::string_view key) const override {
    read();
    return inner_->find_key(key);
  }
  weir::NamedStates find_states(std::string_view id) const override {
    read();
    return inner_->find_states(id);
  }
  std::vector<weir::HandlerRow> list_handlers(const weir::HandlerFilter& filter, const weir::Cancellation& cancellation) const override {
    read();
    return inner_->list_handlers(filter, cancellation);
  }
  weir::HandlerPage find_handlers(const weir::HandlerQuery& query) const override {
    read();
    return inner_->find_handlers(query);
  }
  std::vector<weir::HandlerCount> count_handlers(const weir::Cancellation& cancellation) const override {
    read();
    return inner_->count_handlers(cancellation);
  }
  weir::RunOrigin find_origin(std::string_view run) const override {
    read();
    return inner_->find_origin(run);
  }
  std::optional<weir::NamedStates> find_states_at(std::string_view run, std::int64_t sequence) const override {
    read();
    return inner_->find_states_at(run, sequence);
  }
  std::vector<weir::EventRow> read_events(std::string_view run, std::int64_t after, std::size_t limit) const override {
    read();
    return inner_->read_events(run, after, limit);
  }
  std::optional<weir::EventRow> last_event(std::string_view run) const override {
    read();
    return inner_->last_event(run);
  }
  weir::Journal read_journal(std::string_view run) const override {
    read();
    return inner_->read_journal(run);
  }
  weir::Expected<bool> claim_first_read(std::string_view run) override {
    return write([&] { return inner_->claim_first_read(run); });
  }
  weir::Expected<bool> purge(std::string_view id) override {
    return write([&] { return inner_->purge(id); });
  }

private:
  static weir::Error error_of(Trouble trouble) {
    return trouble == Trouble::damaged ? weir::Error{weir::Code::data_loss, "the database is damaged"}
                                       : weir::Error{weir::Code::unavailable, "the database does not answer"};
  }
  Trouble wait() const {
    weir::assert_may_block();
    std::unique_lock lock(mutex_);
    ++reads_;
    if (trouble_ == Trouble::slow) ++held_, changed_.notify_all();
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return trouble_ != Trouble::slow; });
    return trouble_;
  }
  void read() const {
    const auto trouble = wait();
    if (trouble == Trouble::unavailable || trouble == Trouble::damaged)
      throw weir::StoreFailure(error_of(trouble).code, error_of(trouble).message);
  }
  template <class F>
  weir::Expected<bool> write(F work) {
    const auto trouble = wait();
    if (trouble == Trouble::unavailable || trouble == Trouble::damaged) return error_of(trouble);
    return work();
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Trouble trouble_ = Trouble::none;
  mutable std::size_t held_ = 0, reads_ = 0;
};
