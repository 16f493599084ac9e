#include "commit_queue.hpp"

namespace weir::runtime {

void CommitQueue::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void CommitQueue::submit(Commit commit, Done done) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    commits_.push_back(std::move(commit));
    done_.push_back(std::move(done));
  }
  changed_.notify_one();
}

void CommitQueue::run() {
  while (true) {
    std::vector<Commit> commits;
    std::vector<Done> done;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !commits_.empty(); });
      if (commits_.empty()) return;
      commits.swap(commits_);
      done.swap(done_);
    }
    auto results = store_->commit_all(std::move(commits));
    for (std::size_t i = 0; i < done.size(); ++i) done[i](std::move(results[i]));
  }
}

}  // namespace weir::runtime
