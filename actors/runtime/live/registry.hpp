// Live runs by handler id. Sharded, so that threads of the HTTP front find a supervisor without asking an actor.
#pragma once

#include "live_run.hpp"

#include <array>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace weir::runtime {

/// Thread-safe.
class Registry {
public:
  struct Entry {
    SupervisorActor supervisor;
    std::shared_ptr<LiveRun> run;
  };

  void add(const std::string& handler_id, Entry entry);
  /// Adds the entry unless the handler has a live run, other than the one that has just ended and is about to leave. `added`
  /// is called before anybody can find the entry: what it sends comes first.
  bool try_add(const std::string& handler_id, Entry entry, const std::string& ended_run_id, const std::function<void()>& added);
  /// Removes the entry if it still is that run's.
  void remove(const std::string& handler_id, const std::string& run_id);

  /// Calls `use` while the entry cannot be removed; false when there is none. What `use` sends is therefore in the
  /// supervisor's mailbox before the message that retires it.
  bool with(const std::string& handler_id, const std::function<void(const Entry&)>& use);

  std::vector<Entry> all() const;
  std::size_t size() const;

private:
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, Entry> entries;
  };
  Shard& shard_of(const std::string& handler_id) { return shards_[std::hash<std::string>{}(handler_id) % shards_.size()]; }

  std::array<Shard, 64> shards_;
};

}  // namespace weir::runtime
