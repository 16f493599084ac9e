// A walk over the rows of handlers, in the order of creation or against it, in pieces that take a few milliseconds each.
#pragma once

#include "rows.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace weir::sqlite_detail {

/// What rows have to be like. Prepared statements are kept by their text, so what a client chooses is bound, never written into it.
struct Where {
  std::string text = "1";
  std::vector<std::variant<std::string, std::int64_t>> values = {};

  template <class... V>
  void add(const std::string& condition, const V&... bound) {
    text += " AND " + condition;
    (values.emplace_back(bound), ...);
  }
  void bind_to(Query& query) const;
};
Where where_of(const HandlerQuery& query);

/// What of a filter an index knows.
struct Indexed {
  std::vector<HandlerStatus> statuses;  ///< empty: the index is of no use
  std::optional<bool> idle;
};
Indexed indexed_of(const HandlerFilter& filter);

class HandlerWalk {
public:
  /// Begins behind the row of that number. When the index knows at most `candidates_max` rows that come into question, it looks at
  /// those only.
  HandlerWalk(Indexed indexed, bool newest_first, std::optional<std::int64_t> behind, std::size_t candidates_max);

  /// The next piece: `SELECT columns ... WHERE where` of its rows, in the order of the walk. `take` says false to break off.
  void next(Connection& db, const std::string& columns, const Where& where, const std::function<bool(const Query&)>& take);
  bool at_end() const noexcept { return at_end_; }
  /// Everything up to here has been looked at, unless a piece was broken off. Nothing before the first piece.
  std::optional<std::int64_t> behind() const noexcept { return behind_; }

private:
  void find_candidates(Connection& db);
  /// Restricts the rows to the next piece, whose last row is returned.
  std::int64_t restrict(Connection& db, Where& where);

  const Indexed indexed_;
  const bool newest_first_;
  std::optional<std::int64_t> behind_;
  const std::size_t candidates_max_;
  bool begun_ = false, at_end_ = false;
  std::optional<std::vector<std::int64_t>> candidates_;  ///< in the order of the walk
  std::size_t next_candidate_ = 0;
  std::size_t piece_rows_ = 64;
};

}  // namespace weir::sqlite_detail
