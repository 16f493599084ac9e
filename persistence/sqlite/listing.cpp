// Pages of handlers, and counts of them: reads that may look at every row.
#include "listing.hpp"

#include "../handler_query.hpp"

namespace weir::sqlite_detail {
namespace {

/// Counting on would cost more than the answer is worth.
constexpr std::int64_t counted_max = 10000;

struct Condition {
  std::string text;
  std::vector<std::string> texts;
  std::vector<std::int64_t> numbers;  ///< bound behind the texts
};

std::string marks(std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += i == 0 ? "?" : ", ?";
  return out;
}

Condition condition_of(const HandlerQuery& query) {
  Condition out{.text = "1", .texts = {}, .numbers = {}};
  const auto& filter = query.filter;
  if (filter.workflow_names) {
    out.text += " AND workflow_name IN (" + marks(filter.workflow_names->size()) + ")";
    out.texts = *filter.workflow_names;
  }
  if (!query.text.empty()) {
    out.text += " AND (instr(lower(handler_id), lower(?)) OR instr(lower(error), lower(?)) OR instr(lower(result), lower(?)))";
    out.texts.insert(out.texts.end(), 3, query.text);
  }
  if (filter.statuses) {
    out.text += " AND status IN (" + marks(filter.statuses->size()) + ")";
    for (const auto status : *filter.statuses) out.numbers.push_back(static_cast<std::int64_t>(status));
  }
  if (filter.idle) out.text += *filter.idle ? " AND idle_since IS NOT NULL" : " AND idle_since IS NULL";
  const auto add_time = [&](const char* comparison, const std::optional<Time>& time) {
    if (!time) return;
    out.text += comparison;
    out.numbers.push_back(stored(*time));
  };
  add_time(" AND started_at >= ?", query.since);
  add_time(" AND started_at < ?", query.until);
  return out;
}

void bind(Query& query, const Condition& condition) {
  for (const auto& text : condition.texts) query.bind(text);
  for (const auto number : condition.numbers) query.bind(number);
}

}  // namespace

HandlerPage find_handlers(Connection& db, const HandlerQuery& query) {
  HandlerPage page;
  auto condition = condition_of(query);
  auto count = db.query("SELECT count(*) FROM (SELECT 1 FROM handlers WHERE " + condition.text + " LIMIT " + std::to_string(counted_max + 1) + ")");
  bind(count, condition);
  count.step();
  page.total = static_cast<std::size_t>(std::min(count.integer(0), counted_max));
  page.total_is_exact = count.integer(0) <= counted_max;

  if (!query.cursor.empty()) {
    condition.text += query.newest_first ? " AND handler < ?" : " AND handler > ?";
    condition.numbers.push_back(static_cast<std::int64_t>(parse_cursor(query.cursor)));
  }
  auto rows = db.query("SELECT " + handler_columns + ", handler FROM handlers WHERE " + condition.text + " ORDER BY handler" +
                       (query.newest_first ? " DESC" : "") + " LIMIT " + std::to_string(query.limit + 1));
  bind(rows, condition);
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
  auto query = db.query(
      "SELECT workflow_name, status, idle_since IS NOT NULL, count(*) FROM handlers GROUP BY workflow_name, status, idle_since IS NOT NULL");
  std::vector<HandlerCount> out;
  while (query.step())
    out.push_back({std::string(query.text(0)), static_cast<HandlerStatus>(query.integer(1)), query.integer(2) != 0,
                   static_cast<std::size_t>(query.integer(3))});
  return out;
}

}  // namespace weir::sqlite_detail
