// GET /ui/stream: everything that a browser's tab follows on one connection, because browsers open six to a server at most.
// Frames: "events" of a run, "end" of a run's events, "missing" for a handler that is none, "handlers" that have changed,
// "reset" when too many have: read the list again.
#include "event_stream.hpp"
#include "http/answers/app.hpp"
#include "http/answers/background.hpp"
#include "http/answers/parameters.hpp"
#include "http/answers/translate.hpp"
#include "logged_event.hpp"

#include <algorithm>
#include <map>
#include <mutex>

namespace weir::http {
namespace {

constexpr std::chrono::milliseconds changes_every{100};

struct Following {
  std::string handler_id, run_id;
  std::int64_t after;
};

std::string missing_frame(const std::string& handler_id) {
  return "event: missing\ndata: {\"handler_id\":" + to_json(Value(handler_id)) + "}\n\n";
}

/// Lives on the I/O thread, except where it says so; kept alive by what it waits for.
class TabStream : public std::enable_shared_from_this<TabStream> {
public:
  TabStream(const Call& call, std::chrono::milliseconds heartbeat)
      : exchange_(call.exchange), service_(call.app.service), workers_(call.app.lookups), heartbeat_every_(heartbeat) {}

  /// Where the store may be read. Nothing has been sent when this throws.
  void begin(const std::vector<Following>& runs, std::string first, bool list, Response head, std::stop_source gone) {
    std::vector<std::unique_ptr<runtime::Stream>> subscriptions;
    for (const auto& run : runs) readers_.push_back(Reader{.handler_id = run.handler_id, .run_id = run.run_id});
    for (std::size_t i = 0; i < runs.size(); ++i) subscriptions.push_back(subscribe(runs[i], i));
    exchange_->begin_stream(std::move(head));
    exchange_->on_closed([self = shared_from_this()] { self->close(); });
    auto shared = std::make_shared<decltype(subscriptions)>(std::move(subscriptions));
    exchange_->loop().post([self = shared_from_this(), shared, first = std::move(first), list, gone = std::move(gone)] {
      if (gone.stop_requested()) return self->close();
      for (std::size_t i = 0; i < shared->size(); ++i) self->readers_[i].subscription = std::move((*shared)[i]);
      self->begun_ = true;
      if (list) self->watch();
      self->say(first + ": following\n\n");
      self->arm_heartbeat();
    });
  }

private:
  struct Reader {
    std::string handler_id, run_id;
    std::shared_ptr<runtime::Stream> subscription = nullptr;
    std::optional<runtime::StreamBatch> batch = {};  ///< being written
    std::size_t written = 0;                         ///< of its rows
    bool asks = false;                               ///< the next batch may come when what is being written is out
  };

  std::unique_ptr<runtime::Stream> subscribe(const Following& run, std::size_t index) {
    const runtime::StreamRequest request{.handler_id = run.handler_id, .run_id = run.run_id, .after = run.after, .include_internal = true};
    return service_.subscribe(request, [self = shared_from_this(), index](runtime::StreamBatch batch) {
      self->exchange_->loop().post([self, index, batch = std::move(batch)]() mutable { self->take(index, std::move(batch)); });
    });
  }

  void take(std::size_t index, runtime::StreamBatch batch) {
    if (closed_) return;
    readers_[index].batch = std::move(batch);
    readers_[index].written = 0;
    flush();
  }

  /// Some of what a run has for the client.
  void append(std::string& out, Reader& reader) {
    const auto& [rows, end] = *reader.batch;
    const auto ids = "{\"handler_id\":" + to_json(Value(reader.handler_id)) + ",\"run_id\":\"" + reader.run_id + "\"";
    if (reader.written < rows.size()) {
      out += "event: events\ndata: " + ids + ",\"events\":[";
      const auto first = reader.written;
      for (const auto began = out.size(); reader.written < rows.size() && out.size() - began < budget::piece_bytes; ++reader.written) {
        if (reader.written > first) out += ',';
        append_logged_event(out, rows[reader.written]);
      }
      out += "]}\n\n";
    }
    if (reader.written < rows.size()) return;
    if (end) out += "event: end\ndata: " + ids + "}\n\n";
    reader.asks = !end;
    reader.batch.reset();
  }

  void watch() {
    // The watch must not keep the stream alive: the stream owns it.
    changes_ = service_.watch_handlers([weak = weak_from_this()](const HandlerRow& row, bool gone) {
      if (const auto self = weak.lock()) self->changed(row, gone);
    });
  }

  /// On any thread.
  void changed(const HandlerRow& row, bool gone) {
    {
      const std::lock_guard lock(mutex_);
      const bool first = changed_.empty();
      if (changed_.size() <= budget::tab_changes_max && changed_bytes_ <= budget::tab_change_bytes_max) {
        auto kept = row;
        kept.result.clear();  // is not shown
        kept.input.reset();
        changed_bytes_ += kept.error.size() + kept.waiting_for.size();
        changed_.insert_or_assign(row.handler_id, std::pair(std::move(kept), gone));
      }
      if (!first) return;
    }
    exchange_->loop().post([self = shared_from_this()] { self->collect_later(); });
  }

