// What the stores have in common.
#include "commit_order.hpp"
#include "handler_query.hpp"

#include <weir/assert.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace weir {

namespace {
thread_local bool blocking_is_forbidden = false;
}  // namespace

void forbid_blocking_here() noexcept { blocking_is_forbidden = true; }
BlockingForbidden::BlockingForbidden() noexcept : before_(std::exchange(blocking_is_forbidden, true)) {}
BlockingForbidden::~BlockingForbidden() { blocking_is_forbidden = before_; }
void assert_may_block() noexcept {
#ifndef NDEBUG
  WEIR_ASSERT(!blocking_is_forbidden, "a store that may block was called on a thread that must not wait");
#endif
}

const std::optional<Duration>& kept_for(const Retention& retention, HandlerStatus status) noexcept {
  static const std::optional<Duration> for_ever;
  switch (status) {
    case HandlerStatus::running: return for_ever;
    case HandlerStatus::completed: return retention.completed;
    case HandlerStatus::failed: return retention.failed;
    case HandlerStatus::cancelled: return retention.cancelled;
  }
  return for_ever;
}

std::vector<Expected<bool>> Store::commit_all(const std::vector<Commit>& commits) {
  return in_order(commits, [this](const Commit& commit) { return this->commit(commit); });
}

namespace {

bool contains(std::string_view whole, std::string_view part) {
  const auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  };
  return std::search(whole.begin(), whole.end(), part.begin(), part.end(), same) != whole.end();
}

}  // namespace

bool matches(const HandlerFilter& filter, const HandlerRow& row) {
  const auto has = [](const auto& list, const auto& value) { return !list || std::find(list->begin(), list->end(), value) != list->end(); };
  return has(filter.workflow_names, row.workflow_name) && has(filter.statuses, row.status) &&
         (!filter.idle || *filter.idle == row.idle_since.has_value()) &&
         (!filter.awaits_event || *filter.awaits_event != row.waiting_for.empty()) &&
         (!filter.quarantined || *filter.quarantined == row.quarantined);
}

bool matches(const HandlerQuery& query, const HandlerRow& row) {
  if (query.since && row.started_at < *query.since) return false;
  if (query.until && row.started_at >= *query.until) return false;
  return query.text.empty() || contains(row.handler_id, query.text) || contains(row.error, query.text) || contains(row.result, query.text);
}

std::uint64_t parse_cursor(const std::string& cursor) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(cursor.data(), cursor.data() + cursor.size(), out);
  if (error != std::errc() || end != cursor.data() + cursor.size())
    throw std::invalid_argument("cursor must be what an earlier page's next_cursor says, got '" + cursor + "'");
  return out;
}

void throw_if_over(const Cancellation& cancellation) {
  if (!cancellation.over()) return;
  if (cancellation.given_up.stop_requested()) throw StoreFailure(Code::cancelled, "the answer is not wanted any more");
  throw StoreFailure(Code::deadline_exceeded, "there are too many handlers to look at in the time there is");
}

Error already_running(const HandlerRow& row) { return {Code::conflict, "Handler '" + row.handler_id + "' is already running"}; }

Error parent_is_gone(const HandlerRow& row) {
  return {Code::not_found, "Handler '" + row.handler_id + "' is not begun: its parent '" + row.parent_handler_id + "' is gone"};
}

HandlerPage Store::find_handlers(const HandlerQuery& query) const {
  auto rows = list_handlers(query.filter, query.cancellation);
  std::erase_if(rows, [&](const HandlerRow& row) { return !matches(query, row); });
  if (query.newest_first) std::reverse(rows.begin(), rows.end());
  HandlerPage page{.total = rows.size()};
  const auto from = query.cursor.empty() ? 0 : std::min<std::size_t>(rows.size(), parse_cursor(query.cursor));
  const auto to = std::min(rows.size(), from + query.limit);
  if (to < rows.size()) page.next = std::to_string(to);
  std::move(rows.begin() + static_cast<std::ptrdiff_t>(from), rows.begin() + static_cast<std::ptrdiff_t>(to),
            std::back_inserter(page.rows));
  return page;
}

std::vector<HandlerCount> Store::count_handlers(const Cancellation& cancellation) const {
  std::map<std::tuple<std::string, HandlerStatus, bool, bool>, std::size_t> counts;
  for (const auto& row : list_handlers({}, cancellation))
    ++counts[{row.workflow_name, row.status, !row.waiting_for.empty(), row.quarantined}];
  std::vector<HandlerCount> out;
  for (const auto& [key, count] : counts) out.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), std::get<3>(key), count});
  return out;
}

}  // namespace weir
