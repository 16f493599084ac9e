#include "logged_event.hpp"

#include "http/answers/translate.hpp"

namespace weir::http {

namespace {

void append(std::string& out, std::string_view key, std::int64_t span) {
  out.append(",\"").append(key).append("\":").append(span > 0 ? std::to_string(span) : "null");
}

}  // namespace

void append_logged_event(std::string& out, const EventRow& row) {
  const auto envelope = row.payload->json();
  out += envelope.substr(0, envelope.size() - 1);
  out += ",\"sequence\":" + std::to_string(row.sequence);
  out += ",\"timestamp\":\"" + timestamp(row.at) + '"';
  append(out, "span_id", row.span);
  append(out, "caused_by", row.caused_by);
  out += ",\"trace\":";
  out += row.trace ? std::string_view(*row.trace) : std::string_view("null");
  out += '}';
}

}  // namespace weir::http
