// The API's table of contents, and what happens to requests that are not in it (contract 1.1).
#include "http/answers/app.hpp"
#include "http/answers/background.hpp"
#include "http/wire/request_head.hpp"

#include "actors/runtime/service.hpp"

#include <algorithm>
#include <array>

namespace weir::http {
namespace {

struct Route {
  std::string_view method;
  std::string_view path;  ///< "*" stands for any one non-empty segment
  void (*handle)(const Call&);
};

constexpr std::array routes{
    Route{"GET", "/", &get_page},
    Route{"GET", "/index.html", &get_page},
    Route{"GET", "/assets/*", &get_page},
    Route{"GET", "/icon.svg", &get_page},
    Route{"GET", "/licenses.txt", &get_page},
    Route{"GET", "/ui/config", &get_ui_config},
    Route{"GET", "/ui/stream", &get_tab_stream},
    Route{"GET", "/health", &get_health},
    Route{"GET", "/health/live", &get_health_live},
    Route{"GET", "/health/ready", &get_health_ready},
    Route{"GET", "/openapi.json", &get_openapi},
    Route{"GET", "/workflows", &get_workflows},
    Route{"GET", "/workflows/*/schema", &get_schema},
    Route{"GET", "/workflows/*/events", &get_workflow_events},
    Route{"GET", "/workflows/*/representation", &get_representation},
    Route{"GET", "/workflows/*/stats", &get_workflow_statistics},
    Route{"POST", "/workflows/*/run", &post_run},
    Route{"POST", "/workflows/*/run-nowait", &post_run_nowait},
    Route{"GET", "/handlers", &get_handlers},
    Route{"GET", "/handlers/*", &get_handler},
    Route{"POST", "/handlers/*/cancel", &post_cancel},
    Route{"POST", "/handlers/*/resume", &post_resume},
    Route{"POST", "/handlers/*/rerun", &post_rerun},
    Route{"GET", "/handlers/*/state", &get_handler_state},
    Route{"GET", "/handlers/*/export", &get_handler_export},
    Route{"GET", "/results/*", &get_result},
    Route{"GET", "/runs/*", &get_run},
    Route{"GET", "/runs/*/events", &get_run_events},
    Route{"GET", "/events/*", &get_events},
    Route{"POST", "/events/*", &post_event},
};

/// Fills `names` with what the stars stand for.
bool matches(std::string_view pattern, const std::vector<std::string>& segments, std::vector<std::string>& names) {
  names.clear();
  pattern.remove_prefix(1);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const auto slash = pattern.find('/');
    const auto part = pattern.substr(0, slash);
    const bool last = slash == pattern.npos;
    if (last != (i + 1 == segments.size())) return false;
    if (part == "*" && !segments[i].empty()) names.push_back(segments[i]);
    else if (part != segments[i]) return false;
    if (!last) pattern.remove_prefix(slash + 1);
  }
  return !segments.empty();
}

Response preflight(const RequestHead& head) {
  Response response{.content_type = "text/plain; charset=utf-8", .body = "OK"};
  response.headers.emplace_back("access-control-allow-methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
  response.headers.emplace_back("access-control-max-age", "600");
  if (const auto asked = head.header("Access-Control-Request-Headers"); !asked.empty())
    response.headers.emplace_back("access-control-allow-headers", asked);
  return response;
}

Response not_routed(const std::vector<std::string>& segments, bool reads) {
  if (reads) return problem(404, "Not Found");
  auto response = problem(405, "Method Not Allowed");
  std::vector<std::string> ignored;
  std::string allowed;
  for (const auto& route : routes)
    if (matches(route.path, segments, ignored))
      allowed += (allowed.empty() ? "" : ", ") + std::string(route.method == "GET" ? "GET, HEAD" : route.method);
  if (!allowed.empty()) response.headers.emplace_back("allow", allowed);
  return response;
}

Caller caller_of(const RequestHead& head) {
  Caller out{.origin = head.header("Origin"),
             .fetch_site = head.header("Sec-Fetch-Site"),
             .fetch_mode = head.header("Sec-Fetch-Mode"),
             .content_type = head.header("Content-Type"),
             .has_body = head.framing().has_body()};
  if (head.has_header("Host")) out.host = head.header("Host");
  return out;
}

std::optional<Response> refused(const RequestHead& head, const Callers& callers) {
  const auto verdict = judge(callers, caller_of(head));
  if (verdict.status != 200) return problem(verdict.status, verdict.text);
  return std::nullopt;
}

/// In time that does not tell how much of a key was right.
bool same(std::string_view key, std::string_view given) {
  unsigned different = key.size() == given.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) different |= static_cast<unsigned char>(given[i] ^ key[key.empty() ? 0 : i % key.size()]);
  return different == 0;
}

bool authorised(const App& app, const RequestHead& head) {
  constexpr std::string_view scheme = "Bearer ";
  auto given = head.header("X-API-Key");
  if (const auto header = head.header("Authorization"); header.starts_with(scheme)) given = header.substr(scheme.size());
  return std::any_of(app.api_keys.begin(), app.api_keys.end(), [&](const auto& key) { return same(key, given); });
}

/// What load balancers and browsers ask for before they can have a key.
bool open_to_everybody(std::string_view path) {
  return path == "/health" || path == "/health/live" || path == "/health/ready" || path == "/ui/config" || is_page(path);
}

Response unauthorised() {
  auto response = problem(401, "An API key is needed: send it as 'Authorization: Bearer KEY'");
  response.headers.emplace_back("www-authenticate", "Bearer");
  return response;
}

Response only_read() {
  return problem(403, "This server is read-only: runs can be looked at, not started, changed or ended (--read-only)");
}

void answer_own(const OwnRoute& route, const ExchangePtr& exchange, std::vector<std::string> names) {
  const auto header = [&](std::string_view name) { return exchange->header(name); };
  auto answer = route.answer({exchange->method(), exchange->target(), exchange->body(), std::move(names), header});
  exchange->respond({.status = answer.status, .content_type = std::move(answer.content_type), .body = std::move(answer.body)});
}

Admission at_once(Response response) {
  return {[response = std::move(response)](const ExchangePtr& exchange) { exchange->respond(response); }, false};
}

Admission by_own_route(const OwnRoute& route, std::vector<std::string> names) {
  return {[&route, names = std::move(names)](const ExchangePtr& exchange) { answer_own(route, exchange, names); }};
}

/// What only reads takes no body.
Admission by_route(App& app, const Route& route, Query query, std::vector<std::string> names) {
  return {[&app, &route, query = std::move(query), names = std::move(names)](const ExchangePtr& exchange) mutable {
            do_guarded({app, exchange, std::move(query), std::move(names)}, route.handle);
          },
          route.method != "GET"};
}

}  // namespace

Admission admit(App& app, const RequestHead& head) {
  if (auto response = refused(head, app.callers)) return at_once(std::move(*response));
  const auto method = head.method();
  if (method == "OPTIONS" && head.has_header("Origin") && head.has_header("Access-Control-Request-Method")) return at_once(preflight(head));
  Target target(head.target());
  const bool reads = method == "GET" || method == "HEAD";
  const auto wanted = method == "HEAD" ? "GET" : method;
  const auto path = head.target().substr(0, head.target().find('?'));
  if (!app.api_keys.empty() && !open_to_everybody(path) && !authorised(app, head)) return at_once(unauthorised());
  std::vector<std::string> names;
  for (const auto& entry : app.own_routes)
    if (entry.method == wanted && matches(entry.path, target.segments, names)) return by_own_route(entry, std::move(names));
  for (const auto& entry : routes)
    if (entry.method == wanted && matches(entry.path, target.segments, names)) {
      if (app.read_only && !reads) return at_once(only_read());
      return by_route(app, entry, std::move(target.query), std::move(names));
    }
  return at_once(not_routed(target.segments, reads));
}

}  // namespace weir::http
