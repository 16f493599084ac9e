// A store that passes everything on to another: for tests that change a part of it.
#pragma once

#include <weir/store.hpp>

class ForwardingStore : public weir::Store {
public:
  explicit ForwardingStore(std::shared_ptr<weir::Store> inner) : inner_(std::move(inner)) {}

  bool durable() const noexcept override { return inner_->durable(); }
  bool damaged() const noexcept override { return inner_->damaged(); }
  void on_trouble(std::function<void(const weir::StoreTrouble&)> listener) override { inner_->on_trouble(std::move(listener)); }
  weir::Expected<weir::Inheritance> begin_run(const weir::HandlerRow& row) override { return inner_->begin_run(row); }
  weir::Expected<bool> commit(weir::Commit commit) override { return inner_->commit(std::move(commit)); }
  std::vector<weir::Expected<bool>> commit_all(const std::vector<weir::Commit>& commits) override { return inner_->commit_all(commits); }
  weir::Expected<bool> note_at_work(bool at_work) override { return inner_->note_at_work(at_work); }
  weir::Expected<bool> probe() override { return inner_->probe(); }
  std::optional<weir::HandlerRow> find_handler(std::string_view id) const override { return inner_->find_handler(id); }
  std::optional<weir::HandlerRow> find_run(std::string_view id) const override { return inner_->find_run(id); }
  std::optional<weir::UsedKey> find_key(std::string_view key) const override { return inner_->find_key(key); }
  weir::NamedStates find_states(std::string_view id) const override { return inner_->find_states(id); }
  std::vector<weir::HandlerRow> list_handlers(const weir::HandlerFilter& filter, const weir::Cancellation& cancellation) const override {
    return inner_->list_handlers(filter, cancellation);
  }
  weir::HandlerPage find_handlers(const weir::HandlerQuery& query) const override { return inner_->find_handlers(query); }
  std::vector<weir::HandlerCount> count_handlers(const weir::Cancellation& cancellation) const override {
    return inner_->count_handlers(cancellation);
  }
  weir::RunOrigin find_origin(std::string_view id) const override { return inner_->find_origin(id); }
  std::optional<weir::NamedStates> find_states_at(std::string_view id, std::int64_t at) const override {
    return inner_->find_states_at(id, at);
  }
  std::vector<weir::EventRow> read_events(std::string_view run, std::int64_t after, std::size_t limit) const override {
    return inner_->read_events(run, after, limit);
  }
  std::optional<weir::EventRow> last_event(std::string_view run) const override { return inner_->last_event(run); }
  weir::Journal read_journal(std::string_view run) const override { return inner_->read_journal(run); }
  std::optional<weir::Time> next_wake(weir::Time after) const override { return inner_->next_wake(after); }
  std::vector<std::string> find_wakes(weir::Time after, weir::Time until) const override { return inner_->find_wakes(after, until); }
  weir::Expected<bool> claim_first_read(std::string_view run) override { return inner_->claim_first_read(run); }
  weir::Expected<bool> purge(std::string_view id) override { return inner_->purge(id); }
  weir::Expected<std::size_t> expire(const weir::Retention& retention, weir::Time now, std::size_t limit) override {
    return inner_->expire(retention, now, limit);
  }
  weir::Expected<bool> compact() override { return inner_->compact(); }

protected:
  const std::shared_ptr<weir::Store> inner_;
};
