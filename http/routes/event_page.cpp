// GET /events/HANDLER?stream=false: some of the events that are there.
#include "http/answers/app.hpp"
#include "http/answers/parameters.hpp"
#include "http/answers/pieces.hpp"
#include "http/streams/logged_event.hpp"
#include "row_reader.hpp"

#include <algorithm>
#include <deque>

namespace weir::http {
namespace {

struct EventQuery {
  std::int64_t after = -1;
  std::optional<std::int64_t> before = {};  ///< both exclusive
  std::size_t limit = 100;
  bool include_internal = false;
  std::string type = "", step = "", text = "";
};

EventQuery event_query(const Query& query) {
  EventQuery out;
  out.after = std::max<std::int64_t>(-1, number(query, "after_sequence").value_or(-1));
  out.before = number(query, "before_sequence");
  if (out.before && *out.before == -1) out.before.reset();
  out.limit = page_limit(query);
  out.include_internal = query.flag("include_internal", false);
  out.type = query.last("type").value_or("");
  out.step = query.last("step").value_or("");
  out.text = query.last("q").value_or("");
  return out;
}

bool matches(const EventQuery& query, const EventRow& row) {
  if (row.internal && !query.include_internal) return false;
  const auto json = row.payload->json();
  const auto says = [&](const std::string& part) { return json.find(part) != json.npos; };
  if (!query.type.empty() && !says("\"type\":\"" + query.type + "\"")) return false;
  if (!query.step.empty() && !says("\"name\":\"" + query.step + "\"") && !says("\"step_name\":\"" + query.step + "\"")) return false;
  return query.text.empty() || says(query.text);
}

/// The page begins at its cursor; with `before` alone it ends there. Everything is clamped to the events that there are.
class PageOfEvents final : public Pieces {
public:
  PageOfEvents(const Store& store, const std::string& run_id, EventQuery query, std::stop_token gone)
      : store_(store), run_id_(run_id), query_(std::move(query)), newest_(newest_of(store, run_id)), oldest_(oldest_of(store, run_id)),
        until_(std::clamp<std::int64_t>(query_.before.value_or(newest_ + 1), oldest_, newest_ + 1)),
        backwards_(query_.before && query_.after < 0), budget_(std::move(gone)),
        reader_(store, run_id, std::min(query_.after, newest_), until_ - 1) {}

  bool append(std::string& out) override {
    budget_.resume();
    if (!std::exchange(begun_, true)) {
      out += "{\"events\":[";
      if (backwards_) find_backwards();
    }
    const auto in_time = backwards_ ? show_found(out) : show_matches(out);
    budget_.pause();
    if (in_time && !full_ && !reader_.done()) return true;
    end(out, in_time || full_ || reader_.done());
    return false;
  }

private:
  static std::int64_t newest_of(const Store& store, const std::string& run_id) {
    const auto last = store.last_event(run_id);
    return last ? last->sequence : -1;
  }

  /// 0 where there is none, as if the first were to come.
  static std::int64_t oldest_of(const Store& store, const std::string& run_id) {
    const auto first = store.read_events(run_id, -1, 1);
    return first.empty() ? 0 : first.front().sequence;
  }

  void show(std::string& out, const EventRow& row) {
    if (shown_++ > 0) out += ',';
    append_logged_event(out, row);
  }

  bool show_matches(std::string& out) {
    const auto rows = reader_.next();
    for (const auto& row : rows) {
      if (!matches(query_, row)) continue;
      if (shown_ == query_.limit) return more_ = full_ = true;
      show(out, row);
    }
    return budget_.spend(rows.size());
  }

  /// Which events they are, from the newest back: no more is kept of them than that.
  void find_backwards() {
    Stride stride;
    auto until = until_;
    bool in_time = true;
    while (until > oldest_ && found_.size() < query_.limit && in_time) {
      const auto from = std::max<std::int64_t>(oldest_ - 1, until - 1 - static_cast<std::int64_t>(stride.rows()));
      const auto rows = store_.read_events(run_id_, from, stride.rows());
      std::size_t bytes = 0;
      for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
        bytes += row->payload->json().size();
        if (row->sequence < until && matches(query_, *row)) found_.push_front(row->sequence);
      }
      stride.saw(rows.size(), bytes);
      until = from + 1;
      in_time = budget_.spend(rows.size());
    }
    more_ = until > oldest_ || found_.size() > query_.limit;
    if (found_.size() > query_.limit) found_.erase(found_.begin(), found_.end() - static_cast<std::ptrdiff_t>(query_.limit));
    if (!in_time && until > oldest_) cut_at_ = until;
  }

  bool show_found(std::string& out) {
    if (found_.empty()) return full_ = true;
    reader_.skip_to(found_.front() - 1);
    for (const auto& row : reader_.next()) {
      if (found_.empty() || row.sequence != found_.front()) continue;
      show(out, row);
      found_.pop_front();
    }
    full_ = found_.empty();
    return true;
  }

  void end(std::string& out, bool complete) const {
    const auto cut_at = cut_at_ ? cut_at_ : complete ? std::nullopt : std::optional(reader_.position());
    out += "],\"more\":" + std::string(more_ || cut_at ? "true" : "false") + ",\"last_sequence\":" + std::to_string(newest_);
    if (cut_at) out += ",\"complete\":false,\"looked_at_until\":" + std::to_string(*cut_at);
    out += '}';
  }

  const Store& store_;
  std::string run_id_;
  EventQuery query_;
  std::int64_t newest_, oldest_, until_;
  bool backwards_;
  SearchBudget budget_;
  EventReader reader_;
  std::deque<std::int64_t> found_;
  std::size_t shown_ = 0;
  std::optional<std::int64_t> cut_at_;
  bool begun_ = false, more_ = false, full_ = false;
};

}  // namespace

void get_events_page(const Call& call, const HandlerRow& row) {
  auto page = std::make_unique<PageOfEvents>(call.app.service.store(), row.run_id, event_query(call.query), call.gone.get_token());
  answer_in_pieces(call, std::move(page), true);
}

}  // namespace weir::http
