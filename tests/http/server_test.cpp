// WorkflowServer in a program of its own: free ports, several servers, stopping and starting.
#include <doctest/doctest.h>

#include "talk.hpp"
#include "tests/until.hpp"

#include <weir/weir.hpp>

#include <string>
#include <thread>
#include <vector>

namespace {

struct Ping {
  using kind = weir::StartEvent;
  int n = 0;
};
struct Pong {
  using kind = weir::StopEvent;
  int n;
};
struct PingFlow : weir::Workflow {
  PingFlow() { step<&PingFlow::answer>(); }
  Pong answer(const Ping& ping) { return {ping.n + 1}; }
};

using talk::get;
using talk::json_body;
using talk::post;

std::string run_ping(std::uint16_t port) { return post(port, "/workflows/ping/run", R"({"start_event":{"n":41}})"); }

struct Question {
  using kind = weir::InputRequiredEvent;
};
struct Answer {
  using kind = weir::HumanResponseEvent;
  int n;
};
/// Asks, and keeps a sum of the answers that its handler has had.
struct Asking : weir::Workflow {
  Asking() {
    step<&Asking::ask>();
    step<&Asking::add>();
    num_concurrent_runs(1);
  }
  Question ask(const Ping&) { return {}; }
  Pong add(weir::Context& ctx, const Answer& answer) {
    ctx.store().set("sum", ctx.store().get("sum", 0) + answer.n);
    return {ctx.store().get<int>("sum")};
  }
};

}  // namespace

TEST_CASE("several servers live in one process, each on a free port with its own workflows") {
  weir::WorkflowServer one{{.port = 0}}, two{{.port = 0}};
  one.add_workflow<PingFlow>("ping");
  one.start();
  two.start();
  CHECK(one.port() != two.port());
  CHECK(run_ping(one.port()).find("\"value\":{\"n\":42}") != std::string::npos);
  CHECK(run_ping(two.port()).starts_with("HTTP/1.1 404 "));
  one.stop();
  one.stop();
  CHECK(run_ping(two.port()).starts_with("HTTP/1.1 404 "));
}

TEST_CASE("a port that is taken is named, and the server can go away") {
  weir::WorkflowServer one{{.port = 0}};
  one.start();
  weir::WorkflowServer two{{.port = one.port()}};
  CHECK_THROWS_WITH_AS(two.start(), doctest::Contains(("127.0.0.1:" + std::to_string(one.port())).c_str()), std::runtime_error);
}

TEST_CASE("an option that makes no sense is refused with what is allowed") {
  CHECK_THROWS_WITH(weir::WorkflowServer{{.default_cursor = "tomorrow"}}, "default_cursor must be auto, now or start, got 'tomorrow'");
}

TEST_CASE("a program's own routes stand beside the protocol's, see the request, and may fail") {
  weir::WorkflowServer server{{.port = 0}};
  server.add_workflow<PingFlow>("ping");
  server.add_route("POST", "/double/*", [](const weir::RouteRequest& request) {
    return weir::RouteAnswer{
        .status = 202,
        .content_type = "text/plain",
        .body = request.names[0] + std::string(request.body) + std::string(request.body) + std::string(request.header("X-Mark"))};
  });
  server.add_route("GET", "/broken", [](const weir::RouteRequest&) -> weir::RouteAnswer { throw std::runtime_error("no luck"); });
  server.add_route("GET", "/health", [](const weir::RouteRequest&) { return weir::RouteAnswer{.body = "mine"}; });
  CHECK_THROWS_WITH(server.add_route("GET", "here", nullptr), "a route's path begins with /, got 'here'");
  server.start();
  const auto doubled = post(server.port(), "/double/a%20b", "xy", "x-mark: !\r\n");
  CHECK(talk::status(doubled) == 202);
  CHECK(doubled.ends_with("\r\n\r\na bxyxy!"));
  CHECK(get(server.port(), "/broken").ends_with(R"({"detail":"Internal server error: no luck"})"));
  CHECK(get(server.port(), "/health").ends_with("mine"));
  CHECK(run_ping(server.port()).find("42") != std::string::npos);
}

