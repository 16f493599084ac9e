#include "handler_walk.hpp"

#include <algorithm>
#include <limits>

namespace weir::sqlite_detail {
namespace {

constexpr std::size_t piece_rows_max = 4096;
constexpr std::chrono::milliseconds piece_short{2}, piece_long{8};

template <class T, class F>
std::string json_list(const std::vector<T>& items, F value) {
  Value::Array out;
  for (const auto& item : items) out.emplace_back(value(item));
  return to_json(Value(std::move(out)));
}

std::string json_list(const std::vector<HandlerStatus>& statuses) {
  return json_list(statuses, [](HandlerStatus status) { return static_cast<std::int64_t>(status); });
}

std::string hex(const std::string& text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += {digits[byte >> 4], digits[byte & 15]};
  }
  return out;
}

}  // namespace

void Where::bind_to(Query& query) const {
  for (const auto& value : values) std::visit([&](const auto& bound) { query.bind(bound); }, value);
}

Where where_of(const HandlerQuery& query) {
  Where out;
  const auto& filter = query.filter;
  // In hexadecimal: JSON holds neither every byte nor, in SQLite's hands, NUL.
  if (filter.workflow_names) out.add("hex(workflow_name) IN (SELECT value FROM json_each(?))", json_list(*filter.workflow_names, hex));
  if (filter.statuses) out.add("status IN (SELECT value FROM json_each(?))", json_list(*filter.statuses));
  if (filter.idle) out.add(*filter.idle ? "idle_since IS NOT NULL" : "idle_since IS NULL");
  if (filter.awaits_event) out.add(*filter.awaits_event ? "waiting_for <> ''" : "waiting_for = ''");
  if (filter.quarantined) out.add(*filter.quarantined ? "quarantined <> 0" : "quarantined = 0");
  if (query.since) out.add("started_at >= ?", stored(*query.since));
  if (query.until) out.add("started_at < ?", stored(*query.until));
  if (!query.text.empty())
    out.add("(instr(lower(handler_id), lower(?)) OR instr(lower(error), lower(?)) OR instr(lower(result), lower(?)))", query.text,
            query.text, query.text);
  return out;
}

Indexed indexed_of(const HandlerFilter& filter) {
  if (filter.statuses && !filter.statuses->empty()) return {*filter.statuses, filter.idle};
  if (!filter.idle) return {};
  return {{HandlerStatus::running, HandlerStatus::completed, HandlerStatus::failed, HandlerStatus::cancelled}, filter.idle};
}

HandlerWalk::HandlerWalk(Indexed indexed, bool newest_first, std::optional<std::int64_t> behind, std::size_t candidates_max)
    : indexed_(std::move(indexed)), newest_first_(newest_first), behind_(behind), candidates_max_(candidates_max) {}

void HandlerWalk::find_candidates(Connection& db) {
  if (indexed_.statuses.empty() || candidates_max_ == 0) return;
  std::string idle;
  if (indexed_.idle) idle = *indexed_.idle ? " AND idle_since IS NOT NULL" : " AND idle_since IS NULL";
  auto query = db.query("SELECT handler FROM handlers INDEXED BY handlers_by_status WHERE status IN (SELECT value FROM json_each(?))" +
                        idle + " LIMIT ?");
  query.bind(json_list(indexed_.statuses)).bind(static_cast<std::int64_t>(candidates_max_ + 1));
  std::vector<std::int64_t> found;
  while (query.step()) found.push_back(query.integer(0));
  if (found.size() > candidates_max_) return;
  std::erase_if(found, [&](std::int64_t handler) { return behind_ && (newest_first_ ? handler >= *behind_ : handler <= *behind_); });
  std::sort(found.begin(), found.end());
  if (newest_first_) std::reverse(found.begin(), found.end());
  candidates_ = std::move(found);
}

std::int64_t HandlerWalk::restrict(Connection& db, Where& where) {
  if (candidates_) {
    const auto begin = candidates_->begin() + static_cast<std::ptrdiff_t>(next_candidate_);
    const auto count = std::min(piece_rows_, candidates_->size() - next_candidate_);
    const std::vector<std::int64_t> piece(begin, begin + static_cast<std::ptrdiff_t>(count));
    next_candidate_ += count;
    at_end_ = next_candidate_ == candidates_->size();
    where.add("handler IN (SELECT value FROM json_each(?))", json_list(piece, [](std::int64_t handler) { return handler; }));
    return piece.empty() ? behind_.value_or(0) : piece.back();
  }
  using Numbers = std::numeric_limits<std::int64_t>;
  const auto from = behind_.value_or(newest_first_ ? Numbers::max() : Numbers::min());
  auto edge = db.query(newest_first_ ? "SELECT handler FROM handlers NOT INDEXED WHERE handler < ? ORDER BY handler DESC LIMIT 1 OFFSET ?"
                                     : "SELECT handler FROM handlers NOT INDEXED WHERE handler > ? ORDER BY handler LIMIT 1 OFFSET ?");
  at_end_ = !edge.bind(from).bind(static_cast<std::int64_t>(piece_rows_ - 1)).step();
  const auto to = at_end_ ? (newest_first_ ? Numbers::min() : Numbers::max()) : edge.integer(0);
  if (newest_first_) where.add("handler < ? AND handler >= ?", from, to);
  else where.add("handler > ? AND handler <= ?", from, to);
  return to;
}

void HandlerWalk::next(Connection& db, const std::string& columns, const Where& where, const std::function<bool(const Query&)>& take) {
  const Snapshotted same_moment(db);
  const auto began = std::chrono::steady_clock::now();
  if (!std::exchange(begun_, true)) find_candidates(db);
  auto piece = where;
  const auto last = restrict(db, piece);
  auto rows = db.query("SELECT " + columns + " FROM handlers NOT INDEXED WHERE " + piece.text + " ORDER BY handler" +
                       (newest_first_ ? " DESC" : ""));
  piece.bind_to(rows);
  while (rows.step())
    if (!take(rows)) break;
  behind_ = last;
  const auto took = std::chrono::steady_clock::now() - began;
  if (took < piece_short) piece_rows_ = std::min(piece_rows_max, piece_rows_ * 2);
  else if (took > piece_long) piece_rows_ = std::max<std::size_t>(1, piece_rows_ / 2);
}

}  // namespace weir::sqlite_detail
