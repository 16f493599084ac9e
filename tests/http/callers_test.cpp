// Who may ask: the table of the rules, and the same through a server.
#include <doctest/doctest.h>

#include "http/access/callers.hpp"
#include "talk.hpp"

#include <weir/server.hpp>

#include <string>
#include <vector>

using namespace weir::http;

namespace {

constexpr std::string_view json = "application/json";

struct Row {
  const char* what;
  Callers callers;
  Caller caller;
  int status;
  Cors cors = Cors::nothing;
};

const Callers here{};
const Callers everywhere{.listens_on = "0.0.0.0"};
const Callers named{.origins = {"https://app.example.org"}, .hosts = {"weir.example.org"}};
const Callers anybody{.origins = {"*"}};
const Callers keyed{.listens_on = "0.0.0.0", .keyed = true};

const std::vector<Row> table{
    // Programs
    {"a program", here, {.host = "127.0.0.1:8080"}, 200},
    {"a program that speaks HTTP/1.0 and names nobody", here, {}, 200},
    {"a program that says localhost", here, {.host = "LocalHost:8080"}, 200},
    {"a program that says localhost in full", here, {.host = "localhost.:8080"}, 200},
    {"a program on another loopback address", here, {.host = "127.8.9.10"}, 200},
    {"a program on IPv6", here, {.host = "[::1]:8080"}, 200},
    {"a program that sends plain text", here, {.host = "localhost", .content_type = "text/plain", .has_body = true}, 200},
    // Names
    {"a rebound name", here, {.host = "evil.example:8080"}, 421},
    {"a rebound name and its own origin", here, {.host = "evil.example", .origin = "http://evil.example"}, 421},
    {"a name that begins like ours", here, {.host = "localhost.evil.example"}, 421},
    {"a name that begins like our address", here, {.host = "127.0.0.1.evil.example"}, 421},
    {"a user before the name", here, {.host = "localhost@evil.example"}, 421},
    {"an empty name", here, {.host = ""}, 421},
    {"a port that is none", here, {.host = "localhost:80x"}, 421},
    {"two names", here, {.host = "localhost, evil.example"}, 421},
    {"an address that is not ours", here, {.host = "192.168.1.7:8080"}, 421},
    {"an address, where all are listened to", everywhere, {.host = "192.168.1.7:8080"}, 200},
    {"a name, where all addresses are listened to", everywhere, {.host = "evil.example:8080"}, 421},
    {"the address that is listened to", {.listens_on = "192.168.1.7"}, {.host = "192.168.1.7:8080"}, 200},
    {"the name that is listened to", {.listens_on = "devbox"}, {.host = "devbox:8080"}, 200},
    {"every IPv6 address", {.listens_on = "::"}, {.host = "[2001:db8::7]:8080"}, 200},
    {"a name on the list", named, {.host = "Weir.Example.org:443"}, 200},
    {"localhost beside a list", named, {.host = "localhost"}, 200},
    {"a name that is not on the list", named, {.host = "other.example.org"}, 421},
    {"any name", {.hosts = {"*"}}, {.host = "whatever"}, 200},
    // Pages
    {"its own page", here, {.host = "localhost:8080", .origin = "http://localhost:8080"}, 200, Cors::answer_with_credentials},
    {"its own page under its name", named, {.host = "weir.example.org", .origin = "https://weir.example.org"}, 200, Cors::answer},
    {"its own page, the port written", named, {.host = "weir.example.org:443", .origin = "https://weir.example.org"}, 200, Cors::answer},
    {"another port of its name", named, {.host = "weir.example.org", .origin = "https://weir.example.org:444"}, 403},
    {"a developer's page", here, {.host = "127.0.0.1:8080", .origin = "http://localhost:5173"}, 200, Cors::answer_with_credentials},
    {"a developer's page on IPv6", here, {.host = "127.0.0.1:8080", .origin = "https://[::1]:3000"}, 200, Cors::answer_with_credentials},
    {"a page elsewhere", here, {.host = "127.0.0.1:8080", .origin = "https://evil.example"}, 403},
    {"a page whose name begins like ours", here, {.host = "localhost", .origin = "http://localhost.evil.example"}, 403},
    {"a page with a user in its origin", here, {.host = "localhost", .origin = "http://localhost@evil.example"}, 403},
    {"a page of a file", here, {.host = "localhost", .origin = "null"}, 403},
    {"an extension of the browser", here, {.host = "localhost", .origin = "chrome-extension://localhost"}, 403},
    {"a page of another scheme's localhost", here, {.host = "localhost", .origin = "localhost"}, 403},
    {"a picture in a page elsewhere", here, {.host = "localhost", .fetch_site = "cross-site", .fetch_mode = "no-cors"}, 403},
    {"a link in a page elsewhere", here, {.host = "localhost", .fetch_site = "cross-site", .fetch_mode = "navigate"}, 200},
    {"a picture in its own page", here, {.host = "localhost", .fetch_site = "same-origin", .fetch_mode = "no-cors"}, 200},
    {"a page that is named", named, {.host = "localhost", .origin = "https://app.example.org"}, 200, Cors::answer_with_credentials},
    {"a page that is named, the port written",
     named,
     {.host = "localhost", .origin = "https://APP.example.org:443"},
     200,
     Cors::answer_with_credentials},
    {"the same name without TLS", named, {.host = "localhost", .origin = "http://app.example.org"}, 403},
    {"any page", anybody, {.host = "localhost", .origin = "https://evil.example"}, 200, Cors::answer},
    {"any page, under any name", anybody, {.host = "evil.example", .origin = "https://evil.example"}, 421},
    {"a page without origin, where any may", anybody, {.host = "localhost", .origin = "null"}, 200, Cors::answer},
    // What pages elsewhere send
    {"JSON",
     named,
     {.host = "localhost", .origin = "https://app.example.org", .content_type = json, .has_body = true},
     200,
     Cors::answer_with_credentials},
    {"JSON with a charset",
     named,
     {.host = "localhost", .origin = "https://app.example.org", .content_type = "Application/JSON; charset=utf-8", .has_body = true},
     200,
     Cors::answer_with_credentials},
    {"plain text",
     named,
     {.host = "localhost", .origin = "https://app.example.org", .content_type = "text/plain", .has_body = true},
     415,
     Cors::answer_with_credentials},
    {"no type", anybody, {.host = "localhost", .origin = "https://evil.example", .has_body = true}, 415, Cors::answer},
    {"a type that begins like JSON",
     anybody,
     {.host = "localhost", .origin = "https://evil.example", .content_type = "application/jsonx", .has_body = true},
     415,
     Cors::answer},
    {"JSON in a parameter",
     anybody,
     {.host = "localhost", .origin = "https://evil.example", .content_type = "text/plain; application/json", .has_body = true},
     415,
     Cors::answer},
    {"plain text of a page near by",
     here,
     {.host = "localhost", .origin = "http://localhost:3000", .content_type = "text/plain", .has_body = true},
     200,
     Cors::answer_with_credentials},
    // With a key
    {"a page elsewhere, with a key",
     keyed,
     {.host = "evil.example", .origin = "https://evil.example", .content_type = "text/plain", .has_body = true},
     200,
     Cors::answer},
    {"a page of a file, with a key", keyed, {.host = "weir.example.org", .origin = "null"}, 200, Cors::answer},
    {"a page that is not named, with a key",
     {.origins = {"https://app.example.org"}, .keyed = true},
     {.host = "localhost", .origin = "https://evil.example"},
     403},
    {"a name that is not listed, with a key", {.hosts = {"weir.example.org"}, .keyed = true}, {.host = "evil.example"}, 421},
};

}  // namespace