TEST_CASE("with API keys, requests without one are refused, and health and the page are open") {
  weir::WorkflowServer server{{.port = 0, .api_keys = {"first", "second"}}};
  server.add_workflow<PingFlow>("ping");
  server.start();
  const auto run = [&](const std::string& header) {
    return talk::status(post(server.port(), "/workflows/ping/run", R"({"start_event":{"n":1}})", header));
  };
  CHECK(run("") == 401);
  CHECK(run("Authorization: Bearer wrong\r\n") == 401);
  CHECK(run("Authorization: Bearer firs\r\n") == 401);
  CHECK(run("Authorization: Bearer \r\n") == 401);
  CHECK(run("Authorization: Bearer second\r\n") == 200);
  CHECK(run("X-API-Key: first\r\n") == 200);
  CHECK(get(server.port(), "/workflows").find("www-authenticate: Bearer") != std::string::npos);
  CHECK(talk::status(get(server.port(), "/health")) == 200);
  CHECK(talk::status(get(server.port(), "/")) == 200);
  CHECK(talk::status(get(server.port(), "/handlers?x=/health")) == 401);
  const weir::ServerOptions one_is_empty{.api_keys = {"first", ""}};
  CHECK_THROWS_WITH(weir::WorkflowServer{one_is_empty}, "an API key must not be empty");
}

TEST_CASE("a context brought by a request is used when the server allows it, and named when it is wrong") {
  weir::WorkflowServer closed{{.port = 0}}, open{{.port = 0, .accept_context_api = true}};
  for (auto* server : {&closed, &open}) {
    server->add_workflow<Asking>("ask");
    server->start();
  }
  const auto start = [](std::uint16_t port, const std::string& context) {
    return post(port, "/workflows/ask/run-nowait", R"({"handler_id":"h","start_event":{"n":0},"context":)" + context + "}");
  };
  const std::string sum = R"({"version":2,"state":{"state_data":{"_data":{"sum":"40"}}},"is_running":false})";
  CHECK(json_body(start(closed.port(), sum)).find("detail")->as_string() ==
        "Context API is disabled. Set accept_context_api=True on WorkflowServer to enable it.");
  CHECK(
      json_body(start(open.port(), R"({"version":9})"))
          .find("detail")
          ->as_string()
          .starts_with(
              "Error processing request body: Context dict specified in an invalid format: Cannot load serialized workflow context with version=9"));
  for (const auto& [context, why] :
       {std::pair(R"({"workers":[]})", "workers: expected an object, got list"),
        std::pair(R"({"state":{"state_data":{"_data":{"sum":40}}}})", "state.state_data._data.sum: expected JSON text")}) {
    const auto answer = start(open.port(), context);
    CHECK(talk::status(answer) == 400);
    CHECK(answer.find(why) != std::string::npos);
  }
  CHECK(json_body(start(open.port(), sum)).find("status")->as_string() == "running");
  CHECK(post(open.port(), "/events/h", R"({"event":{"type":"Answer","value":{"n":2}}})").find(R"({"status":"sent"})") != std::string::npos);
  CHECK(get(open.port(), "/events/h?after_sequence=-1&sse=false").find(R"({"value":{"n":42})") != std::string::npos);
}

TEST_CASE("/run waits for a run that idles, however long") {
  weir::WorkflowServer server{{.port = 0}};
  server.add_workflow<Asking>("ask");
  server.start();
  std::string answer;
  std::thread waiting([&] { answer = post(server.port(), "/workflows/ask/run", R"({"handler_id":"h","start_event":{"n":0}})"); });
  until("the run has begun", [&] { return !get(server.port(), "/handlers/h").starts_with("HTTP/1.1 404"); });
  // The stream shows that the run idles; the answer comes after that.
  const auto sent = [&] { return post(server.port(), "/events/h", R"({"event":{"type":"Answer","value":{"n":7}}})"); };
  CHECK(sent().find(R"({"status":"sent"})") != std::string::npos);
  waiting.join();
  CHECK(answer.starts_with("HTTP/1.1 200 "));
  CHECK(answer.find(R"("value":{"n":7})") != std::string::npos);
}

