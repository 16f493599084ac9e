// The one interface to where handlers and events live. Rows are opaque here: a store never looks inside an event.
#pragma once

#include <weir/cancellation.hpp>
#include <weir/codec.hpp>
#include <weir/error.hpp>
#include <weir/retention.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

enum class HandlerStatus { running, completed, failed, cancelled };

std::string_view to_string(HandlerStatus status) noexcept;
std::optional<HandlerStatus> parse_handler_status(std::string_view text) noexcept;

/// What steps keep in `ctx.store()`, by the store's name; the main one's is empty.
using NamedStates = std::map<std::string, Object>;

class EventPayload;

/// Which run this one repeats, or goes on from.
struct Rerun {
  std::string run_id;
  std::optional<std::int64_t> after = {};  ///< the event behind which it goes on; empty: it began anew
};

/// One handler as clients see it.
struct HandlerRow {
  std::string handler_id;
  std::string workflow_name;
  std::string workflow_version;   ///< of the run; empty when the workflow has none
  std::string workflow_graph;     ///< in durable stores: the steps that the run was recorded with
  std::string parent_handler_id;  ///< of a child workflow's run
  std::string run_id;
  HandlerStatus status = HandlerStatus::running;
  std::string error;   ///< empty unless failed
  std::string result;  ///< the stop event's envelope as JSON; empty unless completed
  Time started_at;
  Time updated_at;
  std::optional<Time> completed_at;
  std::optional<Time> idle_since;  ///< since when the run only waits for an event or a time; empty while it works
  std::optional<Time> wake_at;     ///< the time it waits for
  std::string waiting_for;         ///< of an idle run: [{"event_type":"...","step":"...","requirements":{...}?}]; empty: no event
  std::string unhandled;           ///< what nobody took: {"count":N,"newest":[...]}; empty: nothing
  /// The start event. Written with the run's beginning, as `rerun_of` is; read by find_origin.
  std::shared_ptr<const EventPayload> input = nullptr;
  std::optional<Rerun> rerun_of = {};
  /// How often in a row the run was gone on with after the process had died, without getting any further since.
  std::int64_t resumes = 0;
  bool quarantined = false;  ///< because of that: it stays as it is until somebody resumes or cancels it
  /// Of the run's first event: the handler's earlier runs had those below, so that a cursor means the same for ever.
  std::int64_t first_sequence = 0;
  std::string budgets_exceeded = {};  ///< by the run: their names, with commas between

  bool terminal() const noexcept { return status != HandlerStatus::running; }
};

/// An event as text. Rendered on demand, at most once per form; safe to call from any thread.
class EventPayload {
public:
  virtual ~EventPayload() = default;
  /// The envelope as JSON, safe inside a line of a stream.
  virtual std::string_view json() const = 0;
  /// The same as a frame of Server-Sent Events: "id: SEQUENCE\ndata: JSON\n\n".
  virtual std::string_view frame() const = 0;
  /// The same with "qualified_name":null.
  virtual std::string json_without_qualified_name() const = 0;
};

/// One entry of a run's event log. Sequences begin at 0 with the handler's first run and go on over its runs, without gaps; the oldest of
/// a run may be forgotten (Commit::forget_events_before).
struct EventRow {
  std::int64_t sequence = 0;
  Time at;
  bool internal = false;
  bool terminal = false;  ///< the run's last event
  std::shared_ptr<const EventPayload> payload;
  std::int64_t span = 0;       ///< the piece of a step's work that it is about or comes from, unique in the run; 0: none
  std::int64_t caused_by = 0;  ///< the piece of work whose event began that one; 0: an event from outside
  std::shared_ptr<const std::string> trace = nullptr;  ///< JSON about a step's attempt, beside the protocol's event
};

/// One entry of a run's journal: text that the store never looks into.
struct TickRow {
  std::int64_t sequence = 0;
  Time at;
  std::string text;
};

/// A run's whole state after the tick of that sequence: text that the store never looks into.
struct SnapshotRow {
  std::int64_t sequence = 0;
  std::string text;
};

/// What a run is replayed from: the ticks after the snapshot, oldest first.
struct Journal {
  std::optional<SnapshotRow> snapshot;
  std::vector<TickRow> ticks;
};

/// A client's word for one request, or a parent's for the run of a child, so that asking again does nothing again. It lives as
/// long as the run.
struct IdempotencyKey {
  std::string key;
  std::string fingerprint;  ///< of the request
  bool unhandled = false;   ///< it sent an event that nobody took
};
struct UsedKey {
  std::string fingerprint;
  std::string run_id;      ///< of the run that the request began, or sent an event to
  bool unhandled = false;  ///< IdempotencyKey::unhandled
};

