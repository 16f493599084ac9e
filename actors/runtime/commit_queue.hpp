// The one writer of a durable store: a thread that takes whatever commits have gathered, of all runs, and makes them
// durable together. While one group is being written the next one gathers, so the disk sets the pace by itself.
#pragma once

#include <weir/store.hpp>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace weir::runtime {

/// Thread-safe.
class CommitQueue {
public:
  using Done = std::function<void(Expected<bool>)>;

  explicit CommitQueue(std::shared_ptr<Store> store) : store_(std::move(store)), thread_([this] { run(); }) {}
  ~CommitQueue() { stop(); }
  CommitQueue(const CommitQueue&) = delete;
  CommitQueue& operator=(const CommitQueue&) = delete;

  /// `done` is called on the writing thread, after the commit is durable or has failed: it must only send a message.
  /// After stop() it is dropped: nobody has been told that it is durable.
  void submit(Commit commit, Done done);
  /// Writes what is queued, and calls nobody after it returns. Idempotent.
  void stop();

private:
  void run();

  std::shared_ptr<Store> store_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Commit> commits_;
  std::vector<Done> done_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace weir::runtime
