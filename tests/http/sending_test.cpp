// Events that nobody takes, seen by clients: told in the answer, refused when asked for, listed with the run; mail in forks.
#include <doctest/doctest.h>

#include "http/answers/preferences.hpp"
#include "talk.hpp"
#include "tests/store/temporary.hpp"
#include "tests/until.hpp"

#include <weir/client.hpp>
#include <weir/weir.hpp>

#include <string>

namespace {

using talk::get;
using talk::json_body;
using talk::post;
using talk::status;

struct Ticket {
  using kind = weir::StartEvent;
};
struct Ask {
  using kind = weir::InputRequiredEvent;
  int seen = 0;
};
struct Reply {
  using kind = weir::HumanResponseEvent;
  int n;
};
struct Note {
  using kind = weir::HumanResponseEvent;
  int n;
  std::string text = "";
};
struct Closed {
  using kind = weir::StopEvent;
  std::string notes;
};
/// Waits for a reply in its body, again and again; a reply of 0 ends it. With the notes that have come meanwhile.
struct Desk : weir::Workflow {
  Desk() {
    mailbox<Note>(3);
    step<&Desk::serve>();
    no_timeout();
  }
  weir::Task<Closed> serve(weir::Context& ctx, const Ticket&) {
    std::string notes;
    for (int seen = 0;; ++seen) {
      const weir::WaitOptions asking{.publish = Ask{seen}, .timeout = std::nullopt};
      const auto reply = co_await ctx.wait_for_event<Reply>(asking);
      if (reply.n == 0) co_return Closed{notes};
      for (int i = 0; i < reply.n; ++i) notes += std::to_string((co_await ctx.receive<Note>()).n);
    }
  }
};

struct Server {
  TemporaryFolder folder;
  std::unique_ptr<weir::WorkflowServer> server;

  explicit Server(std::optional<weir::Duration> idle_timeout = std::nullopt, bool durable = true) {
    weir::ServerOptions options{.port = 0};
    if (durable) options.store = weir::sqlite(folder.file("runs.db"));
    options.runtime.idle_timeout = idle_timeout;
    server = std::make_unique<weir::WorkflowServer>(std::move(options));
    server->add_workflow("desk", std::make_shared<Desk>(), weir::WorkflowOptions{.additional_events = weir::events<Reply, Ask>()});
    server->start();
  }
  std::uint16_t port() const { return server->port(); }
  std::string start(const std::string& id) {
    REQUIRE(status(post(port(), "/workflows/desk/run-nowait", R"({"start_event":{},"handler_id":")" + id + R"("})")) == 200);
    until_asked(id, 0);
    return id;
  }
  std::string send(const std::string& id, const std::string& type, int n, const std::string& headers = "") {
    return post(port(), "/events/" + id, R"({"event":{"type":")" + type + R"(","value":{"n":)" + std::to_string(n) + "}}}", headers);
  }
  weir::Value detail(const std::string& id) { return json_body(get(port(), "/handlers/" + id + "?detail=true")); }
  std::int64_t unhandled(const std::string& id) { return detail(id).find("unhandled")->find("count")->as_integer(); }
  /// The run waits for the reply to that question.
  void until_asked(const std::string& id, int seen) {
    until("the run asks", [&] {
      const auto handler = detail(id);
      const auto* question = handler.find("question")->find("value");
      return question && question->find("seen")->as_integer() == seen;
    });
  }
  void until_receiving(const std::string& id) {
    until("it waits for a note", [&] {
      const auto handler = detail(id);
      const auto& waiting = handler.find("waiting_for")->as_array();
      return !waiting.empty() && waiting[0].find("event_type")->as_string() == "Note";
    });
  }
  std::string notes(const std::string& id) {
    until("the run is over", [&] { return detail(id).find("status")->as_string() != "running"; });
    return detail(id).find("result")->find("value")->find("notes")->as_string();
  }
};

const std::string strict = "Prefer: handling=strict\r\n";
const std::string sent = R"({"status":"sent"})", lost = R"({"status":"sent","unhandled":true})";

std::string body(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }
std::string detail(const std::string& answer) { return json_body(answer).find("detail")->as_string(); }

}  // namespace

