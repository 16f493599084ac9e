// An entry of a run's event log as debuggers see it: the protocol's envelope and what the protocol leaves out.
#pragma once

#include <weir/store.hpp>

#include <string>

namespace weir::http {

/// Appends {"value", "qualified_name", "type", "types", "sequence", "timestamp", "span_id", "caused_by", "trace"}, safe inside a line of a
/// stream.
void append_logged_event(std::string& out, const EventRow& row);

}  // namespace weir::http
