// The memory store: sharded maps under one lock each, so that runs do not queue up behind one another.
#include "persistence/ended_handlers.hpp"
#include "persistence/handler_query.hpp"
#include "persistence/state_history.hpp"

#include <weir/assert.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <mutex>
#include <unordered_map>

namespace weir {

namespace {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

template <class V>
using ById = std::unordered_map<std::string, V, TextHash, std::equal_to<>>;

struct Handler {
  HandlerRow row;
  std::uint64_t created = 0;
  NamedStates states;
  std::vector<std::string> runs;    ///< this and earlier ones, oldest first
  std::vector<HandlerRow> earlier;  ///< as the earlier ones ended
  std::vector<std::string> children;
};

constexpr std::size_t rows_between_looks = 256;  // at the clock, in long searches

struct EventLog {
  std::deque<EventRow> rows;  ///< without a gap
  state_history::History states;
  std::shared_ptr<const EventPayload> input;
  std::optional<Rerun> rerun_of;
  bool first_read_claimed = false;
  std::string handler_id;
  std::vector<std::string> keys;
};

template <class V>
struct Shard {
  mutable std::mutex mutex;
  ById<V> items;
};

template <class V>
class Sharded {
public:
  Shard<V>& of(std::string_view id) { return shards_[TextHash{}(id) % shards_.size()]; }
  const Shard<V>& of(std::string_view id) const { return shards_[TextHash{}(id) % shards_.size()]; }
  auto begin() { return shards_.begin(); }
  auto end() { return shards_.end(); }
  auto begin() const { return shards_.begin(); }
  auto end() const { return shards_.end(); }

private:
  std::array<Shard<V>, 64> shards_;
};

class MemoryStore final : public Store {
public:
  explicit MemoryStore(std::size_t completed_max) : completed_max_(completed_max) {}

  Expected<Inheritance> begin_run(const HandlerRow& row) override {
    if (!row.parent_handler_id.empty() && !find_handler(row.parent_handler_id)) return parent_is_gone(row);
    auto left = add_run(row);
    // The parent may have been purged since: who purges from now on finds the child.
    if (!left || row.parent_handler_id.empty() || adopt(row)) return left;
    drop(row.handler_id);
    return parent_is_gone(row);
  }

  Expected<bool> commit(Commit commit) override {
    if (commit.begin)
      if (const auto begun = begin_run(*commit.begin); !begun) return begun.error();
    for (auto& key : commit.keys) remember(std::move(key), commit.run_id);
    if (!commit.handler) {
      append(commit);
      return true;
    }
    const auto handler_id = commit.handler->handler_id;
    const bool ended = commit.handler->terminal();
    {
      // Both under the handler's lock: who has seen the last event finds the handler ended, and the other way round.
      auto& shard = handlers_.of(handler_id);
      const std::lock_guard lock(shard.mutex);
      const auto found = shard.items.find(handler_id);
      if (found == shard.items.end() || found->second.row.run_id != commit.run_id) return true;  // purged, or run again, meanwhile
      append(commit);
      found->second.row = std::move(*commit.handler);
      if (commit.states) found->second.states = std::move(*commit.states);
    }
    if (ended)
      if (const auto oldest = ended_.add(handler_id, completed_max_)) drop(*oldest, true);
    return true;
  }

