// One client following one run: frames, heartbeats, one write in flight.
#pragma once

#include "http/answers/app.hpp"

#include <chrono>
#include <memory>
#include <optional>

namespace weir::http {

enum class StreamFormat { sse, ndjson };

struct EventStreamOptions {
  StreamFormat format = StreamFormat::sse;
  bool qualified_names = true;
  bool metadata = false;                               ///< also sequence, timestamp and trace
  std::optional<std::chrono::milliseconds> heartbeat;  ///< SSE only
};

/// Sends the head and then what `request` asks for, until the run is over or the client leaves. Where the store may be read.
void stream_events(const Call& call, const runtime::StreamRequest& request, const EventStreamOptions& options);

/// Asks for the next batch where that may block.
void request_next(const std::shared_ptr<runtime::Stream>& stream, Workers& workers);

/// Appends one event as the stream shows it.
void append_frame(std::string& out, const EventRow& row, const EventStreamOptions& options);

}  // namespace weir::http
