// Runs that were at work when the process ended: in what order they are gone on with, and which are not, so that a run that
// ends every process does not take the others with it.
#pragma once

#include <weir/error.hpp>
#include <weir/store.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace weir::runtime {

struct Environment;

/// Resumes in a row, each followed by the end of the process and by nothing else.
constexpr std::int64_t resumes_to_suspect = 2;    ///< from then on a run is gone on with alone
constexpr std::int64_t resumes_to_set_aside = 3;  ///< and no more from here on
/// One that has lived for so long lets the next begin, though it has not got further.
constexpr Duration trial_time = std::chrono::seconds(30);

/// Thread-safe.
class Resumption {
public:
  explicit Resumption(Environment& environment) : environment_(environment) {}

  /// Goes on with the runs, which an earlier process has left at work; `died`: it did not end in order. Those that were gone on with
  /// too often already are quarantined; suspects wait until the others have settled, and then for each other. Returns how many go on,
  /// now or later. Throws StoreFailure.
  std::size_t begin(std::vector<HandlerRow> rows, bool died);
  /// What a run that is about to be gone on with has in its row from then on.
  std::int64_t resumes_of(const HandlerRow& stored);
  /// The run has got further, is idle, or is not here any more: the next suspect has its turn.
  void settled(const std::string& run_id);
  bool others_wait() const;

  /// Why the unfinished run is not gone on with at present; nothing when it may be.
  std::optional<Error> held(const HandlerRow& row) const;
  /// Calls back when the run is not held any more, at once when it is not now.
  void when_let_go(const HandlerRow& row, std::function<void()> callback);
  /// Goes on with a run that was quarantined.
  Expected<HandlerRow> resume(const std::string& handler_id);
  /// Has a run that is held ended by `end`; false when it is not held.
  bool end_held(const std::string& handler_id, const std::function<void(const HandlerRow&)>& end);
  /// Nobody has a turn any more. Those who wait are called.
  void stop();

private:
  /// Gives turns while nothing is under way.
  void go_on(std::unique_lock<std::mutex> lock);
  void let_go(const std::string& handler_id);
  Expected<HandlerRow> set_aside(HandlerRow row);
  bool waits(const std::string& run_id) const;

  Environment& environment_;
  std::mutex deciding_;  ///< taken first: whoever changes the row of a run that is quarantined
  mutable std::mutex mutex_;
  bool died_ = false;
  bool found_ = false;                                         ///< what the process has died of: the others' counts begin anew
  std::set<std::string> under_way_;                            ///< run ids: gone on with, and neither further nor at rest
  std::deque<HandlerRow> suspects_;                            ///< wait for their turn
  std::set<std::string> by_hand_;                              ///< run ids of those that somebody resumes
  std::multimap<std::string, std::function<void()>> waiting_;  ///< by handler id
  bool stopping_ = false;
};

}  // namespace weir::runtime
