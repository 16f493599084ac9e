// What one request may cost: hostile numbers, large answers, stores that do not answer, clients that leave or do not read.
#include <doctest/doctest.h>

#include "talk.hpp"
#include "tests/store/temporary.hpp"
#include "troubled_store.hpp"

#include <weir/weir.hpp>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

namespace {

using talk::get;
using talk::json_body;
using talk::post;
using talk::status;
using Trouble = TroubledStore::Trouble;

struct Text {
  using kind = weir::StartEvent;
  std::string text = "";
  int times = 0;
};
struct Line {
  std::string text;
};
struct Question {
  using kind = weir::InputRequiredEvent;
};
struct Reply {
  using kind = weir::HumanResponseEvent;
  std::string text = "";
};
struct Said {
  using kind = weir::StopEvent;
  std::string text;
};
/// Publishes its text so many times, then answers with it.
struct Echo : weir::Workflow {
  Echo() { step<&Echo::say>(); }
  Said say(weir::Context& ctx, const Text& text) {
    for (int i = 0; i < text.times; ++i) ctx.write_event_to_stream(Line{text.text + std::to_string(i)});
    return {text.text};
  }
};
/// Waits for a reply.
struct Asking : weir::Workflow {
  Asking() {
    step<&Asking::ask>();
    step<&Asking::end>();
  }
  Question ask(const Text&) { return {}; }
  Said end(const Reply& reply) { return {reply.text}; }
};

struct Server {
  explicit Server(weir::ServerOptions options = {.port = 0}) : server(std::move(options)) {
    server.add_workflow<Echo>("echo");
    server.add_workflow<Asking>("ask");
    server.start();
    port = server.port();
  }
  std::string run(const std::string& id, const std::string& text, int times = 0) const {
    return post(port, "/workflows/echo/run",
                R"({"handler_id":")" + id + R"(","start_event":{"text":")" + text + R"(","times":)" + std::to_string(times) + "}}");
  }
  std::string ask(const std::string& id) const {
    return post(port, "/workflows/ask/run-nowait", R"({"handler_id":")" + id + R"(","start_event":{"text":"","times":0}})");
  }
  bool is_healthy() const { return status(get(port, "/health")) == 200; }

  weir::WorkflowServer server;
  std::uint16_t port = 0;
};

std::string request_of(const std::string& path, const std::string& version = "HTTP/1.1", const std::string& method = "GET") {
  return method + " " + path + " " + version + "\r\nHost: localhost\r\nConnection: close\r\n\r\n";
}

std::string body_of(const std::string& answer) {
  const auto at = answer.find("\r\n\r\n") + 4;
  const auto body = answer.substr(at);
  if (answer.substr(0, at).find("transfer-encoding: chunked") == std::string::npos) return body;
  std::string out;
  for (std::size_t i = 0; i < body.size();) {
    const auto size = std::stoul(body.substr(i, body.find("\r\n", i) - i), nullptr, 16);
    i = body.find("\r\n", i) + 2;
    out += body.substr(i, size);
    i += size + 2;
  }
  return out;
}

/// Connections that ask and read nothing.
struct Unread {
  Unread(std::uint16_t port, std::size_t count, const std::string& path) {
    for (std::size_t i = 0; i < count; ++i) connections.push_back(talk::send(port, request_of(path)));
  }
  ~Unread() { leave(); }
  /// Without waiting for anything that may still come, which is what the server hears of at once.
  void leave() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    for (const int connection : connections) {
      ::setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      ::close(connection);
    }
    connections.clear();
  }
  std::vector<int> connections;
};

}  // namespace