TEST_CASE("who sends an event that nothing takes is told so, and the run lists it") {
  bool durable = true;
  SUBCASE("sqlite") {}
  SUBCASE("memory") { durable = false; }
  Server server(std::nullopt, durable);
  const auto id = server.start("a");
  CHECK(server.unhandled(id) == 0);
  CHECK(body(server.send(id, "Reply", 1)) == sent);
  server.until_receiving(id);
  CHECK(body(server.send(id, "Reply", 7)) == lost);
  const auto told = *server.detail(id).find("unhandled");
  CHECK(told.find("count")->as_integer() == 1);
  const auto& newest = told.find("newest")->as_array().at(0);
  CHECK(newest.find("event_type")->as_string() == "Reply");
  CHECK(newest.find("step")->is_null());
  CHECK(weir::to_json(*newest.find("value")) == R"({"n":7})");
  const auto sequence = newest.find("sequence")->as_integer();
  const auto page =
      json_body(get(server.port(), "/events/a?stream=false&include_internal=true&limit=1&after_sequence=" + std::to_string(sequence - 1)));
  CHECK(page.find("events")->as_array().at(0).find("type")->as_string() == "UnhandledEvent");
  // It stays there when the run is over, and travels with its export.
  CHECK(body(server.send(id, "Note", 5)) == sent);
  server.until_asked(id, 1);
  CHECK(body(server.send(id, "Reply", 0)) == sent);
  CHECK(server.notes(id) == "5");
  CHECK(server.unhandled(id) == 1);
  const auto file = json_body(get(server.port(), "/handlers/a/export"));
  CHECK(file.find("handler")->find("unhandled")->find("count")->as_integer() == 1);
}

TEST_CASE("Prefer: handling=strict refuses what nothing takes with what the run waits for, and nothing has changed") {
  std::optional<weir::Duration> idle_timeout;
  SUBCASE("in memory") {}
  SUBCASE("asleep") { idle_timeout = weir::Duration(0); }
  Server server(idle_timeout);
  const auto id = server.start("a");
  const auto before = server.detail(id);
  const auto refused = server.send(id, "Ask", 1, strict);
  CHECK(status(refused) == 409);
  CHECK(detail(refused) == "Nothing in the run takes Ask now: the run waits for Reply (step 'serve')");
  CHECK(refused.find("preference-applied: handling=strict") != std::string::npos);
  CHECK(weir::to_json(server.detail(id)) == weir::to_json(before));
  // A key of a request that was refused is not used up.
  const auto keyed = strict + "Idempotency-Key: k\r\n";
  CHECK(body(server.send(id, "Reply", 1, strict)) == sent);
  CHECK(status(server.send(id, "Reply", 0, keyed)) == 409);
  CHECK(body(server.send(id, "Note", 3, strict)) == sent);
  server.until_asked(id, 1);
  CHECK(body(server.send(id, "Reply", 0, keyed)) == sent);
  CHECK(body(server.send(id, "Reply", 0, keyed)) == sent);
  CHECK(server.notes(id) == "3");
  CHECK(server.unhandled(id) == 0);
}

TEST_CASE("a request that is sent again with its key gets the same answer, also that nobody took its event") {
  Server server;
  const auto id = server.start("a");
  CHECK(body(server.send(id, "Reply", 1)) == sent);
  for (int i = 0; i < 2; ++i) CHECK(body(server.send(id, "Reply", 8, "Idempotency-Key: once\r\n")) == lost);
  CHECK(server.unhandled(id) == 1);
}

TEST_CASE("a mailbox that is full answers 429, and takes more when the run has received") {
  Server server;
  const auto id = server.start("a");
  for (int n = 1; n <= 3; ++n) CHECK(body(server.send(id, "Note", n)) == sent);
  const auto refused = server.send(id, "Note", 4);
  CHECK(status(refused) == 429);
  CHECK(refused.find("retry-after: 1\r\n") != std::string::npos);
  CHECK(detail(refused) == "The run's mailbox for Note is full: it keeps 3 events that have not been received yet: try again later");
  CHECK(body(server.send(id, "Reply", 2)) == sent);
  server.until_asked(id, 1);
  CHECK(body(server.send(id, "Note", 4)) == sent);
  CHECK(body(server.send(id, "Reply", 2)) == sent);
  server.until_asked(id, 2);
  CHECK(body(server.send(id, "Reply", 0)) == sent);
  CHECK(server.notes(id) == "1234");
}

