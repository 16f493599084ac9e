// Pages of handlers and of events, for those who look at more than a client needs: GET /handlers?limit=,
// GET /events/HANDLER?stream=false.
#include "app.hpp"
#include "background.hpp"
#include "durations.hpp"
#include "logged_event.hpp"
#include "translate.hpp"

#include <algorithm>
#include <stdexcept>

namespace weir::http {
namespace {

constexpr std::size_t page_max = 1000;

/// A number in a query. Throws std::invalid_argument naming it.
std::optional<std::int64_t> number(const Query& query, const char* name) {
  const auto text = query.last(name);
  if (!text) return std::nullopt;
  const auto out = python_integer(*text);
  if (!out) throw std::invalid_argument(std::string(name) + " must be a whole number, got '" + *text + "'");
  return *out;
}

std::size_t limit_of(const Query& query) {
  const auto given = number(query, "limit").value_or(100);
  if (given < 1 || given > static_cast<std::int64_t>(page_max))
    throw std::invalid_argument("limit must be from 1 to " + std::to_string(page_max) + ", got " + std::to_string(given));
  return static_cast<std::size_t>(given);
}

/// A time, or how long ago that was.
std::optional<Time> time(const Query& query, const char* name, Time now) {
  const auto text = query.last(name);
  if (!text || text->empty()) return std::nullopt;
  if (const auto ago = parse_duration(*text)) return now - *ago;
  Time out;
  Issues issues;
  if (codec::decode_time(Value(*text), out, issues)) return out;
  throw std::invalid_argument(std::string(name) + " must be a time like 2026-03-01T08:00:00Z, or how long ago like 1h, got '" + *text +
                              "'");
}

HandlerQuery handler_query(const Query& query, HandlerFilter filter, Time now) {
  HandlerQuery out{.filter = std::move(filter)};
  if (query.last("is_idle")) out.filter.idle = query.flag("is_idle", false);
  if (query.last("awaits_event")) out.filter.awaits_event = query.flag("awaits_event", false);
  out.since = time(query, "since", now);
  out.until = time(query, "until", now);
  out.text = query.last("q").value_or("");
  const auto order = query.last("order").value_or("newest");
  if (order != "newest" && order != "oldest") throw std::invalid_argument("order must be newest or oldest, got '" + order + "'");
  out.newest_first = order == "newest";
  out.limit = limit_of(query);
  out.cursor = query.last("cursor").value_or("");
  return out;
}

std::string page_json(const HandlerPage& page, bool with_results) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  writer.key("handlers");
  writer.begin_array();
  for (const auto& row : page.rows) write_handler_item(writer, row, with_results);
  writer.end_array();
  writer.key("next_cursor");
  page.next.empty() ? writer.null() : writer.string(page.next);
  writer.key("total");
  writer.integer(static_cast<std::int64_t>(page.total));
  writer.key("total_is_exact");
  writer.boolean(page.total_is_exact);
  writer.end_object();
  return out;
}

// ---- events

struct EventQuery {
  std::string run_id;
  std::int64_t after = -1, before = -1;  ///< exclusive; before -1: to the end
  std::size_t limit = 100;
  bool include_internal = false;
  std::string type = "", step = "", text = "";
};

bool matches(const EventQuery& query, const EventRow& row) {
  if (row.internal && !query.include_internal) return false;
  const auto json = row.payload->json();
  const auto says = [&](const std::string& part) { return json.find(part) != json.npos; };
  if (!query.type.empty() && !says("\"type\":\"" + query.type + "\"")) return false;
  if (!query.step.empty() && !says("\"name\":\"" + query.step + "\"") && !says("\"step_name\":\"" + query.step + "\"")) return false;
  return query.text.empty() || says(query.text);
}

/// The page begins at its cursor; with `before` alone it ends there.
std::string events_page(const Store& store, const EventQuery& query) {
  constexpr std::size_t batch = 500;
  const bool backwards = query.before >= 0 && query.after < 0;
  std::vector<EventRow> found;
  std::int64_t from = backwards ? std::max<std::int64_t>(-1, query.before - 1 - static_cast<std::int64_t>(batch)) : query.after;
  std::int64_t until = query.before >= 0 ? query.before : std::numeric_limits<std::int64_t>::max();
  bool more = false;
  while (found.size() < query.limit) {
    const auto rows = store.read_events(query.run_id, from, batch);
    std::vector<EventRow> here;
    for (const auto& row : rows)
      if (row.sequence < until && matches(query, row)) here.push_back(row);
    if (backwards) {
      found.insert(found.begin(), here.begin(), here.end());
      if (from < 0) break;
      until = from + 1;
      from = std::max<std::int64_t>(-1, from - static_cast<std::int64_t>(batch));
    } else {
      found.insert(found.end(), here.begin(), here.end());
      if (rows.size() < batch || rows.back().sequence >= until) break;
      from = rows.back().sequence;
    }
  }
  if (found.size() > query.limit) {
    more = true;
    if (backwards) found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(query.limit));
    else found.resize(query.limit);
  }
  const auto last = store.last_event(query.run_id);
  std::string out = "{\"events\":[";
  for (const auto& row : found) {
    if (out.back() == '}') out += ',';
    append_logged_event(out, row);
  }
  out += "],\"more\":" + std::string(more || (backwards && from >= 0) ? "true" : "false");
  return out + ",\"last_sequence\":" + std::to_string(last ? last->sequence : -1) + "}";
}

}  // namespace

void get_handlers_page(const Call& call, HandlerFilter filter) {
  const auto& service = call.app.service;
  answer_in_background(call, [&service, query = call.query, filter = std::move(filter)] {
    return json(page_json(service.store().find_handlers(handler_query(query, filter, service.now())), query.flag("include_result", false)));
  });
}

void get_events_page(const Call& call, const HandlerRow& row) {
  const auto& service = call.app.service;
  answer_in_background(call, [&service, query = call.query, run_id = row.run_id] {
    EventQuery wanted{.run_id = run_id};
    wanted.after = std::max<std::int64_t>(-1, number(query, "after_sequence").value_or(-1));
    wanted.before = number(query, "before_sequence").value_or(-1);
    wanted.limit = limit_of(query);
    wanted.include_internal = query.flag("include_internal", false);
    wanted.type = query.last("type").value_or("");
    wanted.step = query.last("step").value_or("");
    wanted.text = query.last("q").value_or("");
    return json(events_page(service.store(), wanted));
  });
}

}  // namespace weir::http