TEST_CASE("whatever a query says, the answer comes at once and others are served") {
  const TemporaryFolder folder;
  Server in_memory, in_file({.store = weir::sqlite(folder.file("weir.db")), .port = 0});
  const std::vector<std::string> values{"-9223372036854775808",
                                        "9223372036854775807",
                                        "9223372036854775808",
                                        "-9223372036854775809",
                                        "1e400",
                                        "",
                                        "%00",
                                        "%",
                                        "%zz",
                                        "0",
                                        "-1",
                                        "now",
                                        "99999999999d",
                                        std::string(100000, '9')};
  for (const auto* server : {&in_memory, &in_file}) {
    REQUIRE(status(server->run("h", "x", 20)) == 200);
    for (const std::string path :
         {"/events/h?stream=false&after_sequence=", "/events/h?stream=false&before_sequence=", "/events/h?stream=false&limit=",
          "/events/h?after_sequence=", "/events/h?sse=false&after_sequence=", "/handlers?limit=", "/handlers?limit=5&cursor=",
          "/handlers?limit=5&order=oldest&cursor=", "/handlers?limit=5&since=", "/handlers?limit=5&until=", "/handlers?limit=5&order=",
          "/handlers?limit=5&q=", "/handlers?limit=5&is_idle=", "/handlers?status=", "/handlers?workflow_name=", "/handlers/h/state?at=",
          "/handlers/h?detail=", "/workflows?detail="})
      for (const auto& value : values)
        for (const auto& query : {path + value, path + "1&" + path.substr(path.find_last_of("?&") + 1) + value}) {
          const auto code = status(get(server->port, query));
          INFO(query.substr(0, 100));
          CHECK((code == 200 || code == 204 || code == 400 || code == 404));
        }
    CHECK(server->is_healthy());
  }
}

TEST_CASE("a page of events that ends behind the last one is the newest page") {
  Server server;
  REQUIRE(status(server.run("h", "x", 700)) == 200);
  const auto page = [&](const std::string& query) {
    return body_of(get(server.port, "/events/h?stream=false&include_internal=true&" + query));
  };
  const auto newest = page("limit=3&before_sequence=9223372036854775807");
  const auto last = weir::parse_json(newest)->find("last_sequence")->as_integer();
  CHECK(newest == page("limit=3&before_sequence=" + std::to_string(last + 1)));
  CHECK(weir::parse_json(newest)->find("events")->as_array().back().find("sequence")->as_integer() == last);
  CHECK(weir::parse_json(newest)->find("more")->as_bool());
  CHECK(weir::parse_json(page("limit=3&before_sequence=-9223372036854775808"))->find("events")->as_array().empty());
  CHECK(weir::parse_json(page("limit=3&after_sequence=9223372036854775807"))->find("events")->as_array().empty());
  // Searched backwards: the newest that fit, in order.
  const auto found = weir::parse_json(page("limit=2&q=x3&type=Line&before_sequence=400"));
  REQUIRE(found->find("events")->as_array().size() == 2);
  CHECK(found->find("events")->as_array()[0].find("value")->find("text")->as_string() == "x397");
  CHECK(found->find("events")->as_array()[1].find("value")->find("text")->as_string() == "x398");
}

TEST_CASE("a large list is the same whether it is sent as one or in pieces, packed, to old clients, or asked for its head alone") {
  const TemporaryFolder folder;
  Server in_memory, in_file({.store = weir::sqlite(folder.file("weir.db")), .port = 0});
  for (const auto* server : {&in_memory, &in_file}) {
    std::string expected;
    for (int i = 0; i < 400; ++i) {
      REQUIRE(status(server->run("h" + std::to_string(i), std::string(1000, 'x'))) == 200);
      expected += (i > 0 ? "," : "") + body_of(get(server->port, "/handlers/h" + std::to_string(i)));
    }
    const auto answer = get(server->port, "/handlers");
    CHECK(answer.find("transfer-encoding: chunked") != std::string::npos);
    CHECK(body_of(answer) == "{\"handlers\":[" + expected + "]}");
    const auto old = talk::request(server->port, request_of("/handlers", "HTTP/1.0"));
    CHECK(old.find("chunked") == std::string::npos);
    CHECK(body_of(old) == body_of(answer));
    const auto head = talk::request(server->port, request_of("/handlers", "HTTP/1.1", "HEAD"));
    CHECK(status(head) == 200);
    CHECK(head.ends_with("\r\n\r\n"));
    CHECK(body_of(get(server->port, "/handlers?status=failed")) == R"({"handlers":[]})");
    const auto page = json_body("\r\n\r\n" + body_of(get(server->port, "/handlers?limit=300&include_result=true")));
    CHECK(page.find("handlers")->as_array().size() == 300);
    CHECK(page.find("total")->as_integer() == 400);
    CHECK(page.find("handlers")->as_array().front().find("handler_id")->as_string() == "h399");
    const auto rest =
        json_body("\r\n\r\n" + body_of(get(server->port, "/handlers?limit=300&cursor=" + page.find("next_cursor")->as_string())));
    CHECK(rest.find("handlers")->as_array().size() == 100);
    CHECK(rest.find("next_cursor")->is_null());
  }
}