TEST_CASE("a fork has the mail that its origin had there") {
  Server server(weir::Duration(0));
  const auto id = server.start("a");
  for (int n = 1; n <= 2; ++n) CHECK(body(server.send(id, "Note", n)) == sent);
  const auto last = server.detail(id).find("last_sequence")->as_integer();
  CHECK(body(server.send(id, "Reply", 2)) == sent);
  server.until_asked(id, 1);
  const auto answer = post(server.port(), "/handlers/a/rerun", R"({"from_sequence":)" + std::to_string(last) + "}");
  REQUIRE_MESSAGE(status(answer) == 200, answer);
  const auto fork = json_body(answer).find("handler_id")->as_string();
  CHECK(body(server.send(fork, "Note", 3)) == sent);
  CHECK(status(server.send(fork, "Note", 4)) == 429);
  CHECK(body(server.send(fork, "Reply", 3)) == sent);
  server.until_asked(fork, 1);
  for (const auto& one : {id, fork}) CHECK(body(server.send(one, "Reply", 0)) == sent);
  CHECK(server.notes(id) == "12");
  CHECK(server.notes(fork) == "123");
}

TEST_CASE("an event for the step '' is refused: there is none of that name") {
  Server server;
  const auto id = server.start("a");
  const auto refused = post(server.port(), "/events/a", R"({"event":{"type":"Reply","value":{"n":0}},"step":""})");
  CHECK(status(refused) == 400);
  CHECK(detail(refused) == "Step '' does not exist: leave \"step\" out to send the event to every step that takes it");
  CHECK(body(post(server.port(), "/events/a", R"({"event":{"type":"Reply","value":{"n":0}},"step":null})")) == sent);
  CHECK(server.notes(id).empty());
}

TEST_CASE("client: strict sending, what nobody took, and full mailboxes") {
  Server server;
  const weir::Client client({.url = "http://127.0.0.1:" + std::to_string(server.port())});
  const auto id = server.start("a");
  const auto refused = client.send_event(id, Ask{1}, weir::RemoteSend{.strict = true}).get();
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == weir::Code::conflict);
  CHECK(refused.error().message.starts_with("Nothing in the run takes Ask now: the run waits for Reply (step 'serve')"));
  const auto taken = client.send_event(id, Reply{1}, weir::RemoteSend{.strict = true, .idempotency_key = "k"}).get();
  REQUIRE(taken.ok());
  CHECK(*taken);
  const auto unhandled = client.send_event(id, Reply{9}).get();
  REQUIRE(unhandled.ok());
  CHECK_FALSE(*unhandled);
  server.until_receiving(id);
  for (int n = 0; n < 4; ++n) CHECK(client.send_event(id, Note{n}).get().ok());
  CHECK(client.send_event(id, Note{5}).get().error().code == weir::Code::resource_exhausted);
  const auto handler = client.handler_detail(id).get();
  REQUIRE(handler.ok());
  CHECK(handler->unhandled_count == 1);
  REQUIRE(handler->unhandled.size() == 1);
  CHECK(handler->unhandled[0].type == "Reply");
  CHECK(handler->unhandled[0].value.find("n")->as_integer() == 9);
  CHECK(client.handler(id).get()->unhandled_count == 0);  // the protocol's answer says nothing of it
}

TEST_CASE("preferences are read as RFC 7240 has them") {
  using weir::http::find_preference;
  using weir::http::prefers_strict_handling;
  CHECK(prefers_strict_handling("handling=strict"));
  CHECK(prefers_strict_handling("respond-async, wait=10 , Handling = \"strict\" ; foo=1"));
  CHECK(prefers_strict_handling("a=\"x, handling=lenient\", handling=strict"));
  CHECK_FALSE(prefers_strict_handling(""));
  CHECK_FALSE(prefers_strict_handling("handling=lenient, handling=strict"));  // the first counts
  CHECK_FALSE(prefers_strict_handling("handling"));
  CHECK_FALSE(prefers_strict_handling("wait=5; handling=strict"));
  CHECK_FALSE(prefers_strict_handling("x=\"handling=strict"));
  CHECK(find_preference("a=\"b\\\"c\"", "a") == "b\"c");
  CHECK(find_preference(",,;=, a", "a") == "");
  CHECK_FALSE(find_preference("a=\"\\", "b"));
}

TEST_CASE("several Prefer lines are one list") {
  Server server;
  const auto id = server.start("a");
  CHECK(status(server.send(id, "Ask", 1, "Prefer: respond-async\r\nPrefer: handling=strict\r\n")) == 409);
}
