// Purges what is kept no longer, and lets the store give back the space, a little at a time.
#pragma once

#include "actors/runtime/live/live_run.hpp"

namespace weir::runtime {

class RetentionKeeper {
public:
  explicit RetentionKeeper(Environment& environment) : environment_(environment) {}

  /// Works in the background, on the pool, until timers and pool are stopped. For stores that are durable, or when something
  /// is not kept for ever.
  void start();

private:
  void schedule(Duration in);
  void work();
  Duration interval() const;

  Environment& environment_;
  bool started_ = false;
};

}  // namespace weir::runtime
