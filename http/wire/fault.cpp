#include "fault.hpp"

namespace weir::http {

Response answer_of(const Fault& fault) {
  if (fault.status != 400) return problem(fault.status, fault.detail);
  Response response{.status = 400, .content_type = "text/plain; charset=utf-8", .body = "Invalid HTTP request received.", .close = true};
  if (!fault.detail.empty()) response.body += " " + fault.detail;
  return response;
}

}  // namespace weir::http