TEST_CASE("one large result, an export and a stream come whole, piece by piece") {
  const TemporaryFolder folder;
  Server in_memory, in_file({.store = weir::sqlite(folder.file("weir.db")), .port = 0});
  const std::string large(700'000, 'y');
  for (const auto* server : {&in_memory, &in_file}) {
    CHECK(json_body("\r\n\r\n" + body_of(server->run("h", large))).find("result")->find("value")->find("text")->as_string() == large);
    CHECK(json_body("\r\n\r\n" + body_of(get(server->port, "/results/h"))).find("result")->find("text")->as_string() == large);
    CHECK(json_body("\r\n\r\n" + body_of(get(server->port, "/handlers/h/export"))).find("events")->as_array().size() > 1);
    REQUIRE(status(server->run("lines", std::string(100, 'z'), 2500)) == 200);
    const auto lines = body_of(get(server->port, "/events/lines?sse=false&after_sequence=-1"));
    CHECK(std::count(lines.begin(), lines.end(), '\n') == 2501);
    CHECK(lines.find("z2499") != std::string::npos);
    const auto file = json_body("\r\n\r\n" + body_of(get(server->port, "/handlers/lines/export")));
    CHECK(file.find("events")->as_array().back().find("sequence")->as_integer() ==
          static_cast<std::int64_t>(file.find("events")->as_array().size()) - 1);
  }
}

TEST_CASE("many clients that ask for much and read nothing hold up nobody") {
  Server server;
  for (int i = 0; i < 300; ++i) REQUIRE(status(server.run("h" + std::to_string(i), std::string(4000, 'x'), 10)) == 200);
  REQUIRE(status(server.run("long", std::string(400, 'x'), 5000)) == 200);
  for (const std::string path : {"/handlers", "/handlers/long/export", "/events/long?after_sequence=-1", "/ui/stream?run=long:-1",
                                 "/handlers?limit=1000&include_result=true", "/events/long?stream=false&limit=1000"}) {
    INFO(path);
    const Unread unread(server.port, 60, path);
    for (int i = 0; i < 30; ++i) REQUIRE(server.is_healthy());
    CHECK(status(get(server.port, "/handlers?limit=1")) == 200);
    CHECK(status(server.run("", "x")) == 200);
  }
}

TEST_CASE("searches whose clients have left do not hold up those who wait") {
  const TemporaryFolder folder;
  const auto store = std::make_shared<TroubledStore>(weir::sqlite(folder.file("weir.db")));
  Server server({.store = store, .port = 0});
  REQUIRE(status(server.run("h", "x")) == 200);
  store->set(Trouble::slow);
  Unread abandoned(server.port, 200, "/handlers?limit=5&q=nothing");
  REQUIRE(store->wait_for_held(2));
  const auto before = store->reads();
  abandoned.leave();
  for (int i = 0; i < 50; ++i) REQUIRE(server.is_healthy());
  store->set(Trouble::none);
  CHECK(status(get(server.port, "/handlers?limit=5&q=x")) == 200);
  CHECK(store->reads() < before + 50);
}

TEST_CASE("a store that holds its calls up holds up nobody who does not need it") {
  const TemporaryFolder folder;
  const auto store = std::make_shared<TroubledStore>(weir::sqlite(folder.file("weir.db")));
  Server server({.store = store, .port = 0, .accept_context_api = true});
  REQUIRE(status(server.run("ended", "x")) == 200);
  REQUIRE(status(server.ask("waits")) == 200);
  store->set(Trouble::slow);
  const auto sent = [&](const std::string& method, const std::string& path, const std::string& body = "", const std::string& header = "") {
    return talk::send(server.port, method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + header +
                                       "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  };
  std::vector<int> waiting;
  for (const std::string path :
       {"/handlers/ended", "/handlers/ended?detail=true", "/handlers/waits?detail=true", "/results/ended", "/runs/none",
        "/runs/none/events", "/events/ended", "/events/ended?stream=false", "/handlers", "/handlers?limit=5", "/handlers/ended/state",
        "/handlers/ended/export", "/workflows?detail=true", "/workflows/echo/stats"})
    waiting.push_back(sent("GET", path));
  waiting.push_back(sent("POST", "/workflows/echo/run", R"({"handler_id":"again","start_event":{"text":"","times":0}})"));
  waiting.push_back(sent("POST", "/workflows/echo/run-nowait", R"({"start_event":{"text":"","times":0}})", "Idempotency-Key: one\r\n"));
  waiting.push_back(sent("POST", "/events/waits", R"({"event":{"type":"Reply","value":{"text":""}}})"));
  waiting.push_back(sent("POST", "/handlers/ended/rerun"));
  waiting.push_back(sent("POST", "/handlers/ended/cancel?purge=true"));
  const int followed = sent("GET", "/ui/stream?run=ended:-1&list=true");
  REQUIRE(store->wait_for_held(4));
  for (int i = 0; i < 50; ++i) REQUIRE(server.is_healthy());
  CHECK(status(get(server.port, "/workflows")) == 200);
  store->set(Trouble::none);
  for (const int connection : waiting) {
    const auto answer = talk::receive(connection);
    CHECK(answer.starts_with("HTTP/1.1 "));
    ::close(connection);
  }
  CHECK(talk::receive(followed, ": following").find("200 OK") != std::string::npos);
  ::close(followed);
}

TEST_CASE("an event for a run in memory is taken without reading the store") {
  const TemporaryFolder folder;
  const auto store = std::make_shared<TroubledStore>(weir::sqlite(folder.file("weir.db")));
  Server server({.store = store, .port = 0});
  REQUIRE(status(server.ask("waits")) == 200);
  store->set(Trouble::slow);
  const auto before = store->reads();
  CHECK(status(post(server.port, "/events/waits", R"({"event":{"type":"Reply","value":{"text":"yes"}}})")) == 200);
  CHECK(store->reads() == before);
  store->set(Trouble::none);
}

TEST_CASE("a store that does not answer now: 503, when to come again, and nothing of it is remembered") {
  const TemporaryFolder folder;
  const auto store = std::make_shared<TroubledStore>(weir::sqlite(folder.file("weir.db")));
  Server server({.store = store, .port = 0});
  REQUIRE(status(server.run("ended", "x")) == 200);
  REQUIRE(status(server.ask("waits")) == 200);
  const auto keyed = [&] {
    return post(server.port, "/workflows/echo/run", R"({"start_event":{"text":"once","times":0}})", "Idempotency-Key: k\r\n");
  };
  const auto refused = [&](const std::string& answer) {
    INFO(answer);
    CHECK(status(answer) == 503);
    CHECK(answer.find("retry-after: 1\r\n") != std::string::npos);
    CHECK(answer.find(folder.file("")) == std::string::npos);
  };
  store->set(Trouble::unavailable);
  for (const std::string path : {"/handlers/ended", "/handlers/ended?detail=true", "/results/ended", "/runs/none", "/events/ended",
                                 "/events/ended?stream=false", "/handlers", "/handlers?limit=5", "/handlers/ended/state",
                                 "/handlers/ended/export", "/workflows?detail=true", "/workflows/echo/stats", "/ui/stream?run=ended:0"})
    refused(get(server.port, path));
  refused(keyed());
  refused(server.run("ended", "again"));
  refused(post(server.port, "/events/ended", R"({"event":{"type":"Reply","value":{"text":""}}})"));
  refused(post(server.port, "/handlers/waits/cancel", ""));
  refused(post(server.port, "/handlers/ended/rerun", ""));
  CHECK(server.is_healthy());
  store->set(Trouble::damaged);
  CHECK(status(get(server.port, "/handlers/ended")) == 500);
  store->set(Trouble::none);
  CHECK(json_body(keyed()).find("result")->find("value")->find("text")->as_string() == "once");
  CHECK(status(get(server.port, "/handlers/ended")) == 200);
}

TEST_CASE("health: the process lives, and says whether it can work") {
  const weir::ServerOptions with_key{.port = 0, .api_keys = {"secret"}};
  Server server(with_key);
  CHECK(body_of(get(server.port, "/health")) == R"({"status":"healthy"})");
  CHECK(body_of(get(server.port, "/health/live")) == R"({"status":"live"})");
  CHECK(body_of(get(server.port, "/health/ready")) == R"({"status":"ready"})");
}

namespace {

struct DamagedStore final : ForwardingStore {
  using ForwardingStore::ForwardingStore;
  std::atomic<bool> is_damaged = false;
  bool damaged() const noexcept override { return is_damaged; }
};

}  // namespace

TEST_CASE("a damaged store: the server lives, is not ready and says why, begins nothing, and shows what is there") {
  const TemporaryFolder folder;
  const auto store = std::make_shared<DamagedStore>(weir::sqlite(folder.file("weir.db")));
  Server server({.store = store, .port = 0});
  REQUIRE(status(server.run("ended", "x")) == 200);
  store->is_damaged = true;
  CHECK(status(get(server.port, "/health/live")) == 200);
  const auto ready = get(server.port, "/health/ready");
  CHECK(status(ready) == 503);
  CHECK(json_body(ready).find("reason")->as_string().find("damaged") != std::string::npos);
  CHECK(status(server.run("new", "x")) == 503);
  CHECK(status(get(server.port, "/handlers/new")) == 404);
  CHECK(status(get(server.port, "/handlers/ended")) == 200);
}

TEST_CASE("the stream of a tab follows each run once, and no more than it may") {
  Server server;
  REQUIRE(status(server.run("h", "x", 3)) == 200);
  std::string same = "/ui/stream?list=true", different = "/ui/stream?list=true";
  for (int i = 0; i < 6000; ++i) same += "&run=h:-1";
  for (int i = 0; i < 201; ++i) different += "&run=h" + std::to_string(i) + ":-1";
  const int connection = talk::send(server.port, request_of(same));
  const auto frames = talk::receive(connection, "event: end");
  ::close(connection);
  CHECK(frames.find("event: events") == frames.rfind("event: events"));
  CHECK(frames.find("event: end") == frames.rfind("event: end"));
  const auto refused = get(server.port, different);
  CHECK(status(refused) == 400);
  CHECK(json_body(refused).find("detail")->as_string() == "run: at most 200 runs can be followed on one connection, got 201");
}

TEST_CASE("state from outside needs the same permission, whichever way it comes") {
  const TemporaryFolder folder;
  Server server({.store = weir::sqlite(folder.file("weir.db")), .port = 0});
  REQUIRE(status(server.ask("h")) == 200);
  const auto fork = post(server.port, "/handlers/h/rerun", R"({"from_sequence":0,"state":{"admin":true}})");
  CHECK(status(fork) == 400);
  CHECK(json_body(fork).find("detail")->as_string() ==
        "state: what a run keeps may not be set from outside here (--accept-context-api allows it)");
}

TEST_CASE("a large body is taken apart beside the others' requests") {
  Server server;
  const std::string large(200'000, 'b');
  CHECK(json_body(server.run("h", large)).find("result")->find("value")->find("text")->as_string().size() == large.size());
  CHECK(status(post(server.port, "/workflows/echo/run", "[" + large)) == 400);
  CHECK(status(server.ask("waits")) == 200);
  CHECK(status(post(server.port, "/events/waits", R"({"event":{"type":"Reply","value":{"text":")" + large + R"("}}})")) == 200);
}
