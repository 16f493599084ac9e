#include "listing.hpp"

#include "persistence/handler_query.hpp"

#include <algorithm>

namespace weir::sqlite_detail {
namespace {

/// Counting on would cost more than the answer is worth.
constexpr std::size_t counted_max = 10000;
/// As many rows are looked at one by one rather than everything in between; a list, which looks at all anyway, takes more.
constexpr std::size_t candidates_max = 10000, list_candidates_max = 1000000;

std::optional<std::int64_t> place_of(const std::string& cursor) {
  return cursor.empty() ? std::nullopt : std::optional(static_cast<std::int64_t>(parse_cursor(cursor)));
}

}  // namespace

HandlerSearch::HandlerSearch(const HandlerQuery& query, Total total)
    : limit_(query.limit), where_(where_of(query)), from_the_start_(query.cursor.empty()),
      rows_(indexed_of(query.filter), query.newest_first, place_of(query.cursor),
            total == Total::counted ? candidates_max : list_candidates_max),
      counted_(indexed_of(query.filter), query.newest_first, std::nullopt, candidates_max),
      total_done_(total == Total::not_needed || !query.with_total) {}

void HandlerSearch::turn(Connection& db) {
  if (!rows_done_) look_at_rows(db);
  else count(db);
}

void HandlerSearch::look_at_rows(Connection& db) {
  rows_.next(db, handler_columns + ", handler", where_, [&](const Query& row) {
    if (page_.rows.size() == limit_) {
      rows_end(std::to_string(last_));
      return false;
    }
    page_.rows.push_back(handler_of(row));
    last_ = row.integer(handler_columns_count);
    return true;
  });
  if (!rows_done_ && rows_.at_end()) rows_end("");
}

void HandlerSearch::rows_end(std::string next) {
  page_.next = std::move(next);
  rows_done_ = true;
  if (!from_the_start_ || !page_.next.empty()) return;
  total_ = page_.rows.size();  // these are all
  total_done_ = true;
}

void HandlerSearch::count(Connection& db) {
  counted_.next(db, "handler", where_, [&](const Query&) { return ++total_ <= counted_max; });
  total_done_ = counted_.at_end() || total_ > counted_max;
}

HandlerPage HandlerSearch::page() && {
  page_.total = std::max(std::min(total_, counted_max), page_.rows.size());
  page_.total_is_exact = done() && total_ <= counted_max;
  page_.complete = rows_done_;
  if (!rows_done_) page_.next = std::to_string(rows_.behind().value_or(0));
  return std::move(page_);
}

void HandlerCounts::turn(Connection& db) {
  walk_.next(db, "workflow_name, status, waiting_for <> '', quarantined", {}, [&](const Query& row) {
    ++counts_[{std::string(row.text(0)), status_of(row.integer(1)), row.integer(2) != 0, row.integer(3) != 0}];
    return true;
  });
}

std::vector<HandlerCount> HandlerCounts::result() const {
  std::vector<HandlerCount> out;
  for (const auto& [key, count] : counts_) out.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), std::get<3>(key), count});
  return out;
}

}  // namespace weir::sqlite_detail
