#include "event_stream.hpp"

#include "logged_event.hpp"

#include <weir/assert.hpp>

namespace weir::http {
namespace {

/// When there is nothing to say at once: a client, and whoever is in between, learns that the stream is there.
constexpr std::chrono::milliseconds first_heartbeat{100};

/// Lives on the I/O thread; kept alive by what it waits for.
class EventStream : public std::enable_shared_from_this<EventStream> {
public:
  EventStream(const Call& call, const EventStreamOptions& options)
      : exchange_(call.exchange), workers_(call.app.lookups), service_(call.app.service), options_(options) {}

  /// Where the store may be read: the first batch is. Nothing has been sent when this throws.
  void begin(const runtime::StreamRequest& request, Response head, std::stop_source gone) {
    std::shared_ptr<runtime::Stream> subscription = service_.subscribe(request, [self = shared_from_this()](runtime::StreamBatch batch) {
      self->exchange_->loop().post([self, batch = std::move(batch)]() mutable { self->take(std::move(batch)); });
    });
    exchange_->begin_stream(std::move(head));
    exchange_->on_closed([self = shared_from_this()] { self->close(); });
    exchange_->loop().post([self = shared_from_this(), subscription = std::move(subscription), gone = std::move(gone)]() mutable {
      if (gone.stop_requested()) return self->close();
      self->subscription_ = std::move(subscription);
      self->arm_heartbeat(first_heartbeat);
      self->flush();
    });
  }

private:
  void take(runtime::StreamBatch batch) {
    batch_ = std::move(batch);
    written_ = 0;
    flush();
  }

  /// Some of the batch: other streams get their turn in between, and one write is all that waits for a client that does not read.
  void flush() {
    if (closed_ || writing_ || !subscription_ || !batch_) return;
    std::string frames;
    const auto& rows = batch_->rows;
    while (written_ < rows.size() && frames.size() < budget::piece_bytes) append_frame(frames, rows[written_++], options_);
    const bool all = written_ == rows.size();
    const bool end = all && batch_->end;
    if (all) batch_.reset();
    if (end) return finish(std::move(frames));
    write(std::move(frames));
  }

  void write(std::string frames) {
    WEIR_ASSERT(!writing_, "a stream has one write outstanding");
    writing_ = true;
    exchange_->write(std::move(frames), [self = shared_from_this()](bool sent) { self->written(sent); });
  }

  void written(bool sent) {
    writing_ = false;
    if (closed_) return;
    if (!sent) return close();
    arm_heartbeat();
    const bool was_heartbeat = std::exchange(beating_, false);
    if (batch_) return flush();
    if (was_heartbeat) return;
    request_next(subscription_, *workers_);
  }

  void finish(std::string last) {
    exchange_->end_stream(std::move(last));
    close();
  }

  void arm_heartbeat(std::chrono::milliseconds at_most = std::chrono::milliseconds::max()) {
    if (options_.format != StreamFormat::sse || !options_.heartbeat || closed_) return;
    heartbeat_ = exchange_->loop().after(std::min(at_most, *options_.heartbeat), [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->beat();
    });
  }

  void beat() {
    if (closed_) return;
    if (writing_) return arm_heartbeat();
    beating_ = true;
    write(": heartbeat\n\n");
  }

  void close() {
    closed_ = true;
    subscription_.reset();
    heartbeat_.reset();
    batch_.reset();
  }

  ExchangePtr exchange_;
  std::shared_ptr<Workers> workers_;
  runtime::Service& service_;
  EventStreamOptions options_;
  std::shared_ptr<runtime::Stream> subscription_;
  std::shared_ptr<void> heartbeat_;
  std::optional<runtime::StreamBatch> batch_;  ///< being written
  std::size_t written_ = 0;                    ///< of its rows
  bool writing_ = false;
  bool beating_ = false;  ///< what is being written is a heartbeat: the next batch has been asked for
  bool closed_ = false;
};

}  // namespace

void request_next(const std::shared_ptr<runtime::Stream>& stream, Workers& workers) {
  if (!stream->may_take_long()) return stream->request_next();
  workers.resume({.run = [stream] { stream->request_next(); }});
}

void append_frame(std::string& out, const EventRow& row, const EventStreamOptions& options) {
  const bool sse = options.format == StreamFormat::sse;
  if (options.metadata) {
    if (sse) out += "id: " + std::to_string(row.sequence) + "\ndata: ";
    append_logged_event(out, row);
    out += sse ? "\n\n" : "\n";
    return;
  }
  if (sse && options.qualified_names) {
    out += row.payload->frame();
    return;
  }
  if (sse) out += "id: " + std::to_string(row.sequence) + "\ndata: ";
  if (options.qualified_names) out += row.payload->json();
  else out += row.payload->json_without_qualified_name();
  out += sse ? "\n\n" : "\n";
}

void stream_events(const Call& call, const runtime::StreamRequest& request, const EventStreamOptions& options) {
  Response head;
  head.content_type = options.format == StreamFormat::sse ? "text/event-stream; charset=utf-8" : "application/x-ndjson";
  head.headers = {{"cache-control", "no-cache"}, {"x-accel-buffering", "no"}, {"weir-after-sequence", std::to_string(request.after)}};
  if (options.format == StreamFormat::sse && options.heartbeat)
    head.headers.emplace_back("weir-heartbeat-ms", std::to_string(options.heartbeat->count()));
  if (call.exchange->method() == "HEAD") return call.exchange->begin_stream(std::move(head));
  std::make_shared<EventStream>(call, options)->begin(request, std::move(head), call.gone);
}

}  // namespace weir::http