/// What one step of the engine makes visible; applied as a whole or not at all.
struct Commit {
  std::string run_id;
  std::optional<HandlerRow> begin = {};      ///< for durable stores: the run's first commit, which also writes the run: see begin_run
  std::vector<TickRow> ticks = {};           ///< for durable stores
  std::optional<SnapshotRow> snapshot = {};  ///< for durable stores: takes the place of all ticks up to it
  std::vector<IdempotencyKey> keys = {};     ///< of the requests that are done with this commit
  std::vector<EventRow> events;
  std::optional<HandlerRow> handler;      ///< when the handler changed
  std::optional<NamedStates> states;      ///< what the handler's steps keep, when it changed or the run ended
  std::int64_t states_after = -1;         ///< the sequence of the first event that was published with it, or of the last one before
  std::int64_t forget_events_before = 0;  ///< the run's events below that sequence need not be kept any longer
};

/// Where a run came from.
struct RunOrigin {
  std::optional<std::string> input;  ///< the start event's envelope as JSON; empty: the run is older than that is kept
  std::optional<Rerun> rerun_of;
};

struct HandlerFilter {
  std::optional<std::vector<std::string>> workflow_names;  ///< empty list: matches nothing
  std::optional<std::vector<HandlerStatus>> statuses;
  std::optional<bool> idle = {};          ///< idle_since is set, or is not
  std::optional<bool> awaits_event = {};  ///< waiting_for names events, or none
  std::optional<bool> quarantined = {};
};

/// Some of the handlers, in order of creation.
struct HandlerQuery {
  HandlerFilter filter = {};
  std::optional<Time> since = {}, until = {};  ///< started in [since, until)
  std::string text = "";                       ///< part of the id, the error or the result, in any case
  bool newest_first = true;
  std::size_t limit = 100;
  std::string cursor = "";  ///< HandlerPage::next of the page before
  bool with_total = true;   ///< false: HandlerPage::total is not wanted, which is cheaper
  Cancellation cancellation = {};
};
struct HandlerPage {
  std::vector<HandlerRow> rows = {};
  std::string next = "";       ///< empty: this is the last page
  std::size_t total = 0;       ///< of all pages
  bool total_is_exact = true;  ///< false: there are at least so many
  bool complete = true;        ///< false: `cancellation` came first. These are the rows found so far; the search goes on from `next`
};

/// How many handlers of a workflow are in a state.
struct HandlerCount {
  std::string workflow_name;
  HandlerStatus status = HandlerStatus::running;
  bool awaits_event = false;
  bool quarantined = false;
  std::size_t count = 0;
};

/// What becomes of handlers that ended so.
const std::optional<Duration>& kept_for(const Retention& retention, HandlerStatus status) noexcept;

/// What an earlier run of the same handler left behind.
struct Inheritance {
  NamedStates states;
  std::string workflow_name;        ///< of the run that left it; empty when there was none
  std::int64_t first_sequence = 0;  ///< of the next run: HandlerRow::first_sequence
};

/// What the person on call should know about a store. Told when it begins, when it grows, and when it is over: not once per request.
struct StoreTrouble {
  enum class Level { over, warning, error };
  Level level = Level::warning;
  std::string text;  ///< for the log only: it may name files and repeat the database's own words
};

/// Thread-safe. Ids are compared byte by byte; texts are kept byte for byte, also those that are no UTF-8 or hold NUL characters.
///
/// Failures. Their texts are for clients: they name no files and repeat nothing of the database's own words, which on_trouble tells.
///
/// Writes return them and never throw:
/// - Code::unavailable: not written. The same write may succeed later, and may be handed in again as often as one likes: it is
///   applied once. (If the process dies before that, it may turn out to have been written.)
/// - Code::data_loss: not written. What the store keeps is damaged: from then on every write fails so at once, without touching
///   anything, for as long as the store is open. Reads go on where they can.
/// - Code::conflict and Code::not_found, where a function says so: refused because of what is there, not written.
/// - Any other code, Code::internal as a rule: not written. This write can never succeed, others can.
///
/// Reads throw StoreFailure with Code::unavailable or Code::data_loss; those with a Cancellation also with Code::cancelled (given up) or
/// Code::deadline_exceeded, unless they say what they do instead. Those that may look at many rows do so in short turns: other reads
/// and writes go on in between, and what they return may be of several moments.
class Store {
public:
  virtual ~Store() = default;

  /// True when what is committed outlives the process: runs then commit their ticks, and their states as they change.
  virtual bool durable() const noexcept { return false; }
  /// True after damage has been seen: see Code::data_loss above.
  virtual bool damaged() const noexcept { return false; }
  /// One listener, called on any thread, which must not call the store; none when empty. After the call returns the listener before
  /// is not called any more.
  virtual void on_trouble(std::function<void(const StoreTrouble&)>) {}

  /// Writes the row of a new run. Refused with Code::conflict while a row of that id is not terminal, and with Code::not_found when
  /// its parent_handler_id names a handler that is not there.
  virtual Expected<Inheritance> begin_run(const HandlerRow& row) = 0;
  /// With `begin`, refused as begin_run is. A commit of a run that has been purged changes nothing, which is no failure.
  virtual Expected<bool> commit(Commit commit) = 0;
  /// Many at once, of any runs, in order. Those that are refused, or can never succeed, do not touch those of other runs; later ones of
  /// the same run fail with them. When the store is unavailable or damaged all fail with that code, but for those at the front that
  /// are written already.
  virtual std::vector<Expected<bool>> commit_all(const std::vector<Commit>& commits);
  /// A write. Whether commits can be made again after some could not: makes something small durable that changes nothing.
  virtual Expected<bool> probe() { return true; }
  /// A write. Notes that a process is at work on the store, or has left it in order. Returns what the note said before: when it says
  /// that one is at work although none can be, that process has died. Stores that are not durable note nothing.
  virtual Expected<bool> note_at_work(bool) { return false; }

