// One client following one run: frames, heartbeats, one write in flight.
#pragma once

#include "exchange.hpp"

#include "../actors/runtime/service.hpp"

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

/// Sends the head and then what `request` asks for, until the run is over or the client leaves. I/O thread.
void stream_events(ExchangePtr exchange, runtime::Service& service, const runtime::StreamRequest& request,
                   const EventStreamOptions& options);

/// Appends one event as the stream shows it.
void append_frame(std::string& out, const EventRow& row, const EventStreamOptions& options);

}  // namespace weir::http