TEST_CASE("without a key a server answers programs, its own pages and those of localhost, under its own names; with one, everybody") {
  for (const auto& row : table) {
    CAPTURE(row.what);
    const auto verdict = judge(row.callers, row.caller);
    CHECK(verdict.status == row.status);
    CHECK(verdict.cors == row.cors);
    CHECK(verdict.text.empty() == (row.status == 200));
  }
}

TEST_CASE("a refusal names the flag that lets the page or the name in, and what comes from outside is shown cut") {
  CHECK(judge(here, {.host = "localhost", .origin = "https://a.example"}).text ==
        "Pages of https://a.example may not use this server. To let them, start it with --allow-origin https://a.example "
        "(WEIR_ALLOW_ORIGIN)");
  CHECK(judge(here, {.host = "a.example:80"}).text ==
        "This server does not answer under the name 'a.example:80'. If the name is its own, start it with --allow-host a.example "
        "(WEIR_ALLOW_HOST)");
  CHECK(judge(here, {.host = "localhost", .origin = "null"}).text.find("--allow-origin") != std::string::npos);
  const auto long_origin = "https://" + std::string(100000, 'a');
  CHECK(judge(here, {.host = "localhost", .origin = long_origin}).text.size() < 1000);
  CHECK(judge(here, {.host = long_origin}).text.size() < 1000);
}

