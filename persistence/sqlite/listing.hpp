// Searches among handlers, and counts of them: reads that may look at every row. They go in turns that are short, however many rows
// there are and however large they are. No read transaction outlives its turn: the write-ahead log is not held up, and others get
// their turns in between.
#pragma once

#include "handler_walk.hpp"

#include <map>
#include <tuple>

namespace weir::sqlite_detail {

/// One search. After each turn it can be broken off: page() is what was found.
class HandlerSearch {
public:
  enum class Total { counted, not_needed };

  /// Throws std::invalid_argument on a cursor that is none.
  HandlerSearch(const HandlerQuery& query, Total total);

  bool done() const noexcept { return rows_done_ && total_done_; }
  void turn(Connection& db);
  HandlerPage page() &&;

private:
  void look_at_rows(Connection& db);
  void count(Connection& db);
  void rows_end(std::string next);

  const std::size_t limit_;
  Where where_;
  const bool from_the_start_;
  HandlerWalk rows_, counted_;
  HandlerPage page_;
  std::int64_t last_ = 0;  ///< the last of the page's rows
  std::size_t total_ = 0;
  bool rows_done_ = false, total_done_;
};

/// Counts of all handlers, by workflow and what they do.
class HandlerCounts {
public:
  bool done() const noexcept { return walk_.at_end(); }
  void turn(Connection& db);
  std::vector<HandlerCount> result() const;

private:
  HandlerWalk walk_{{}, true, std::nullopt, 0};
  std::map<std::tuple<std::string, HandlerStatus, bool, bool>, std::size_t> counts_;
};

}  // namespace weir::sqlite_detail