TEST_CASE("a start that is refused leaves nothing behind") {
  weir::WorkflowServer server{{.port = 0}};
  server.add_workflow<Asking>("ask");
  server.start();
  for (const char* body : {R"({"handler_id":"h","start_event":{"n":"many"}})", R"({"handler_id":"h","start_event":5})",
                           R"({"handler_id":"h","context":{"version":2}})"}) {
    CHECK(post(server.port(), "/workflows/ask/run", body).starts_with("HTTP/1.1 400 "));
    CHECK(get(server.port(), "/handlers/h").starts_with("HTTP/1.1 404 "));
  }
}

TEST_CASE("a handler that waits to be admitted says so, and graphs are drawn on request") {
  weir::WorkflowServer server{{.port = 0}};
  server.add_workflow<Asking>("ask");
  server.start();
  post(server.port(), "/workflows/ask/run-nowait", R"({"handler_id":"one","start_event":{"n":0}})");
  post(server.port(), "/workflows/ask/run-nowait", R"({"handler_id":"two","start_event":{"n":0}})");
  std::string queued;
  for (int tries = 0; tries < 100000 && queued.find("queue_position") == std::string::npos; ++tries)
    queued = get(server.port(), "/handlers/two");
  CHECK(json_body(queued).find("queue_position")->as_integer() == 1);
  CHECK(json_body(get(server.port(), "/handlers/one")).find("queue_position") == nullptr);
  CHECK(post(server.port(), "/handlers/two/cancel", "").find(R"({"status":"cancelled"})") != std::string::npos);
  const auto mermaid = get(server.port(), "/workflows/ask/representation?format=mermaid");
  CHECK(mermaid.find("content-type: text/vnd.mermaid; charset=utf-8") != std::string::npos);
  CHECK(mermaid.find("flowchart TD\n") != std::string::npos);
  CHECK(get(server.port(), "/workflows/ask/representation?format=dot").find("digraph \"Asking\" {") != std::string::npos);
  CHECK(get(server.port(), "/workflows/nothing/representation?format=dot").starts_with("HTTP/1.1 404 "));
  CHECK(json_body(get(server.port(), "/workflows/ask/representation?format=other")).find("graph"));
}