  virtual std::optional<HandlerRow> find_handler(std::string_view handler_id) const = 0;
  /// The handler as it was in that run, which may be an earlier one.
  virtual std::optional<HandlerRow> find_run(std::string_view run_id) const = 0;
  virtual std::optional<UsedKey> find_key(std::string_view key) const = 0;
  /// What the handler's next run would start with; empty when there is no such handler.
  virtual NamedStates find_states(std::string_view handler_id) const = 0;
  /// In creation order.
  virtual std::vector<HandlerRow> list_handlers(const HandlerFilter& filter, const Cancellation& cancellation = {}) const = 0;

  /// A store that has nothing better goes through list_handlers. Throws std::invalid_argument on a cursor that is none. When `cancellation`
  /// ends the answer says so (HandlerPage::complete); however short it is, the search gets a little further each time.
  virtual HandlerPage find_handlers(const HandlerQuery& query) const;
  virtual std::vector<HandlerCount> count_handlers(const Cancellation& cancellation = {}) const;
  /// Empty when the run is not known.
  virtual RunOrigin find_origin(std::string_view) const { return {}; }
  /// What the run's steps kept after the event of that sequence; nothing when that is not known (any more: what was kept before is
  /// bounded by bytes, and the oldest go first).
  virtual std::optional<NamedStates> find_states_at(std::string_view, std::int64_t) const { return std::nullopt; }

  /// Events with a sequence above `after`, oldest first, at most `limit`.
  virtual std::vector<EventRow> read_events(std::string_view run_id, std::int64_t after, std::size_t limit) const = 0;
  /// The newest event; nothing when there is none.
  virtual std::optional<EventRow> last_event(std::string_view run_id) const = 0;
  /// Of one moment. Nothing in stores that are not durable, like the two after it.
  virtual Journal read_journal(std::string_view) const { return {}; }
  /// The earliest wake_at after that time.
  virtual std::optional<Time> next_wake(Time) const { return std::nullopt; }
  /// The handlers whose wake_at is in (after, until], soonest first.
  virtual std::vector<std::string> find_wakes(Time, Time) const { return {}; }
  /// A write. True for the first call per run: its caller is the first reader without a cursor.
  virtual Expected<bool> claim_first_read(std::string_view run_id) = 0;

  /// Removes the handler and everything that belongs to its runs, those of child workflows included. False when there is
  /// none.
  virtual Expected<bool> purge(std::string_view handler_id) = 0;
  /// Purges handlers, and forgets earlier runs of others, that ended too long before `now`: at most `limit` of each, so that
  /// nobody waits for long. Children go with their parents; those whose parent is gone already go too, whatever the retention
  /// says. Returns how many went.
  virtual Expected<std::size_t> expire(const Retention& retention, Time now, std::size_t limit) = 0;
  /// Gives back some of the space that what was purged has left; true when there is more.
  virtual Expected<bool> compact() { return false; }
};

/// For a thread that many clients depend on: a store whose calls may wait is not to be called on it. Debug builds end the process
/// when it is all the same.
void forbid_blocking_here() noexcept;
/// The same for as long as it lives.
class BlockingForbidden {
public:
  BlockingForbidden() noexcept;
  ~BlockingForbidden();
  BlockingForbidden(const BlockingForbidden&) = delete;
  BlockingForbidden& operator=(const BlockingForbidden&) = delete;

private:
  const bool before_;
};
/// For such a store, in each of its calls.
void assert_may_block() noexcept;

/// Keeps everything in memory; nothing survives the process. When more than `completed_max` handlers are terminal the
/// oldest are dropped with their events.
std::shared_ptr<Store> memory(std::size_t completed_max = 1000);

enum class SqliteSync {
  full,    ///< a commit that was acknowledged survives a power cut
  normal,  ///< it survives a crash of the process; a power cut may take the last moments, never the file
};
struct SqliteOptions {
  SqliteSync sync = SqliteSync::full;
  /// How long a write waits while another program, a backup perhaps, has the file locked; after that the store counts as unavailable.
  std::chrono::milliseconds lock_timeout{500};
  /// How large the write-ahead log (PATH-wal) grows before it begins anew. It may be a few times larger under load, and grows without
  /// bound while another program's read transaction holds it, which on_trouble tells.
  std::int64_t wal_bytes_target = 16 * 1024 * 1024;
};

/// Keeps everything in a file that one process uses at a time. Throws StoreError, which says what to do, when the file
/// cannot be used: it is another process's, another program's, a newer Weir's, or its directory is missing or read-only. Files that it
/// makes can be read and written by their owner only (mode 0600); those that are there keep their mode.
std::shared_ptr<Store> sqlite(const std::string& path, SqliteOptions options = {});

}  // namespace weir
