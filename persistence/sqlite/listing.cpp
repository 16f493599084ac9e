// Pages of handlers, and counts of them: reads that may look at every row.
#include "listing.hpp"

#include "../handler_query.hpp"

#include <variant>

namespace weir::sqlite_detail {
namespace {

/// Counting on would cost more than the answer is worth.
constexpr std::int64_t counted_max = 10000;

/// Prepared statements are kept by their text, so that what a client chooses is bound, never written into it.
struct Condition {
  std::string text = "1";
  std::vector<std::variant<std::string, std::int64_t>> values = {};

  template <class... V>
  void add(const char* condition, const V&... bound) {
    text += " AND ";
    text += condition;
    (values.emplace_back(bound), ...);
  }
};

template <class T, class F>
std::string json_list(const std::vector<T>& items, F value) {
  Value::Array out;
  for (const auto& item : items) out.emplace_back(value(item));
  return to_json(Value(std::move(out)));
}

Condition condition_of(const HandlerQuery& query) {
  Condition out;
  const auto& filter = query.filter;
  if (filter.workflow_names)
    out.add("workflow_name IN (SELECT value FROM json_each(?))", json_list(*filter.workflow_names, [](const auto& name) { return name; }));
  if (filter.statuses)
    out.add("status IN (SELECT value FROM json_each(?))",
            json_list(*filter.statuses, [](HandlerStatus status) { return static_cast<std::int64_t>(status); }));
  if (filter.idle) out.add(*filter.idle ? "idle_since IS NOT NULL" : "idle_since IS NULL");
  if (filter.awaits_event) out.add(*filter.awaits_event ? "idle_since IS NOT NULL AND waiting_for <> ''" : "waiting_for = ''");
  if (query.since) out.add("started_at >= ?", stored(*query.since));
  if (query.until) out.add("started_at < ?", stored(*query.until));
  if (!query.text.empty())
    out.add("(instr(lower(handler_id), lower(?)) OR instr(lower(error), lower(?)) OR instr(lower(result), lower(?)))", query.text,
            query.text, query.text);
  return out;
}

void bind(Query& query, const Condition& condition) {
  for (const auto& value : condition.values) std::visit([&](const auto& bound) { query.bind(bound); }, value);
}

}  // namespace

HandlerPage find_handlers(Connection& db, const HandlerQuery& query) {
  HandlerPage page;
  auto condition = condition_of(query);
  auto count = db.query("SELECT count(*) FROM (SELECT 1 FROM handlers WHERE " + condition.text + " LIMIT ?)");
  bind(count, condition);
  count.bind(counted_max + 1);
  count.step();
  page.total = static_cast<std::size_t>(std::min(count.integer(0), counted_max));
  page.total_is_exact = count.integer(0) <= counted_max;

  if (!query.cursor.empty())
    condition.add(query.newest_first ? "handler < ?" : "handler > ?", static_cast<std::int64_t>(parse_cursor(query.cursor)));
  auto rows = db.query("SELECT " + handler_columns + ", handler FROM handlers WHERE " + condition.text + " ORDER BY handler" +
                       (query.newest_first ? " DESC" : "") + " LIMIT ?");
  bind(rows, condition);
  rows.bind(static_cast<std::int64_t>(query.limit + 1));
  std::int64_t last = 0;
  while (rows.step()) {
    if (page.rows.size() == query.limit) {
      page.next = std::to_string(last);
      break;
    }
    page.rows.push_back(handler_of(rows));
    last = rows.integer(15);
  }
  return page;
}

std::vector<HandlerCount> count_handlers(Connection& db) {
  auto query =
      db.query("SELECT workflow_name, status, waiting_for <> '', count(*) FROM handlers GROUP BY workflow_name, status, waiting_for <> ''");
  std::vector<HandlerCount> out;
  while (query.step())
    out.push_back(
        {std::string(query.text(0)), status_of(query.integer(1)), query.integer(2) != 0, static_cast<std::size_t>(query.integer(3))});
  return out;
}

}  // namespace weir::sqlite_detail
