// GET /handlers: all of them as the protocol has it, or a page for those who look closer (limit=).
#include "http/answers/app.hpp"
#include "http/answers/background.hpp"
#include "http/answers/parameters.hpp"
#include "http/answers/pieces.hpp"
#include "http/answers/translate.hpp"
#include "row_reader.hpp"

#include <algorithm>
#include <stdexcept>

namespace weir::http {
namespace {

HandlerFilter filter_of(const Query& query) {
  const auto trimmed_values = [&](std::string_view name) {
    std::vector<std::string> out;
    for (auto value : query.all(name)) {
      value.erase(0, value.find_first_not_of(" \t"));
      value.erase(value.find_last_not_of(" \t") + 1);
      if (!value.empty()) out.push_back(std::move(value));
    }
    return out;
  };
  HandlerFilter filter;
  if (auto names = trimmed_values("workflow_name"); !names.empty()) filter.workflow_names = std::move(names);
  if (const auto words = trimmed_values("status"); !words.empty()) {
    filter.statuses.emplace();
    for (const auto& word : words)
      if (const auto status = parse_handler_status(word)) filter.statuses->push_back(*status);
  }
  return filter;
}

HandlerQuery page_query(const Query& query, Time now) {
  HandlerQuery out{.filter = filter_of(query)};
  if (query.last("is_idle")) out.filter.idle = query.flag("is_idle", false);
  if (query.last("awaits_event")) out.filter.awaits_event = query.flag("awaits_event", false);
  if (query.last("quarantined")) out.filter.quarantined = query.flag("quarantined", false);
  out.since = moment(query, "since", now);
  out.until = moment(query, "until", now);
  out.text = query.last("q").value_or("");
  const auto order = query.last("order").value_or("newest");
  if (order != "newest" && order != "oldest") throw std::invalid_argument("order must be newest or oldest, got '" + shortened(order) + "'");
  out.newest_first = order == "newest";
  out.limit = page_limit(query);
  out.cursor = query.last("cursor").value_or("");
  return out;
}

std::size_t bytes_of(const std::vector<HandlerRow>& rows) {
  std::size_t out = 0;
  for (const auto& row : rows) out += row.result.size() + row.error.size() + row.waiting_for.size() + 400;
  return out;
}

/// Every handler there is, oldest first.
class AllHandlers final : public Pieces {
public:
  AllHandlers(const runtime::Service& service, HandlerFilter filter, std::stop_token gone)
      : store_(service.store()), began_(service.now()), gone_(std::move(gone)) {
    query_.filter = std::move(filter);
    query_.newest_first = false;
    query_.with_total = false;
  }

  bool append(std::string& out) override {
    if (!std::exchange(begun_, true)) out += "{\"handlers\":[";
    query_.limit = stride_.rows();
    query_.cancellation = Cancellation::for_at_most(budget::search_time_max, gone_);
    const auto page = store_.find_handlers(query_);
    stride_.saw(page.rows.size(), bytes_of(page.rows));
    for (const auto& row : page.rows) {
      if (std::exchange(any_, true)) out += ',';
      out += handler_json(row);
    }
    query_.cursor = page.next;
    const bool all_are_newer = !page.rows.empty() && std::all_of(page.rows.begin(), page.rows.end(),
                                                                 [&](const HandlerRow& row) { return row.started_at > began_; });
    const bool more = !page.next.empty() && !all_are_newer;  // handlers may begin faster than they are read
    if (!more) out += "]}";
    return more;
  }

private:
  const Store& store_;
  Time began_;
  std::stop_token gone_;
  HandlerQuery query_;
  Stride stride_;
  bool begun_ = false, any_ = false;
};

class PageOfHandlers final : public Pieces {
public:
  PageOfHandlers(const Store& store, HandlerQuery query, bool with_results, std::stop_token gone)
      : store_(store), query_(std::move(query)), left_(query_.limit), with_results_(with_results), budget_(std::move(gone)) {}

  bool append(std::string& out) override {
    budget_.resume();
    const bool first = query_.with_total = total_.empty();
    query_.limit = std::min(left_, stride_.rows());
    query_.cancellation = budget_.cancellation();
    const auto page = store_.find_handlers(query_);
    if (first) out += "{\"handlers\":[", total_ = total_json(page);
    stride_.saw(page.rows.size(), bytes_of(page.rows));
    for (const auto& row : page.rows) {
      if (std::exchange(any_, true)) out += ',';
      JsonWriter writer(out);
      write_handler_item(writer, row, with_results_);
    }
    left_ -= page.rows.size();
    query_.cursor = page.next;
    const bool in_time = page.complete && budget_.spend(page.rows.size());
    budget_.pause();
    if (left_ > 0 && !page.next.empty() && in_time) return true;
    end(out, page.complete && (left_ == 0 || page.next.empty()));
    return false;
  }

private:
  static std::string total_json(const HandlerPage& page) {
    return ",\"total\":" + std::to_string(page.total) + ",\"total_is_exact\":" + (page.total_is_exact ? "true" : "false");
  }

  void end(std::string& out, bool complete) const {
    out += "],\"next_cursor\":" + (query_.cursor.empty() ? "null" : to_json(Value(query_.cursor))) + total_;
    if (!complete) out += ",\"complete\":false";
    out += '}';
  }

  const Store& store_;
  HandlerQuery query_;
  std::size_t left_;
  bool with_results_;
  SearchBudget budget_;
  Stride stride_;
  std::string total_;
  bool any_ = false;
};

}  // namespace

void get_handlers(const Call& call) {
  off_the_loop(call, Work::search, [](const Call& taken) {
    const auto& service = taken.app.service;
    if (!taken.query.last("limit"))
      return answer_in_pieces(taken, std::make_unique<AllHandlers>(service, filter_of(taken.query), taken.gone.get_token()), false);
    auto page = std::make_unique<PageOfHandlers>(service.store(), page_query(taken.query, service.now()),
                                                 taken.query.flag("include_result", false), taken.gone.get_token());
    answer_in_pieces(taken, std::move(page), true);
  });
}

}  // namespace weir::http
