#include "event_stream.hpp"

#include "logged_event.hpp"

namespace weir::http {
namespace {

/// Lives on the I/O thread; kept alive by what it waits for.
class EventStream : public std::enable_shared_from_this<EventStream> {
public:
  EventStream(ExchangePtr exchange, const EventStreamOptions& options) : exchange_(std::move(exchange)), options_(options) {}

  void begin(runtime::Service& service, const runtime::StreamRequest& request) {
    exchange_->on_closed([self = shared_from_this()] { self->close(); });
    subscription_ = service.subscribe(request, [self = shared_from_this()](runtime::StreamBatch batch) {
      self->exchange_->loop().post([self, batch = std::move(batch)] { self->write(batch); });
    });
    arm_heartbeat();
  }

private:
  void write(const runtime::StreamBatch& batch) {
    if (closed_) return;
    std::string frames;
    frames.reserve(batch.rows.size() * 192);
    for (const auto& row : batch.rows) append_frame(frames, row, options_);
    if (batch.end) return finish(std::move(frames));
    writing_ = true;
    exchange_->write(std::move(frames), [self = shared_from_this()](bool sent) { self->written(sent); });
  }

  void written(bool sent) {
    writing_ = false;
    if (closed_) return;
    if (!sent) return close();
    arm_heartbeat();
    subscription_->request_next();
  }

  void finish(std::string last) {
    exchange_->end_stream(std::move(last));
    close();
  }

  void arm_heartbeat() {
    if (options_.format != StreamFormat::sse || !options_.heartbeat || closed_) return;
    heartbeat_ = exchange_->loop().after(*options_.heartbeat, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->beat();
    });
  }

  void beat() {
    if (closed_) return;
    if (!writing_) {
      writing_ = true;
      exchange_->write(": heartbeat\n\n", [self = shared_from_this()](bool sent) {
        self->writing_ = false;
        if (!sent) self->close();
      });
    }
    arm_heartbeat();
  }

  void close() {
    closed_ = true;
    subscription_.reset();
    heartbeat_.reset();
  }

  ExchangePtr exchange_;
  EventStreamOptions options_;
  std::unique_ptr<runtime::Stream> subscription_;
  std::shared_ptr<void> heartbeat_;
  bool writing_ = false;
  bool closed_ = false;
};

}  // namespace

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

void stream_events(ExchangePtr exchange, runtime::Service& service, const runtime::StreamRequest& request,
                   const EventStreamOptions& options) {
  Response head;
  head.content_type = options.format == StreamFormat::sse ? "text/event-stream; charset=utf-8" : "application/x-ndjson";
  head.headers = {{"cache-control", "no-cache"}, {"x-accel-buffering", "no"}};
  exchange->begin_stream(std::move(head));
  if (exchange->method() == "HEAD") return;
  std::make_shared<EventStream>(std::move(exchange), options)->begin(service, request);
}

}  // namespace weir::http
