// The memory store: sharded maps under one lock each, so that runs do not queue up behind one another.
#include "handler_query.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <functional>
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

constexpr std::size_t states_kept_max = 256;  // of a run, the newest

struct EventLog {
  std::vector<EventRow> rows;
  std::deque<std::pair<std::int64_t, NamedStates>> states;  ///< by the event they were changed after
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
    if (!row.parent_handler_id.empty()) add_child(row);
    auto& shard = handlers_.of(row.handler_id);
    const std::lock_guard lock(shard.mutex);
    const auto [found, inserted] = shard.items.try_emplace(row.handler_id);
    auto& handler = found->second;
    if (!inserted && !handler.row.terminal()) return Error{Code::conflict, "Handler '" + row.handler_id + "' is already running"};
    if (inserted) handler.created = ++created_;
    Inheritance left{handler.states, handler.row.workflow_name};
    if (!inserted) handler.earlier.push_back(std::move(handler.row));
    handler.row = row;
    handler.runs.push_back(row.run_id);
    auto& logs = logs_.of(row.run_id);
    const std::lock_guard log_lock(logs.mutex);
    auto& log = logs.items[row.run_id];
    log.handler_id = row.handler_id;
    log.input = std::move(handler.row.input);
    log.rerun_of = std::move(handler.row.rerun_of);
    return left;
  }

  Expected<bool> commit(Commit commit) override {
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
    if (ended) forget_oldest(handler_id);
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

  std::vector<HandlerRow> list_handlers(const HandlerFilter& filter) const override {
    std::map<std::uint64_t, HandlerRow> ordered;
    for (const auto& shard : handlers_) {
      const std::lock_guard lock(shard.mutex);
      for (const auto& [id, handler] : shard.items)
        if (matches(filter, handler.row)) ordered.emplace(handler.created, handler.row);
    }
    std::vector<HandlerRow> out;
    out.reserve(ordered.size());
    for (auto& [created, row] : ordered) out.push_back(std::move(row));
    return out;
  }

  HandlerPage find_handlers(const HandlerQuery& query) const override {
    std::map<std::uint64_t, HandlerRow> ordered;
    for (const auto& shard : handlers_) {
      const std::lock_guard lock(shard.mutex);
      for (const auto& [id, handler] : shard.items)
        if (matches(query.filter, handler.row) && weir::matches(query, handler.row)) ordered.emplace(handler.created, handler.row);
    }
    HandlerPage page{.total = ordered.size()};
    const auto behind = query.cursor.empty() ? std::nullopt : std::optional(parse_cursor(query.cursor));
    const auto fill = [&](auto begin, auto end) {
      for (; begin != end; ++begin) {
        if (page.rows.size() == query.limit) return void(page.next = std::to_string(std::prev(begin)->first));
        page.rows.push_back(std::move(begin->second));
      }
    };
    if (query.newest_first) fill(std::make_reverse_iterator(behind ? ordered.lower_bound(*behind) : ordered.end()), ordered.rend());
    else fill(behind ? ordered.upper_bound(*behind) : ordered.begin(), ordered.end());
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
    const auto& states = found->second.states;
    const auto later = std::find_if(states.begin(), states.end(), [&](const auto& entry) { return entry.first > sequence; });
    if (later == states.begin()) return states.size() == states_kept_max ? std::nullopt : std::optional(NamedStates());
    return std::prev(later)->second;
  }

  std::vector<EventRow> read_events(std::string_view run_id, std::int64_t after, std::size_t limit) const override {
    const auto& shard = logs_.of(run_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.items.find(run_id);
    if (found == shard.items.end()) return {};
    const auto& rows = found->second.rows;
    const auto begin = after < 0 ? 0 : static_cast<std::size_t>(after) + 1;
    if (begin >= rows.size()) return {};
    const auto end = std::min(rows.size(), begin + limit);
    return {rows.begin() + static_cast<std::ptrdiff_t>(begin), rows.begin() + static_cast<std::ptrdiff_t>(end)};
  }

  std::optional<EventRow> last_event(std::string_view run_id) const override {
    const auto& shard = logs_.of(run_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.items.find(run_id);
    if (found == shard.items.end() || found->second.rows.empty()) return std::nullopt;
    return found->second.rows.back();
  }

  bool claim_first_read(std::string_view run_id) override {
    auto& shard = logs_.of(run_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.items.find(run_id);
    return found != shard.items.end() && !std::exchange(found->second.first_read_claimed, true);
  }

  bool purge(std::string_view handler_id) override {
    std::vector<std::string> runs, children;
    {
      auto& shard = handlers_.of(handler_id);
      const std::lock_guard lock(shard.mutex);
      const auto found = shard.items.find(handler_id);
      if (found == shard.items.end()) return false;
      runs = std::move(found->second.runs);
      children = std::move(found->second.children);
      shard.items.erase(found);
    }
    for (const auto& run : runs) drop_log(run);
    for (const auto& child : children) purge(child);
    return true;
  }

  std::size_t expire(const Retention& retention, Time now, std::size_t limit) override {
    const auto expired = [&](const HandlerRow& row) {
      const auto& kept = kept_for(retention, row.status);
      return kept && row.completed_at && *row.completed_at + *kept < now;
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
    for (const auto& id : handlers) purge(id);
    for (const auto& run : runs) drop_log(run);
    return handlers.size() + runs.size();
  }

private:
  static bool matches(const HandlerFilter& filter, const HandlerRow& row) {
    const auto has = [](const auto& list, const auto& value) {
      return !list || std::find(list->begin(), list->end(), value) != list->end();
    };
    return has(filter.workflow_names, row.workflow_name) && has(filter.statuses, row.status) &&
           (!filter.idle || *filter.idle == row.idle_since.has_value()) &&
           (!filter.awaits_event || *filter.awaits_event != row.waiting_for.empty());
  }

  void add_child(const HandlerRow& row) {
    auto& shard = handlers_.of(row.parent_handler_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.items.find(row.parent_handler_id);
    if (found == shard.items.end()) return;
    auto& children = found->second.children;
    if (std::find(children.begin(), children.end(), row.handler_id) == children.end()) children.push_back(row.handler_id);
  }

  void append(Commit& commit) {
    if (commit.events.empty() && !commit.states) return;
    auto& shard = logs_.of(commit.run_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.items.find(commit.run_id);
    if (found == shard.items.end()) return;  // purged meanwhile
    std::move(commit.events.begin(), commit.events.end(), std::back_inserter(found->second.rows));
    if (!commit.states) return;
    auto& states = found->second.states;
    if (states.size() == states_kept_max) states.pop_front();
    states.emplace_back(commit.states_after, *commit.states);
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
    shard.items.insert_or_assign(std::move(key.key), UsedKey{std::move(key.fingerprint), run_id});
  }

  void forget_oldest(const std::string& just_ended) {
    std::string oldest;
    {
      const std::lock_guard lock(ended_mutex_);
      ended_.push_back(just_ended);
      if (ended_.size() <= completed_max_) return;
      oldest = std::move(ended_.front());
      ended_.pop_front();
    }
    if (const auto row = find_handler(oldest); row && row->terminal()) purge(oldest);
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
  std::atomic<std::uint64_t> created_ = 0;
  Sharded<Handler> handlers_;
  Sharded<EventLog> logs_;
  Sharded<UsedKey> keys_;
  std::mutex ended_mutex_;
  std::deque<std::string> ended_;  ///< terminal handlers, oldest first
};

}  // namespace

std::shared_ptr<Store> memory(std::size_t completed_max) { return std::make_shared<MemoryStore>(completed_max); }

}  // namespace weir