TEST_CASE("for debuggers: details, pages, metadata, state at an event, run again, export; the plain answers stay as they were") {
  weir::WorkflowServer server{{.port = 0}};
  server.add_workflow<Asking>("asking");
  server.start();
  const auto port = server.port();
  post(port, "/workflows/asking/run-nowait", R"({"start_event":{"n":1},"handler_id":"a"})");
  until("the run waits", [&] { return !json_body(get(port, "/handlers/a?detail=true")).find("waiting_for")->as_array().empty(); });
  const auto detail = json_body(get(port, "/handlers/a?detail=true"));
  CHECK(detail.find("input")->find("value")->find("n")->as_integer() == 1);
  CHECK(detail.find("question")->find("type")->as_string() == "Question");
  CHECK(detail.find("waiting_for")->as_array().at(0).find("event_type")->as_string() == "Answer");
  CHECK_FALSE(json_body(get(port, "/handlers/a")).find("waiting_for"));
  CHECK(json_body(get(port, "/handlers?limit=1&is_idle=true")).find("total")->as_integer() == 1);
  CHECK_FALSE(json_body(get(port, "/handlers")).find("total"));
  CHECK(json_body(get(port, "/handlers?limit=0")).find("detail")->as_string() == "limit must be from 1 to 1000, got 0");
  CHECK(talk::status(get(port, "/handlers?limit=5&since=yesterday")) == 400);
  post(port, "/events/a", R"({"event":{"type":"Answer","value":{"n":5}}})");
  until("the run is over", [&] { return json_body(get(port, "/handlers/a")).find("status")->as_string() != "running"; });
  CHECK(json_body(get(port, "/handlers/a/state")).find("states")->find("")->find("sum")->as_integer() == 5);
  CHECK(json_body(get(port, "/handlers/a/state?at=0")).find("states")->as_object().empty());
  const auto page = json_body(get(port, "/events/a?stream=false&include_internal=true&type=StepStateChanged&limit=2"));
  CHECK(page.find("events")->as_array().size() == 2);
  CHECK(page.find("more")->truthy());
  const auto last = page.find("last_sequence")->as_integer();
  const auto tail =
      json_body(get(port, "/events/a?stream=false&include_internal=true&limit=1&before_sequence=" + std::to_string(last + 1)));
  CHECK(tail.find("events")->as_array().at(0).find("sequence")->as_integer() == last);
  CHECK(get(port, "/events/a?after_sequence=-1&include_metadata=true").find(R"("trace":null)") != std::string::npos);
  CHECK(get(port, "/events/a?after_sequence=-1").find("trace") == std::string::npos);
  const auto again = json_body(post(port, "/handlers/a/rerun", R"({"start_event":{"n":2}})"));
  const auto id = again.find("handler_id")->as_string();
  CHECK(id != "a");
  CHECK(json_body(get(port, "/handlers/" + id + "?detail=true")).find("input")->find("value")->find("n")->as_integer() == 2);
  CHECK(talk::status(post(port, "/handlers/nobody/rerun", "")) == 404);
  CHECK(get(port, "/handlers/a/export").find(R"({"weir_export":1)") != std::string::npos);
  const auto workflows = json_body(get(port, "/workflows?detail=true"));
  CHECK(workflows.find("details")->as_array().at(0).find("completed")->as_integer() == 1);
  CHECK(json_body(get(port, "/ui/config")).find("server")->as_string() == "weir");
}

TEST_CASE("the debugger's files: never from elsewhere, kept by browsers, packed for those that unpack") {
  weir::WorkflowServer server{{.port = 0}};
  server.start();
  const auto page = get(server.port(), "/");
  CHECK(page.find("content-security-policy: default-src 'none'; script-src 'self'; style-src 'self';") != std::string::npos);
  CHECK(page.find("cache-control: no-cache") != std::string::npos);
  const auto at = page.find("./assets/");
  REQUIRE(at != std::string::npos);
  const auto asset = page.substr(at + 1, page.find('"', at) - at - 1);
  const auto script =
      talk::request(server.port(), "GET " + asset + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept-Encoding: gzip\r\n\r\n");
  CHECK(script.find("content-encoding: gzip") != std::string::npos);
  CHECK(script.find("immutable") != std::string::npos);
  CHECK(script.find("content-type: text/javascript; charset=utf-8") != std::string::npos);
  CHECK(talk::status(get(server.port(), "/assets/nothing.js")) == 404);
}

TEST_CASE("a server can go away the moment its last answer is read") {
  for (int round = 0; round < 20; ++round) {
    weir::WorkflowServer server{{.port = 0}};
    server.add_workflow<PingFlow>("ping");
    server.start();
    std::vector<std::jthread> clients;
    for (int i = 0; i < 4; ++i) clients.emplace_back([port = server.port()] { CHECK(talk::status(run_ping(port)) == 200); });
  }
}

TEST_CASE("a server stops while a debugger follows it, and leaves nothing behind") {
  weir::WorkflowServer server{{.port = 0}};
  server.add_workflow<Asking>("asking");
  server.start();
  post(server.port(), "/workflows/asking/run-nowait", R"({"start_event":{"n":1},"handler_id":"a"})");
  const int stream = talk::send(server.port(), "GET /ui/stream?list=true&run=a:-1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(talk::receive(stream, "event: events").find("event: events") != std::string::npos);
  server.stop();
  talk::receive(stream);
  ::close(stream);
}
