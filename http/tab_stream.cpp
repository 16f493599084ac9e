// GET /ui/stream: everything that a browser's tab follows on one connection, because browsers open six to a server at most.
// Frames: "events" of a run, "end" of a run's events, "missing" for a handler that is none, "handlers" that have changed,
// "reset" when too many have: read the list again.
#include "app.hpp"
#include "logged_event.hpp"
#include "translate.hpp"

#include <map>
#include <mutex>

namespace weir::http {
namespace {

constexpr std::size_t changes_max = 200;  // in one frame
constexpr std::chrono::milliseconds changes_every{100};

/// Lives on the I/O thread, except where it says so; kept alive by what it waits for.
class TabStream : public std::enable_shared_from_this<TabStream> {
public:
  TabStream(ExchangePtr exchange, runtime::Service& service, std::chrono::milliseconds heartbeat)
      : exchange_(std::move(exchange)), service_(service), heartbeat_every_(heartbeat) {}

  void begin(const std::vector<std::string>& runs, bool list) {
    exchange_->on_closed([self = shared_from_this()] { self->close(); });
    if (list) watch();
    for (const auto& run : runs) follow(run);
    say(": following\n\n");
    arm_heartbeat();
  }

private:
  struct Reader {
    std::string handler_id, run_id;
    std::unique_ptr<runtime::Stream> subscription = nullptr;
    bool written = false;  ///< its last batch is on its way: the next may come when that is out
  };

  /// HANDLER:AFTER
  void follow(const std::string& run) {
    const auto colon = run.rfind(':');
    const auto handler_id = run.substr(0, colon);
    const auto after = colon == run.npos ? std::nullopt : python_integer(std::string_view(run).substr(colon + 1));
    const auto row = service_.store().find_handler(handler_id);
    if (!row) return say("event: missing\ndata: {\"handler_id\":" + to_json(Value(handler_id)) + "}\n\n");
    auto& reader = readers_.emplace_back(Reader{.handler_id = row->handler_id, .run_id = row->run_id});
    const auto index = readers_.size() - 1;
    const runtime::StreamRequest request{.handler_id = row->handler_id,
                                         .run_id = row->run_id,
                                         .after = std::max<std::int64_t>(-1, after.value_or(-1)),
                                         .include_internal = true};
    reader.subscription = service_.subscribe(request, [self = shared_from_this(), index](runtime::StreamBatch batch) {
      self->exchange_->loop().post([self, index, batch = std::move(batch)] { self->take(index, batch); });
    });
  }

  void take(std::size_t index, const runtime::StreamBatch& batch) {
    if (closed_) return;
    auto& reader = readers_[index];
    const auto ids = "{\"handler_id\":" + to_json(Value(reader.handler_id)) + ",\"run_id\":\"" + reader.run_id + "\"";
    if (!batch.rows.empty()) {
      std::string frame = "event: events\ndata: " + ids + ",\"events\":[";
      for (std::size_t i = 0; i < batch.rows.size(); ++i) {
        if (i > 0) frame += ',';
        append_logged_event(frame, batch.rows[i]);
      }
      waiting_ += frame + "]}\n\n";
    }
    if (batch.end) waiting_ += "event: end\ndata: " + ids + "}\n\n";
    reader.written = !batch.end;
    flush();
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
      if (changed_.size() <= changes_max) changed_.insert_or_assign(row.handler_id, std::pair(row, gone));
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
    {
      const std::lock_guard lock(mutex_);
      changed.swap(changed_);
    }
    if (closed_) return;
    if (changed.size() > changes_max) return say("event: reset\ndata: {}\n\n");
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

  void flush() {
    if (writing_ || waiting_.empty() || closed_) return;
    writing_ = true;
    std::vector<std::size_t> served;
    for (std::size_t i = 0; i < readers_.size(); ++i)
      if (std::exchange(readers_[i].written, false)) served.push_back(i);
    exchange_->write(std::exchange(waiting_, {}), [self = shared_from_this(), served = std::move(served)](bool sent) {
      self->writing_ = false;
      if (self->closed_) return;
      if (!sent) return self->close();
      for (const auto index : served) self->readers_[index].subscription->request_next();
      self->flush();
    });
  }

  void arm_heartbeat() {
    heartbeat_ = exchange_->loop().after(heartbeat_every_, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self || self->closed_) return;
      self->say(": heartbeat\n\n");
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
  std::chrono::milliseconds heartbeat_every_;
  std::vector<Reader> readers_;
  std::string waiting_;  ///< to be written
  bool writing_ = false;
  bool closed_ = false;
  std::shared_ptr<void> changes_, heartbeat_, collecting_;
  std::mutex mutex_;
  std::map<std::string, std::pair<HandlerRow, bool>> changed_;  ///< guarded by mutex_
};

}  // namespace

void get_tab_stream(const Call& call) {
  Response head;
  head.content_type = "text/event-stream; charset=utf-8";
  head.headers = {{"cache-control", "no-cache"}, {"x-accel-buffering", "no"}};
  call.exchange->begin_stream(std::move(head));
  if (call.exchange->method() == "HEAD") return;
  const auto heartbeat = call.app.heartbeat.value_or(std::chrono::seconds(25));
  std::make_shared<TabStream>(call.exchange, call.app.service, heartbeat)->begin(call.query.all("run"), call.query.flag("list", false));
}

}  // namespace weir::http
