// Copies the write-ahead log back into the database, beside the commits, so that it does not grow without bound.
//
// SQLite's own way is that the commit which makes the log too long copies all of it back, while everybody waits. Here a thread does
// that, at a pace that leaves the disk to the commits. A busy writer appends meanwhile, so the thread never gets to the end, and only
// at its end can the log begin anew: therefore the writing thread itself copies the small rest between two commits.
#pragma once

#include "condition.hpp"
#include "database.hpp"
#include "paced_vfs.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace weir::sqlite_detail {

/// Its thread waits without a timeout while there is nothing to copy.
class Checkpointer final : Pace {
public:
  /// The log is copied back when it has that many bytes. `writer` is the connection that commits: its own checkpoints are switched off.
  Checkpointer(const std::string& path, std::int64_t wal_bytes_target, Connection& writer, Condition& condition);
  ~Checkpointer() override;

  /// Transactions of the writer so far that have changed something.
  std::int64_t commits() const { return known().commits; }
  /// To be called by the writing thread before each of its transactions: why there shall be none. On a full disk a log that is copied
  /// back gives the next transaction its place; one that cannot be copied back must not take the space that this needs.
  std::optional<Error> refusal();
  /// The writing thread's transaction could not be written, for lack of space perhaps.
  void transaction_failed();
  /// To be called by the writing thread after each of its transactions, outside of it. May copy a small rest.
  void transaction_ended();

private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::int64_t waited_for_bytes_max = 64 * 1024 * 1024;
  /// The log as far as it is known.
  struct Log {
    std::int64_t commits = 0;  ///< since the store was opened
    std::int64_t pages = 0;
    std::int64_t copied = 0;      ///< of them, back in the database
    std::int64_t generation = 0;  ///< how often it has begun anew
    int passes = 0;               ///< that did not get to its end, in this generation
    bool held = false;            ///< the last pass could copy nothing
    bool was_held = false;        ///< or an earlier one, in this generation
    bool fails = false;           ///< the last pass, or transaction, could not be written
  };
  /// Since when the log could not be copied back beyond a point, because somebody reads what was before it.
  struct Hold {
    Clock::time_point since = {};
    Clock::time_point last = {};  ///< when it was met last
    std::int64_t told_pages = 0;  ///< the log's size when a person was told last; 0: not yet
  };

  static int count_pages(void* self, sqlite3*, const char*, int pages);
  void run();
  Log known() const;
  bool worth_a_pass(const Log& log) const noexcept { return log.pages >= target_pages_ && log.pages > log.copied; }
  bool nearly_copied(const Log& log) const noexcept;
  /// Commits come faster than the thread copies, though nobody holds the log: then they wait for it. What a hold has left is copied beside
  /// them as far as it would keep them waiting for long.
  bool falls_behind(const Log& log) const noexcept {
    const auto rest = log.pages - log.copied;
    return rest > 2 * target_pages_ && (!log.was_held || rest * page_bytes_ <= waited_for_bytes_max);
  }
  Clock::duration copy_back();
  Clock::duration moved(const Log& before, std::int64_t copied);
  Clock::duration stuck(std::int64_t pages);
  std::optional<Error> finish(std::unique_lock<std::mutex> copying);
  std::optional<Error> finish_now();
  std::optional<Error> passed(int code, const char* who);
  void set_hurry(bool hurry);
  void share();
  void piece_written() override;
  std::string size_text(std::int64_t pages) const;

  Connection& writer_;
  Condition& condition_;
  Connection own_;
  const std::int64_t page_bytes_, target_pages_, rest_pages_max_;

  std::mutex copying_;                  ///< by one thread at a time
  Clock::time_point next_finish_ = {};  ///< of the writing thread, as the next two
  Clock::time_point shared_at_ = {};
  bool shares_ = false;

  // Of the copying thread.
  std::optional<Hold> hold_;
  std::int64_t seen_pages_ = 0;
  Clock::duration pause_ = {};
  Clock::time_point piece_began_ = {};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Log log_;
  bool asked_ = false, stopping_ = false, hurry_ = false;
  std::thread thread_;
};

}  // namespace weir::sqlite_detail
