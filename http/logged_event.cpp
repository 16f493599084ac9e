#include "logged_event.hpp"

#include "translate.hpp"

namespace weir::http {

void append_logged_event(std::string& out, const EventRow& row) {
  const auto envelope = row.payload->json();
  out += envelope.substr(0, envelope.size() - 1);
  out += ",\"sequence\":" + std::to_string(row.sequence);
  out += ",\"timestamp\":\"" + timestamp(row.at) + "\",\"trace\":";
  out += row.trace ? std::string_view(*row.trace) : std::string_view("null");
  out += '}';
}

}  // namespace weir::http
