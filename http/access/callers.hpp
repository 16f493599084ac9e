// Who may ask: from which pages, and under which names. Against pages elsewhere that use a visitor's browser, and against names
// that are made to lead here (DNS rebinding). Pure: settings and a request's head in, a verdict out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::http {

struct Callers {
  std::vector<std::string> origins = {};  ///< "https://app.example.org"; "*": every one
  std::vector<std::string> hosts = {};    ///< names without ports; "*": every one
  std::string listens_on = "127.0.0.1";   ///< name or address
  /// Requests bring a key, which is what lets them in. A list that is empty then means every one.
  bool keyed = false;
};

/// What a request's head says about who sends it. Empty: no such header.
struct Caller {
  std::optional<std::string_view> host = {};  ///< of an absolute target, else the header; none in HTTP/1.0
  std::string_view origin = {};               ///< browsers send it, and pages cannot change it
  std::string_view fetch_site = {}, fetch_mode = {};
  std::string_view content_type = {};
  bool has_body = false;
};

/// What a browser may give the page that asked.
enum class Cors { nothing, answer, answer_with_credentials };

struct Verdict {
  int status = 200;       ///< else 403 (not from there), 415 (not as this type) or 421 (not under this name)
  std::string text = {};  ///< why not, and the flag that would let it in
  Cors cors = Cors::nothing;
};

/// Without a key: programs (no Origin), pages of the server itself and pages of a loopback name, asked under a loopback name, an
/// address or name of the server; beside them what the lists name.
Verdict judge(const Callers& callers, const Caller& caller);

/// One sentence for the log: who reaches a server at `address`.
std::string who_may_ask(const Callers& callers, std::string_view address);

}  // namespace weir::http