TEST_CASE("the log says in one sentence who can reach a server") {
  const auto said = [](const Callers& callers) { return who_may_ask(callers, "there:8080"); };
  CHECK(said(here) == "programs on this machine may use it without a key, and pages of its own and of localhost");
  CHECK(said(named) ==
        "programs on this machine may use it without a key, and pages of its own and of localhost and of https://app.example.org");
  CHECK(said(keyed) == "who has an API key may use it, also from pages of every origin");
  CHECK(said(everywhere).starts_with("everybody who reaches there:8080 may start and read runs: set an API key"));
}

namespace {

/// A server whose log is kept to itself.
struct Server {
  explicit Server(weir::ServerOptions options) : server(quiet(std::move(options))) { server.start(); }
  static weir::ServerOptions quiet(weir::ServerOptions options) {
    options.port = 0;
    options.runtime.log = [](weir::LogLevel, std::string_view) {};
    return options;
  }
  std::string ask(const std::string& head, const std::string& body = "") const {
    return talk::request(server.port(),
                         head + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  weir::WorkflowServer server;
};

}  // namespace

TEST_CASE("through a server: pages elsewhere and rebound names are refused, without a word that a browser would show to them") {
  const Server server({});
  const auto refused = server.ask("GET /workflows HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example");
  CHECK(talk::status(refused) == 403);
  CHECK(refused.find("--allow-origin https://evil.example") != std::string::npos);
  CHECK(refused.find("access-control") == std::string::npos);
  CHECK(talk::status(server.ask("GET /workflows HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example")) == 421);
  CHECK(talk::status(server.ask("GET /workflows HTTP/1.1\r\nHost: evil.example")) == 421);
  CHECK(talk::status(server.ask("POST /workflows/a/run HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\nContent-Type: text/plain", "{}")) ==
        403);
  const auto preflight = server.ask(
      "OPTIONS /workflows/a/run HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: POST");
  CHECK(talk::status(preflight) == 403);
  CHECK(preflight.find("access-control") == std::string::npos);
  const auto neighbour = server.ask("GET /workflows HTTP/1.1\r\nHost: localhost\r\nOrigin: http://127.0.0.1:5173");
  CHECK(talk::status(neighbour) == 200);
  CHECK(neighbour.find("access-control-allow-origin: http://127.0.0.1:5173\r\naccess-control-allow-credentials: true\r\n") !=
        std::string::npos);
}

TEST_CASE("through a server: any origin, where that is wanted or a key is needed, comes without credentials") {
  const std::string head = "GET /workflows HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example.org\r\nAuthorization: Bearer k";
  for (const auto& options : {weir::ServerOptions{.allowed_origins = {"*"}}, weir::ServerOptions{.api_keys = {"k"}}}) {
    const Server server(options);
    const auto answer = server.ask(head);
    CHECK(talk::status(answer) == 200);
    CHECK(answer.find("access-control-allow-origin: https://app.example.org\r\n") != std::string::npos);
    CHECK(answer.find("access-control-allow-credentials") == std::string::npos);
  }
  const Server named({.allowed_origins = {"https://app.example.org"}});
  CHECK(named.ask(head).find("access-control-allow-credentials: true\r\n") != std::string::npos);
  const std::string post = "POST /workflows/a/run HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example.org\r\nContent-Type: ";
  CHECK(talk::status(named.ask(post + "text/plain", "{}")) == 415);
  CHECK(talk::status(named.ask(post + "application/json", "{}")) == 404);
}
