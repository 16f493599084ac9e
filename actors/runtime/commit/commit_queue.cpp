#include "commit_queue.hpp"

#include "actors/runtime/clock/exceptions.hpp"

#include <weir/assert.hpp>

#include <algorithm>

namespace weir::runtime {
namespace {

bool to_be_tried_again(const Expected<bool>& result) {
  return !result && (result.error().code == Code::unavailable || result.error().code == Code::data_loss);
}

/// What a store must not do: it counts as one that does not answer.
Error threw() { return {Code::unavailable, "it threw: " + describe_current_exception().exception_message}; }

std::vector<Expected<bool>> commit_all(Store& store, const std::vector<Commit>& commits) {
  try {
    return store.commit_all(commits);
  } catch (...) { return std::vector<Expected<bool>>(commits.size(), threw()); }
}

Expected<bool> probe(Store& store) {
  try {
    return store.probe();
  } catch (...) { return threw(); }
}

CommitNews news_of(const Expected<bool>& result) { return result ? CommitNews{} : CommitNews{CommitNews::Kind::refused, result.error()}; }

}  // namespace

CommitQueue::CommitQueue(std::shared_ptr<Store> store, Timers& timers, StoreHealth& health)
    : store_(std::move(store)), timers_(timers), health_(health), thread_([this] { run(); }) {}

void CommitQueue::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void CommitQueue::submit(Commit commit, Tell tell) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    queued_.push_back({std::move(commit), std::move(tell)});
  }
  changed_.notify_one();
}

bool CommitQueue::withdraw(std::string_view run_id) {
  const std::lock_guard lock(mutex_);
  const auto of_run = [&](const Kept& kept) { return kept.commit.run_id == run_id; };
  if (std::erase_if(queued_, of_run) > 0) return true;
  return !busy_ && std::erase_if(writing_, of_run) > 0;
}

void CommitQueue::run() {
  auto pause = pause_min;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (health_.ok()) {
        changed_.wait(lock, [this] { return stopping_ || !queued_.empty(); });
        pause = pause_min;
      } else {
        changed_.wait_until(lock, later(std::chrono::steady_clock::now(), pause), [this] { return stopping_; });
        pause = std::min(2 * pause, pause_max);
      }
      std::move(queued_.begin(), queued_.end(), std::back_inserter(writing_));
      queued_.clear();
      if (writing_.empty() && stopping_) return;
      busy_ = !writing_.empty();
      ++group_;
    }
    if (busy_) write();
    else if (const auto looked = probe(*store_); looked) health_.recovered();
    else health_.failed(looked.error());
    const std::lock_guard lock(mutex_);
    if (stopping_ && !writing_.empty()) return;  // the next process goes on without them: nobody was told that they are durable
  }
}

void CommitQueue::write() {
  std::vector<Commit> commits;
  commits.reserve(writing_.size());
  for (auto& kept : writing_) commits.push_back(std::move(kept.commit));
  const auto watchdog = timers_.after(overdue_after, [this, group = group_] { overdue(group); });
  const auto results = commit_all(*store_, commits);
  WEIR_ASSERT(results.size() == commits.size(), "a store answers each commit, and nothing else");
  timers_.cancel(watchdog);

  std::vector<std::pair<Tell, CommitNews>> told;
  std::optional<Error> trouble;
  {
    const std::lock_guard lock(mutex_);
    busy_ = false;
    std::vector<Kept> again;
    for (std::size_t i = 0; i < results.size(); ++i) {
      auto& kept = writing_[i];
      if (to_be_tried_again(results[i])) {
        trouble = results[i].error();
        kept.commit = std::move(commits[i]);
        again.push_back(std::move(kept));
      } else {
        told.emplace_back(std::move(kept.tell), news_of(results[i]));
      }
    }
    writing_ = std::move(again);
  }
  for (const auto& [tell, news] : told) tell(news);
  if (trouble) delayed(*trouble);
  else if (!health_.ok()) health_.recovered();
}

void CommitQueue::overdue(std::uint64_t group) {
  {
    const std::lock_guard lock(mutex_);
    if (!busy_ || group != group_) return;
  }
  delayed({Code::unavailable, "it has not answered for " + std::to_string(overdue_after.count()) + " ms"});
}

/// New requests are refused before those that wait are told, so that nobody comes in between.
void CommitQueue::delayed(const Error& error) {
  health_.failed(error);
  const std::lock_guard lock(mutex_);
  for (auto* waiting : {&writing_, &queued_})
    for (auto& kept : *waiting)
      if (!std::exchange(kept.told, true)) kept.tell({CommitNews::Kind::delayed, error});
}

}  // namespace weir::runtime
