// What other threads ask one thread to do, in order.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

namespace weir::http {

/// Anybody pushes, one thread works. Not bounded: there is at most one action for each answer, write and batch that is under way, and
/// those are.
class ActionQueue {
public:
  /// True: nobody has been told of what is in the queue, so the caller has to see to it that work() is called.
  template <class F>
  bool push(F action) {
    auto made = std::make_unique<Made<F>>(std::move(action));
    const std::lock_guard lock(mutex_);
    actions_.push_back(std::move(made));
    return actions_.size() == 1;
  }

  /// Does what is there, until that has taken as long as it may. True: there is more, and the caller has to call again. When an action
  /// throws, what is left is told to `again` instead.
  template <class Again>
  bool work(std::chrono::steady_clock::time_point until, const Again& again) {
    do {
      try {
        first().run();
      } catch (...) {
        if (drop_first()) again();
        throw;
      }
      if (!drop_first()) return false;
    } while (std::chrono::steady_clock::now() < until);
    return true;
  }

private:
  struct Action {
    virtual ~Action() = default;
    virtual void run() = 0;
  };
  template <class F>
  struct Made final : Action {
    explicit Made(F given) : action(std::move(given)) {}
    void run() override { action(); }
    F action;
  };

  /// Stays in the queue while it is done, so that whoever pushes meanwhile tells nobody.
  Action& first() {
    const std::lock_guard lock(mutex_);
    return *actions_.front();
  }
  /// Whether there are more.
  bool drop_first() {
    std::unique_ptr<Action> done;  // outlives the lock: its destruction may push
    const std::lock_guard lock(mutex_);
    done = std::move(actions_.front());
    actions_.pop_front();
    return !actions_.empty();
  }

  std::mutex mutex_;
  std::deque<std::unique_ptr<Action>> actions_;
};

}  // namespace weir::http