  std::optional<HandlerRow> find_handler(std::string_view handler_id) const override {
    const auto& shard = handlers_.of(handler_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.items.find(handler_id);
    if (found == shard.items.end()) return std::nullopt;
    return found->second.row;
  }

  std::optional<HandlerRow> find_run(std::string_view run_id) const override {
    const auto handler_id = handler_of(run_id);
    const auto& shard = handlers_.of(handler_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.items.find(handler_id);
    if (found == shard.items.end()) return std::nullopt;
    if (found->second.row.run_id == run_id) return found->second.row;
    for (const auto& row : found->second.earlier)
      if (row.run_id == run_id) return row;
    return std::nullopt;
  }

  std::optional<UsedKey> find_key(std::string_view key) const override {
    const auto& shard = keys_.of(key);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.items.find(key);
    if (found == shard.items.end()) return std::nullopt;
    return found->second;
  }

  NamedStates find_states(std::string_view handler_id) const override {
    const auto& shard = handlers_.of(handler_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.items.find(handler_id);
    return found == shard.items.end() ? NamedStates() : found->second.states;
  }

  std::vector<HandlerRow> list_handlers(const HandlerFilter& filter, const Cancellation& cancellation) const override {
    std::vector<HandlerRow> out;
    const HandlerQuery query{.filter = filter, .newest_first = false};
    for (auto walk = Walk(order_, query); !walk.done();) {
      throw_if_over(cancellation);
      for (const auto& candidate : walk.next())
        if (auto row = look_at(candidate, query)) out.push_back(std::move(*row));
    }
    return out;
  }

  HandlerPage find_handlers(const HandlerQuery& query) const override {
    HandlerPage page;
    std::uint64_t last = 0;
    for (auto walk = Walk(order_, query); !walk.done() && page.complete && page.next.empty();) {
      for (const auto& candidate : walk.next()) {
        auto row = look_at(candidate, query);
        if (row && page.rows.size() == query.limit) {
          page.next = std::to_string(last);
          break;
        }
        last = candidate.created;
        if (row) page.rows.push_back(std::move(*row));
      }
      page.complete = !page.next.empty() || walk.done() || !query.cancellation.over();
      if (!page.complete) page.next = std::to_string(last);
    }
    page.total = page.rows.size();
    page.total_is_exact = page.complete;
    if (query.with_total && page.complete && !(query.cursor.empty() && page.next.empty())) count(page, query);
    return page;
  }

  RunOrigin find_origin(std::string_view run_id) const override {
    std::shared_ptr<const EventPayload> input;
    RunOrigin out;
    {
      const auto& shard = logs_.of(run_id);
      const std::lock_guard lock(shard.mutex);
      const auto found = shard.items.find(run_id);
      if (found == shard.items.end()) return out;
      input = found->second.input;
      out.rerun_of = found->second.rerun_of;
    }
    if (input) out.input = input->json();
    return out;
  }

  std::optional<NamedStates> find_states_at(std::string_view run_id, std::int64_t sequence) const override {
    const auto& shard = logs_.of(run_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.items.find(run_id);
    if (found == shard.items.end()) return std::nullopt;
    return found->second.states.at(sequence);
  }

  std::vector<EventRow> read_events(std::string_view run_id, std::int64_t after, std::size_t limit) const override {
    const auto& shard = logs_.of(run_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.items.find(run_id);
    if (found == shard.items.end()) return {};
    const auto& rows = found->second.rows;
    if (rows.empty() || after >= rows.back().sequence) return {};
    const auto begin = static_cast<std::size_t>(std::max<std::int64_t>(0, after + 1 - rows.front().sequence));
    const auto end = begin + std::min(rows.size() - begin, limit);
    return {rows.begin() + static_cast<std::ptrdiff_t>(begin), rows.begin() + static_cast<std::ptrdiff_t>(end)};
  }

  std::optional<EventRow> last_event(std::string_view run_id) const override {
    const auto& shard = logs_.of(run_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.items.find(run_id);
    if (found == shard.items.end() || found->second.rows.empty()) return std::nullopt;
    return found->second.rows.back();
  }

  Expected<bool> claim_first_read(std::string_view run_id) override {
    auto& shard = logs_.of(run_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.items.find(run_id);
    return found != shard.items.end() && !std::exchange(found->second.first_read_claimed, true);
  }

  Expected<bool> purge(std::string_view handler_id) override { return drop(handler_id); }

  Expected<std::size_t> expire(const Retention& retention, Time now, std::size_t limit) override {
    const auto expired = [&](const HandlerRow& row) {
      const auto& kept = kept_for(retention, row.status);
      return kept && row.completed_at && later(*row.completed_at, *kept) < now;
    };
    std::vector<std::string> handlers, runs;
    for (auto& shard : handlers_) {
      const std::lock_guard lock(shard.mutex);
      for (auto& [id, handler] : shard.items) {
        if (handlers.size() < limit && expired(handler.row) && handler.row.parent_handler_id.empty()) handlers.push_back(id);
        std::erase_if(handler.earlier, [&](const HandlerRow& row) {
          if (runs.size() >= limit || !expired(row)) return false;
          std::erase(handler.runs, row.run_id);
          runs.push_back(row.run_id);
          return true;
        });
      }
    }
    for (const auto& id : handlers) drop(id);
    for (const auto& run : runs) drop_log(run);
    return handlers.size() + runs.size();
  }

private:
  struct Candidate {
    std::uint64_t created;
    std::string handler_id;
  };

  /// Handler ids in the order of their creation.
  struct Order {
    mutable std::mutex mutex;
    std::map<std::uint64_t, std::string> ids;
  };

  /// Goes through them from behind the query's cursor, some at a time.
  class Walk {
  public:
    Walk(const Order& order, const HandlerQuery& query) : order_(order), newest_first_(query.newest_first) {
      if (!query.cursor.empty()) last_ = parse_cursor(query.cursor);
      else if (newest_first_) last_ = std::numeric_limits<std::uint64_t>::max();
    }

    bool done() const { return done_; }
    const std::vector<Candidate>& next() {
      some_.clear();
      const std::lock_guard lock(order_.mutex);
      const auto take = [this](auto from, auto end) {
        for (; from != end && some_.size() < rows_between_looks; ++from) some_.push_back({from->first, from->second});
        done_ = from == end;
      };
      if (newest_first_) take(std::make_reverse_iterator(order_.ids.lower_bound(last_)), order_.ids.rend());
      else take(order_.ids.upper_bound(last_), order_.ids.end());
      if (!some_.empty()) last_ = some_.back().created;
      return some_;
    }

  private:
    const Order& order_;
    bool newest_first_, done_ = false;
    std::uint64_t last_ = 0;
    std::vector<Candidate> some_;
  };

  void count(HandlerPage& page, HandlerQuery query) const {
    query.cursor.clear();
    std::size_t total = 0;
    for (auto walk = Walk(order_, query); !walk.done() && page.total_is_exact;
         page.total_is_exact = walk.done() || !query.cancellation.over())
      for (const auto& candidate : walk.next())
        if (fits(candidate, query)) ++total;
    page.total = std::max(page.total, total);
  }

  bool fits(const Candidate& candidate, const HandlerQuery& query) const {
    const auto& shard = handlers_.of(candidate.handler_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.items.find(candidate.handler_id);
    if (found == shard.items.end() || found->second.created != candidate.created) return false;
    return matches(query.filter, found->second.row) && matches(query, found->second.row);
  }

  std::optional<HandlerRow> look_at(const Candidate& candidate, const HandlerQuery& query) const {
    const auto& shard = handlers_.of(candidate.handler_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.items.find(candidate.handler_id);
    if (found == shard.items.end() || found->second.created != candidate.created) return std::nullopt;
    const auto& row = found->second.row;
    return matches(query.filter, row) && matches(query, row) ? std::optional(row) : std::nullopt;
  }

  Expected<Inheritance> add_run(const HandlerRow& row) {
    auto& shard = handlers_.of(row.handler_id);
    const std::lock_guard lock(shard.mutex);
    const auto [found, inserted] = shard.items.try_emplace(row.handler_id);
    auto& handler = found->second;
    if (!inserted && !handler.row.terminal()) return already_running(row);
    if (inserted) {
      const std::lock_guard order_lock(order_.mutex);
      handler.created = ++created_;
      order_.ids.emplace_hint(order_.ids.end(), handler.created, row.handler_id);
    }
    Inheritance left{handler.states, handler.row.workflow_name, inserted ? row.first_sequence : next_sequence(handler.row)};
    ended_.remove(row.handler_id);
    if (!inserted) handler.earlier.push_back(std::move(handler.row));
    handler.row = row;
    handler.row.first_sequence = left.first_sequence;
    handler.runs.push_back(row.run_id);
    auto& logs = logs_.of(row.run_id);
    const std::lock_guard log_lock(logs.mutex);
    auto& log = logs.items[row.run_id];
    log.handler_id = row.handler_id;
    log.input = std::move(handler.row.input);
    log.rerun_of = std::move(handler.row.rerun_of);
    return left;
  }

  /// Behind the last event of a handler's run.
  std::int64_t next_sequence(const HandlerRow& row) const {
    const auto last = last_event(row.run_id);
    return last ? last->sequence + 1 : row.first_sequence;
  }

  /// False when the parent is not there.
  bool adopt(const HandlerRow& row) {
    auto& shard = handlers_.of(row.parent_handler_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.items.find(row.parent_handler_id);
    if (found == shard.items.end()) return false;
    auto& children = found->second.children;
    if (std::find(children.begin(), children.end(), row.handler_id) == children.end()) children.push_back(row.handler_id);
    return true;
  }

  /// The handler, its runs, its children and theirs. With `if_ended` not one that runs again.
  bool drop(std::string_view handler_id, bool if_ended = false) {
    std::vector<std::string> ids{std::string(handler_id)}, runs;
    bool first = true, found_first = false;
    while (!ids.empty()) {
      const auto id = std::move(ids.back());
      ids.pop_back();
      auto& shard = handlers_.of(id);
      const std::lock_guard lock(shard.mutex);
      const auto found = shard.items.find(id);
      const bool is_first = std::exchange(first, false);
      if (is_first) found_first = found != shard.items.end();
      if (found == shard.items.end()) continue;
      if (is_first && if_ended && !found->second.row.terminal()) return false;
      ended_.remove(id);
      std::move(found->second.runs.begin(), found->second.runs.end(), std::back_inserter(runs));
      std::move(found->second.children.begin(), found->second.children.end(), std::back_inserter(ids));
      {
        const std::lock_guard order_lock(order_.mutex);
        const auto gone = order_.ids.erase(found->second.created);
        WEIR_ASSERT(gone == 1, "each handler stands in the order of creation");
      }
      shard.items.erase(found);
    }
    for (const auto& run : runs) drop_log(run);
    return found_first;
  }

  void append(Commit& commit) {
    if (commit.events.empty() && !commit.states && commit.forget_events_before <= 0) return;
    auto& shard = logs_.of(commit.run_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.items.find(commit.run_id);
    if (found == shard.items.end()) return;  // purged meanwhile
    auto& rows = found->second.rows;
    for (auto& event : commit.events) {
      WEIR_ASSERT(rows.empty() || event.sequence == rows.back().sequence + 1, "a run's events have no gaps: they are found by their place");
      rows.push_back(std::move(event));
    }
    while (rows.size() > 1 && rows.front().sequence < commit.forget_events_before) rows.pop_front();
    if (commit.states) found->second.states.add(commit.states_after, *commit.states);
  }

  std::string handler_of(std::string_view run_id) const {
    const auto& shard = logs_.of(run_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.items.find(run_id);
    return found == shard.items.end() ? std::string() : found->second.handler_id;
  }

  void remember(IdempotencyKey key, const std::string& run_id) {
    {
      auto& shard = logs_.of(run_id);
      const std::lock_guard lock(shard.mutex);
      const auto found = shard.items.find(run_id);
      if (found == shard.items.end()) return;  // purged meanwhile
      found->second.keys.push_back(key.key);
    }
    auto& shard = keys_.of(key.key);
    const std::lock_guard lock(shard.mutex);
    shard.items.insert_or_assign(std::move(key.key), UsedKey{std::move(key.fingerprint), run_id, key.unhandled});
  }

  void drop_log(std::string_view run_id) {
    std::vector<std::string> keys;
    {
      auto& shard = logs_.of(run_id);
      const std::lock_guard lock(shard.mutex);
      const auto found = shard.items.find(run_id);
      if (found == shard.items.end()) return;
      keys = std::move(found->second.keys);
      shard.items.erase(found);
    }
    for (const auto& key : keys) {
      auto& shard = keys_.of(key);
      const std::lock_guard lock(shard.mutex);
      shard.items.erase(key);
    }
  }

  std::size_t completed_max_;
  Order order_;
  std::uint64_t created_ = 0;  ///< guarded by its lock
  Sharded<Handler> handlers_;
  Sharded<EventLog> logs_;
  Sharded<UsedKey> keys_;
  EndedHandlers ended_;
};

}  // namespace

std::shared_ptr<Store> memory(std::size_t completed_max) { return std::make_shared<MemoryStore>(completed_max); }

}  // namespace weir
