// The one writer of a durable store: a thread that takes whatever commits have gathered, of all runs, and makes them
// durable together. While one group is being written the next one gathers, so the disk sets the pace by itself.
//
// A commit that the store cannot take for now is kept, in order, and tried again with growing pauses until it can; its owner is
// told of the delay once. A commit that can never be made is refused, and the others go on.
#pragma once

#include "actors/runtime/clock/timers.hpp"
#include "store_health.hpp"

#include <weir/store.hpp>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace weir::runtime {

/// What an owner hears of its commit: perhaps once that it is delayed, then once what became of it.
struct CommitNews {
  enum class Kind { durable, delayed, refused };
  Kind kind = Kind::durable;
  Error error = {};  ///< unless it is durable
};

/// Thread-safe.
class CommitQueue {
public:
  using Tell = std::function<void(const CommitNews&)>;

  /// A group that has not been written after this time counts as delayed, whatever the store is doing with it.
  static constexpr std::chrono::milliseconds overdue_after{800};
  /// Between two tries; doubled from one to the other.
  static constexpr std::chrono::milliseconds pause_min{20}, pause_max{1000};

  CommitQueue(std::shared_ptr<Store> store, Timers& timers, StoreHealth& health);
  ~CommitQueue() { stop(); }
  CommitQueue(const CommitQueue&) = delete;
  CommitQueue& operator=(const CommitQueue&) = delete;

  /// `tell` is called on the queue's thread or the timers': it must only send a message. After stop() the commit is dropped: nobody has
  /// been told that it is durable.
  void submit(Commit commit, Tell tell);
  /// Takes a run's commit back, whose owner then hears nothing more of it. False when the store may be writing it at this moment.
  bool withdraw(std::string_view run_id);
  /// Tries once more to write what is queued, and calls nobody after it returns. Idempotent.
  void stop();

private:
  struct Kept {
    Commit commit;
    Tell tell;
    bool told = false;  ///< of the delay
  };

  void run();
  /// One try. What must be tried again stays in writing_.
  void write();
  void overdue(std::uint64_t group);
  /// All that wait hear of it once.
  void delayed(const Error& error);

  std::shared_ptr<Store> store_;
  Timers& timers_;
  StoreHealth& health_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Kept> queued_;   ///< guarded by mutex_
  std::vector<Kept> writing_;  ///< guarded by mutex_; their commits are with the store while it is busy
  bool busy_ = false;          ///< the store has a group; changed by the thread alone
  std::uint64_t group_ = 0;    ///< the number of the try; changed by the thread alone
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace weir::runtime