  void collect_later() {
    if (closed_) return;
    collecting_ = exchange_->loop().after(changes_every, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->collect();
    });
  }

  /// A client that does not read finds one frame later, not one for every moment.
  void collect() {
    if (writing_) return collect_later();
    std::map<std::string, std::pair<HandlerRow, bool>> changed;
    std::size_t bytes = 0;
    {
      const std::lock_guard lock(mutex_);
      changed.swap(changed_);
      bytes = std::exchange(changed_bytes_, 0);
    }
    if (closed_) return;
    if (changed.size() > budget::tab_changes_max || bytes > budget::tab_change_bytes_max) return say("event: reset\ndata: {}\n\n");
    std::string frame = "event: handlers\ndata: ", gone;
    JsonWriter writer(frame, JsonWriter::Escape::line_breaks);
    writer.begin_object();
    writer.key("handlers");
    writer.begin_array();
    for (const auto& [id, change] : changed)
      if (!change.second) write_handler_item(writer, change.first, false);
    writer.end_array();
    writer.key("gone");
    writer.begin_array();
    for (const auto& [id, change] : changed)
      if (change.second) writer.string(id);
    writer.end_array();
    writer.end_object();
    say(frame + "\n\n");
  }

  void say(const std::string& frame) {
    waiting_ += frame;
    flush();
  }

  /// One write at a time, of bounded size; the runs take turns.
  void flush() {
    if (writing_ || closed_ || !begun_) return;
    auto text = std::exchange(waiting_, {});
    for (std::size_t i = 0; i < readers_.size() && text.size() < budget::piece_bytes; ++i) {
      auto& reader = readers_[turn_++ % readers_.size()];
      if (reader.batch) append(text, reader);
    }
    if (text.empty()) return;
    writing_ = true;
    exchange_->write(std::move(text), [self = shared_from_this()](bool sent) { self->written(sent); });
  }

  void written(bool sent) {
    writing_ = false;
    if (closed_) return;
    if (!sent) return close();
    for (auto& reader : readers_)
      if (std::exchange(reader.asks, false)) request_next(reader.subscription, *workers_);
    flush();
  }

  void arm_heartbeat() {
    heartbeat_ = exchange_->loop().after(heartbeat_every_, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self || self->closed_) return;
      if (!self->writing_) self->say(": heartbeat\n\n");
      self->arm_heartbeat();
    });
  }

  void close() {
    closed_ = true;
    readers_.clear();
    changes_.reset();
    heartbeat_.reset();
    collecting_.reset();
  }

  ExchangePtr exchange_;
  runtime::Service& service_;
  std::shared_ptr<Workers> workers_;
  std::chrono::milliseconds heartbeat_every_;
  std::vector<Reader> readers_;
  std::string waiting_;  ///< to be written
  std::size_t turn_ = 0;
  bool begun_ = false, writing_ = false, closed_ = false;
  std::shared_ptr<void> changes_, heartbeat_, collecting_;
  std::mutex mutex_;
  std::map<std::string, std::pair<HandlerRow, bool>> changed_;  ///< guarded by mutex_
  std::size_t changed_bytes_ = 0;                               ///< guarded by mutex_
};

/// HANDLER:AFTER, each handler once: behind the earliest event that it is asked for.
std::map<std::string, std::int64_t> runs_of(const Query& query) {
  std::map<std::string, std::int64_t> out;
  for (const auto& run : query.all("run")) {
    const auto colon = run.rfind(':');
    const auto after = colon == run.npos ? std::nullopt : whole_number(std::string_view(run).substr(colon + 1));
    const auto [found, added] = out.try_emplace(run.substr(0, colon), std::max<std::int64_t>(-1, after.value_or(-1)));
    if (!added) found->second = std::min(found->second, std::max<std::int64_t>(-1, after.value_or(-1)));
  }
  return out;
}

void follow(const Call& call, const std::map<std::string, std::int64_t>& wanted) {
  std::vector<Following> runs;
  std::string missing;
  for (const auto& [handler_id, after] : wanted) {
    const auto row = call.app.service.store().find_handler(handler_id);
    row ? runs.push_back({row->handler_id, row->run_id, after}) : void(missing += missing_frame(handler_id));
  }
  Response head;
  head.content_type = "text/event-stream; charset=utf-8";
  head.headers = {{"cache-control", "no-cache"}, {"x-accel-buffering", "no"}};
  if (call.exchange->method() == "HEAD") return call.exchange->begin_stream(std::move(head));
  std::make_shared<TabStream>(call, call.app.heartbeat.value_or(std::chrono::seconds(25)))
      ->begin(runs, std::move(missing), call.query.flag("list", false), std::move(head), call.gone);
}

}  // namespace

void get_tab_stream(const Call& call) {
  auto wanted = runs_of(call.query);
  if (wanted.size() > budget::tab_runs_max)
    return call.respond(problem(400, "run: at most " + std::to_string(budget::tab_runs_max) +
                                         " runs can be followed on one connection, got " + std::to_string(wanted.size())));
  off_the_loop(watched(call), Work::lookup, [wanted = std::move(wanted)](const Call& taken) { follow(taken, wanted); });
}

}  // namespace weir::http
