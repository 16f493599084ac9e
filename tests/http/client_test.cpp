// weir::Client against a server in the same process, over real sockets.
#include <doctest/doctest.h>

#include "http/client/sse_reader.hpp"
#include "scripted.hpp"
#include "talk.hpp"
#include "tests/store/temporary.hpp"
#include "tests/until.hpp"

#include <weir/client.hpp>
#include <weir/weir.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <thread>

namespace {

struct Order {
  using kind = weir::StartEvent;
  std::string item;
  int count = 1;
};
struct Packed {
  std::string item;
};
struct Confirm {
  using kind = weir::InputRequiredEvent;
  std::string question;
};
struct Confirmed {
  using kind = weir::HumanResponseEvent;
  bool yes;
};
struct Shipped {
  using kind = weir::StopEvent;
  std::string item;
  bool confirmed;
};

struct Shop : weir::Workflow {
  Shop() {
    step<&Shop::pack>();
    step<&Shop::ship>();
    description("Packs and ships.");
  }
  Confirm pack(weir::Context& ctx, const Order& order) {
    if (order.item == "nothing") throw std::runtime_error("there is nothing to pack");
    for (int i = 0; i < order.count; ++i) ctx.write_event_to_stream(Packed{order.item + std::to_string(i)});
    ctx.store().set("item", order.item);
    return {"Ship " + order.item + "?"};
  }
  Shipped ship(weir::Context& ctx, const Confirmed& answer) { return {ctx.store().get<std::string>("item"), answer.yes}; }
};

struct Echo : weir::Workflow {
  Echo() { step<&Echo::echo>(); }
  weir::StopEvent echo(const weir::StartEvent& start) { return weir::StopEvent(weir::Value(start.fields())); }
};

struct Served {
  weir::WorkflowServer server;
  explicit Served(weir::ServerOptions options = {.port = 0}) : server(std::move(options)) {
    server.add_workflow("shop", std::make_shared<Shop>(), {.additional_events = weir::events<Packed>()});
    server.add_workflow<Echo>("echo");
    server.start();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server.port()); }
  weir::Client client(weir::ClientOptions options = {}) const {
    options.url = url();
    return weir::Client(options);
  }
};

template <class T>
T value_of(weir::Expected<T> answer) {
  REQUIRE_MESSAGE(answer.ok(), answer.error().message);
  return std::move(*answer);
}

}  // namespace

TEST_CASE("client: health, workflows, schemas, event schemas and the graph are read") {
  const Served served;
  const auto client = served.client();
  CHECK(value_of(client.healthy().get()));
  CHECK(value_of(client.workflows().get()) == std::vector<std::string>{"shop", "echo"});
  const auto schema = value_of(client.schema("shop").get());
  CHECK(schema.start.find("title")->as_string() == "Order");
  CHECK(schema.stop.find("title")->as_string() == "Shipped");
  CHECK(value_of(client.event_schemas("shop").get()).size() == 5);
  CHECK(value_of(client.graph("shop").get()).find("description")->as_string() == "Packs and ships.");
}

TEST_CASE("client: a run with typed events, from its start over an answer to its result") {
  const Served served;
  const auto client = served.client();
  const auto started = value_of(client.start("shop", Order{"tea", 2}, {.handler_id = "h 1 ä"}).get());
  CHECK(started.handler_id == "h 1 ä");
  CHECK(started.status == weir::HandlerStatus::running);
  auto stream = client.events(value_of(client.start("shop", Order{"tea", 2}).get()).handler_id);
  CHECK(stream.next()->as<Packed>()->item == "tea0");
  const auto second = stream.next();
  CHECK(second->is<Packed>());
  CHECK_FALSE(second->as<Confirm>().ok());
  CHECK(second->as<Confirm>().error().message == "the event is a Packed, no Confirm");
  const auto question = stream.next();
  CHECK(question->is("InputRequiredEvent"));
  CHECK(question->as<Confirm>()->question == "Ship tea?");
  const auto id = value_of(client.handlers({.statuses = {weir::HandlerStatus::running}}).get()).back().handler_id;
  CHECK(value_of(client.send_event(id, Confirmed{true}).get()));
  const auto last = stream.next();
  CHECK(last->terminal());
  CHECK(last->as<Shipped>()->confirmed);
  CHECK_FALSE(stream.next());
  CHECK_FALSE(stream.error());
  CHECK(stream.last_sequence() == last->sequence);
  const auto handler = value_of(client.handler(id).get());
  CHECK(handler.status == weir::HandlerStatus::completed);
  CHECK(handler.result_as<Shipped>()->item == "tea");
  CHECK_FALSE(handler.completed_at.empty());
}

TEST_CASE("client: events whose types are not known are sent and read by name") {
  const Served served;
  const auto client = served.client();
  const auto echoed = value_of(client.run("echo", weir::Object{{"n", 1}, {"text", "ä\"\n"}}).get());
  CHECK(echoed.result->type == "StopEvent");
  CHECK(echoed.result_as<weir::Value>()->find("text")->as_string() == "ä\"\n");
  CHECK(value_of(client.run("echo", weir::StartEvent(weir::Object{{"n", 2}})).get()).result_as<weir::Value>()->find("n")->as_integer() ==
        2);
  CHECK(value_of(client.run("echo").get()).result_as<weir::Value>()->as_object().empty());
  const auto id = value_of(client.start("shop", weir::Object{{"item", "oil"}}).get()).handler_id;
  CHECK(value_of(client.send_event(id, "Confirmed", weir::Object{{"yes", false}}, "ship").get()));
  for (const auto& event : client.events(id))
    if (event.terminal()) CHECK(event.value.find("item")->as_string() == "oil");
}

TEST_CASE("client: what the server refuses comes back as a code and the server's own words") {
  const Served served;
  const auto client = served.client();
  const auto refused = [](const auto& answer, weir::Code code, std::string_view words) {
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().code == code);
    CHECK_MESSAGE(answer.error().message.starts_with(words), answer.error().message);
  };
  refused(client.run("nobody").get(), weir::Code::not_found,
          "Workflow not found (POST " + served.url() + "/workflows/nobody/run answered 404)");
  refused(client.run("shop", weir::Object{{"count", 1}}).get(), weir::Code::invalid_argument, "Validation error for 'start_event'");
  refused(client.handler("nobody").get(), weir::Code::not_found, "Handler not found");
  refused(client.send_event("nobody", Confirmed{true}).get(), weir::Code::not_found, "Handler not found");
  const auto id = value_of(client.start("shop", Order{"tea"}).get()).handler_id;
  refused(client.start("shop", Order{"tea"}, {.handler_id = id}).get(), weir::Code::conflict, "Handler '" + id + "' is already running");
  refused(client.handler(id).get()->result_as<Shipped>(), weir::Code::failed_precondition,
          "handler '" + id + "' has no result: it is running");
  auto stream = client.events("nobody");
  CHECK_FALSE(stream.next());
  CHECK(stream.error()->code == weir::Code::not_found);
  const auto failed = value_of(client.run("shop", Order{"nothing"}).get());
  CHECK(failed.status == weir::HandlerStatus::failed);
  CHECK(failed.error == "there is nothing to pack");
}

TEST_CASE("client: an API key opens a server that wants one") {
  const Served served({.port = 0, .api_keys = {"secret"}});
  const auto refused = served.client().workflows().get();
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == weir::Code::unauthenticated);
  auto stream = served.client().events("h");
  CHECK_FALSE(stream.next());
  CHECK(stream.error()->code == weir::Code::unauthenticated);
  CHECK(served.client({.api_key = "secret"}).workflows().get().ok());
  CHECK(served.client({.headers = {{"X-API-Key", "secret"}}}).workflows().get().ok());
}

TEST_CASE("client: cancel and purge end runs and remove handlers, filters find them") {
  const Served served;
  const auto client = served.client();
  const auto id = value_of(client.start("shop", Order{"tea"}).get()).handler_id;
  CHECK(value_of(client.cancel(id).get()) == "cancelled");
  CHECK(value_of(client.handler(id).get()).status == weir::HandlerStatus::cancelled);
  CHECK(value_of(client.handlers({.statuses = {weir::HandlerStatus::cancelled}, .workflow_names = {"shop"}}).get()).size() == 1);
  CHECK(value_of(client.handlers({.workflow_names = {"echo"}}).get()).empty());
  CHECK(value_of(client.cancel(id, true).get()) == "deleted");
  CHECK(value_of(client.handlers().get()).empty());
  CHECK_FALSE(client.cancel(id).get().ok());
}

TEST_CASE("client: an idempotency key makes starting twice start once") {
  const Served served;
  const auto client = served.client();
  const auto start = [&] { return value_of(client.start("shop", Order{"tea"}, {.idempotency_key = "k1"}).get()).handler_id; };
  CHECK(start() == start());
}

TEST_CASE("client: a call ends when its time is over, or when its caller gives up") {
  const Served served;
  const auto client = served.client();
  const auto late = client.run("shop", Order{"tea"}, {.timeout = std::chrono::milliseconds(50)}).get();
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().code == weir::Code::deadline_exceeded);
  std::stop_source stop;
  auto running = std::async(std::launch::async, [&] { return client.run("shop", Order{"tea"}, {.stop = stop.get_token()}).get(); });
  until("the run has begun", [&] { return value_of(client.handlers().get()).size() >= 2; });
  stop.request_stop();
  CHECK(running.get().error().code == weir::Code::cancelled);
  auto stream = client.events(value_of(client.handlers().get()).back().handler_id, {.stop = stop.get_token()});
  while (stream.next()) {}
  CHECK(stream.error()->code == weir::Code::cancelled);
}

TEST_CASE("client: a server that is not there is named, and a URL that is none refused") {
  std::string url;
  {
    const Served gone;
    url = gone.url();
  }
  const weir::Client client({.url = url + "/"});
  const auto answer = client.workflows().get();
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code == weir::Code::unavailable);
  CHECK(answer.error().message.find("GET " + url + "/workflows: ") == 0);
  auto stream = client.events("h");
  CHECK_FALSE(stream.next());
  CHECK(stream.error()->code == weir::Code::unavailable);
  CHECK_THROWS_WITH_AS(weir::Client({.url = "localhost:80"}), "the server's URL must look like http://host:port, got 'localhost:80'",
                       std::invalid_argument);
}

TEST_CASE("client: coroutines await calls and events, and steps do so without holding a thread") {
  const Served served;
  const auto client = served.client();
  const auto order_tea = [](weir::Client to) -> weir::Task<std::string> {
    auto starting = to.start("shop", Order{"tea"});
    const auto started = co_await starting;
    auto stream = to.events(started->handler_id);
    std::string seen;
    while (true) {
      auto next = stream.async_next();
      const auto event = co_await next;
      if (!event) break;
      seen += event->type + " ";
      if (event->is("InputRequiredEvent")) {
        auto sending = to.send_event(started->handler_id, Confirmed{true});
        co_await sending;
      }
    }
    co_return seen;
  };
  CHECK(weir::sync_wait(order_tea(client)) == "Packed Confirm Shipped ");

  struct Calling : weir::Workflow {
    explicit Calling(weir::Client to) : client(std::move(to)) { step<&Calling::call>(); }
    weir::Task<weir::StopEvent> call(const weir::StartEvent& start) {
      auto running = client.run("echo", start);
      const auto answer = co_await running;
      co_return weir::StopEvent(*answer->result_as<weir::Value>());
    }
    weir::Client client;
  };
  weir::WorkflowServer other{{.port = 0}};
  other.add_workflow("calling", std::make_shared<Calling>(client), {});
  other.start();
  const weir::Client caller({.url = "http://127.0.0.1:" + std::to_string(other.port())});
  CHECK(value_of(caller.run("calling", weir::Object{{"n", 7}}).get()).result_as<weir::Value>()->find("n")->as_integer() == 7);
}

TEST_CASE("client: every operation can be awaited") {
  const Served served;
  const auto all = [](weir::Client client) -> weir::Task<std::string> {
    auto healthy = client.healthy();
    CHECK(value_of(co_await healthy));
    auto workflows = client.workflows();
    CHECK(value_of(co_await workflows).size() == 2);
    auto schema = client.schema("shop");
    CHECK(value_of(co_await schema).start.find("title")->as_string() == "Order");
    auto schemas = client.event_schemas("shop");
    CHECK(value_of(co_await schemas).size() == 5);
    auto graph = client.graph("shop");
    CHECK(value_of(co_await graph).find("name")->as_string() == "Shop");
    auto running = client.run("echo", weir::Object{{"n", 3}});
    CHECK(value_of(co_await running).status == weir::HandlerStatus::completed);
    auto starting = client.start("shop", Order{"tea"});
    const auto id = value_of(co_await starting).handler_id;
    auto stream = client.events(id);
    auto first = stream.async_next();
    const auto packed = co_await first;
    CHECK(packed->is<Packed>());
    auto second = stream.async_next();
    co_await second;
    auto sending = client.send_event(id, "Confirmed", weir::Object{{"yes", true}});
    CHECK(value_of(co_await sending));
    auto third = stream.async_next();
    const auto last = co_await third;
    CHECK(last->terminal());
    auto looking = client.handler(id);
    CHECK(value_of(co_await looking).status == weir::HandlerStatus::completed);
    auto listing = client.handlers({.workflow_names = {"shop"}});
    CHECK(value_of(co_await listing).size() == 1);
    auto purging = client.cancel(id, true);
    co_return value_of(co_await purging);
  };
  CHECK(weir::sync_wait(all(served.client())) == "deleted");
}

TEST_CASE("client: a reader that is slow holds the stream back and misses nothing") {
  const Served served;
  const auto client = served.client();
  const auto id = value_of(client.start("shop", Order{"tea", 20000}).get()).handler_id;
  auto stream = client.events(id);
  int packed = 0;
  while (packed < 20000) {
    const auto event = stream.next();
    REQUIRE(event);
    CHECK(event->as<Packed>()->item == "tea" + std::to_string(packed++));
  }
  auto from_the_middle = client.events(id, {.after = 9999});
  CHECK(from_the_middle.next()->sequence > 9999);
  from_the_middle.close();
  CHECK_FALSE(from_the_middle.next());
}

TEST_CASE("client: a stream goes on where it was when the server comes back on the same port") {
  const TemporaryFolder folder;
  auto served = std::make_unique<Served>(weir::ServerOptions{.store = weir::sqlite(folder.file("runs.db")), .port = 0});
  const auto port = served->server.port();
  const auto client = served->client();
  const auto id = value_of(client.start("shop", Order{"tea", 3}).get()).handler_id;
  auto stream = client.events(id);
  for (int i = 0; i < 4; ++i) REQUIRE(stream.next());
  served.reset();
  auto next = std::async(std::launch::async, [&] { return stream.next(); });
  served = std::make_unique<Served>(weir::ServerOptions{.store = weir::sqlite(folder.file("runs.db")), .port = port});
  CHECK(value_of(client.send_event(id, Confirmed{true}).get()));
  const auto last = next.get();
  REQUIRE_MESSAGE(last, stream.error()->message);
  CHECK(last->as<Shipped>()->item == "tea");
  CHECK(stream.reconnects() >= 1);
  CHECK_FALSE(stream.next());
}

TEST_CASE("client: a stream on an idle run, on which nothing has come yet, goes on when the server comes back") {
  const TemporaryFolder folder;
  auto served = std::make_unique<Served>(weir::ServerOptions{.store = weir::sqlite(folder.file("runs.db")), .port = 0});
  const auto port = served->server.port();
  const auto client = served->client();
  const auto id = value_of(client.start("shop", Order{"tea", 1}).get()).handler_id;
  std::int64_t last = -1;
  {
    auto before = client.events(id);
    for (int i = 0; i < 2; ++i) last = before.next().value().sequence;
  }
  // The server says that it is there, although its heartbeats are 25 s apart, and how often they come.
  const int raw = talk::send(port, talk::get_text("/events/" + id + "?after_sequence=" + std::to_string(last)));
  const auto seen = talk::receive(raw, ": heartbeat\n\n");
  CHECK(seen.find("weir-heartbeat-ms: 25000\r\n") != std::string::npos);
  CHECK(seen.find(": heartbeat\n\n") != std::string::npos);
  ::close(raw);
  auto stream = client.events(id, {.after = last});
  const int connections = stream.reconnects();
  until("the server is followed", [&] { return stream.reconnects() >= connections && !stream.ready_within(std::chrono::milliseconds(300)); });
  served.reset();
  served = std::make_unique<Served>(weir::ServerOptions{.store = weir::sqlite(folder.file("runs.db")), .port = port});
  CHECK(value_of(client.send_event(id, Confirmed{true}).get()));
  const auto next = stream.next();
  REQUIRE_MESSAGE(next, stream.error()->message);
  CHECK(next->is<Shipped>());
}

namespace {

/// What the reader makes of a stream that comes in two pieces, cut there; and its last id.
std::string frames_of(std::string_view text, std::size_t cut) {
  weir::client::SseReader reader;
  std::string seen;
  const auto show = [&](std::string_view id, std::string_view data) { seen += std::string(id) + "=" + std::string(data) + ";"; };
  reader.feed(text.substr(0, cut), show);
  reader.feed(text.substr(cut), show);
  return seen + "last " + (reader.has_id() ? reader.last_id() : "none");
}

}  // namespace

TEST_CASE("frames of server-sent events are read as the HTML standard says, however they are cut") {
  using namespace std::string_literals;
  const auto line_ends = [](std::string text, const std::string& end) {
    for (auto at = text.find('\n'); at != text.npos; at = text.find('\n', at + end.size())) text.replace(at, 1, end);
    return text;
  };
  const std::pair<std::string, std::string> cases[] = {
      {": comment\n\nid: 1\ndata: {\"a\":1}\n\nid:2\ndata: x\ndata: y\n\nevent: z\n\n", "1={\"a\":1};2=x\ny;last 2"},
      {"data\n\ndata:\ndata\n\n", "=;=\n;last none"},                        // without a colon, and empty lines joined
      {"id: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", "7=a;7=b;=c;last "},  // an id holds until an empty one takes it back
      {"id: 7\n\nid: 8\ndata: unfinished\n", "last 7"},                      // an id without data counts, what is not ended does not
      {"id: 1\n\nid: 2\0x\ndata: a\n\n"s, "1=a;last 1"},                     // an id with NUL is none
      {"\xEF\xBB\xBF"
       "data: a\n\n\xEF\xBB\xBF"
       "data: b\n\ndata: c\n\n",
       "=a;=c;last none"},  // a mark at the beginning only
      {"\xEF\xBB"
       "data: a\n\ndata:  b\n\n",
       "= b;last none"},  // half a mark is part of a name; one blank is dropped
      {"retry: 10\nunknown: 1\n:\ndata:a:b\n\n", "=a:b;last none"},
      {"", "last none"},
      {"\xEF\xBB\xBF", "last none"},
  };
  for (const auto& [text, expected] : cases)
    for (const std::string end : {"\n", "\r", "\r\n"}) {
      const auto stream = line_ends(text, end);
      CAPTURE(stream);
      for (std::size_t cut = 0; cut <= stream.size(); ++cut) CHECK(frames_of(stream, cut) == expected);
      weir::client::SseReader by_bytes;
      std::string seen;
      for (const char& byte : stream)
        by_bytes.feed(std::string_view(&byte, 1),
                      [&](std::string_view id, std::string_view data) { seen += std::string(id) + "=" + std::string(data) + ";"; });
      CHECK(expected.starts_with(seen + "last"));
    }
}

TEST_CASE("client: a stream that breaks again and again before its first event keeps the cursor it came with") {
  const Scripted server([](int number) { return number < 4 ? stream_of(number % 2 ? ": heartbeat\n\n" : "") : stream_of(stop_frame(42)); });
  const weir::Client client({.url = server.url()});
  auto stream = client.events("h", {.after = 41});
  const auto last = stream.next();
  REQUIRE_MESSAGE(last, stream.error()->message);
  CHECK(last->sequence == 42);
  CHECK(server.cursors() == std::vector<std::string>(5, "41"));
}

TEST_CASE("client: a stream of what is new goes on where it stood, and asks for what is new when no server has said where that is") {
  for (const bool says : {true, false}) {
    CAPTURE(says);
    const auto position = says ? "Weir-After-Sequence: -1\r\n" : "";
    const Scripted server([&](int number) { return stream_of(number < 3 ? ": following\n\n" : stop_frame(3), position); });
    const weir::Client client({.url = server.url()});
    auto stream = client.events("h", {.only_new = true});
    CHECK(stream.next());
    const std::string then = says ? "-1" : "now";
    CHECK(server.cursors() == std::vector<std::string>{"now", then, then, then});
  }
}

TEST_CASE("client: an empty id takes the cursor back, one that is no sequence leaves it, a frame without one has none") {
  const Scripted server([](int number) {
    if (number == 0) return stream_of(plain_frame("id: 9\n"));
    if (number == 1) return stream_of(plain_frame("") + plain_frame("id: x\n") + plain_frame("id: -5\n"));
    if (number == 2) return stream_of(plain_frame("id: 10\n") + plain_frame("id\n"));
    return stream_of(stop_frame(11));
  });
  const weir::Client client({.url = server.url()});
  auto stream = client.events("h", {.after = 4});
  std::vector<std::int64_t> seen;
  while (const auto event = stream.next()) seen.push_back(event->sequence);
  CHECK(seen == std::vector<std::int64_t>{9, -1, -1, -1, 10, -1, 11});
  CHECK(server.cursors() == std::vector<std::string>{"4", "9", "9", "4"});
  CHECK(stream.last_sequence() == 11);
}

TEST_CASE("client: a cursor of a handler's earlier run skips nothing of its next one, over HTTP too") {
  const TemporaryFolder folder;
  for (const bool durable : {false, true}) {
    CAPTURE(durable);
    Served served({.store = durable ? weir::sqlite(folder.file("runs.db")) : nullptr, .port = 0});
    const auto client = served.client();
    const auto play = [&] {
      value_of(client.start("shop", Order{"tea", 3}, {.handler_id = "h"}).get());
      auto stream = client.events("h");
      std::vector<std::int64_t> sequences;
      while (const auto event = stream.next()) {
        sequences.push_back(event->sequence);
        if (event->is<Confirm>()) CHECK(value_of(client.send_event("h", Confirmed{true}).get()));
      }
      CHECK(sequences.size() == 5);
      return sequences;
    };
    const auto first = play(), second = play();
    CHECK(first.front() < 3);
    CHECK(second.front() - first.front() == first.back() + 1);
    const auto port = served.server.port();
    const auto missed = talk::request(port, "GET /events/h HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nLast-Event-ID: " +
                                                std::to_string(first.back()) + "\r\n\r\n");
    for (const auto sequence : second) CHECK(missed.find("id: " + std::to_string(sequence) + "\n") != std::string::npos);
    const auto on_a_tab = talk::json_body(talk::get(port, "/events/h?stream=false&before_sequence=" + std::to_string(second.back())));
    CHECK(on_a_tab.find("events")->as_array().size() == 4);
    CHECK_FALSE(on_a_tab.find("more")->as_bool());
    CHECK(talk::json_body(talk::get(port, "/handlers/h/export")).find("events")->as_array().size() > 5);
    CHECK(talk::status(talk::request(port, "GET /events/h HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nLast-Event-ID: " +
                                               std::to_string(second.back()) + "\r\n\r\n")) == 204);
  }
}

namespace {

/// Listens and never answers; tells whether anybody came.
class Listener {
public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(socket_, 4) == 0);
    REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~Listener() { ::close(socket_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  bool was_called() const {
    const int caller = ::accept(socket_, nullptr, nullptr);
    if (caller >= 0) ::close(caller);
    return caller >= 0;
  }
  const std::string& url() const { return url_; }

private:
  int socket_;
  std::string url_;
};

struct Variable {
  Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ~Variable() { ::unsetenv(name_); }
  const char* name_;
};

}  // namespace

TEST_CASE("client: what stays on this machine goes past every proxy, the rest does not") {
  const Served served;
  const Listener proxy;
  const Variable http("http_proxy", proxy.url()), all("ALL_PROXY", proxy.url()), none("no_proxy", "example.org");
  const auto port = ":" + std::to_string(served.server.port());
  for (const std::string host : {"127.0.0.1", "localhost", "LOCALHOST"}) {
    CAPTURE(host);
    const weir::Client client({.url = "http://" + host + port, .api_key = "secret"});
    const auto healthy = client.healthy({.timeout = std::chrono::seconds(20)}).get();
    CHECK_MESSAGE(healthy.ok(), (healthy ? "" : healthy.error().message));
    CHECK_FALSE(proxy.was_called());
  }
  for (const std::string nobody : {"127.9.8.7", "[::1]", "localhost."}) {
    CAPTURE(nobody);
    const weir::Client client({.url = "http://" + nobody + ":1", .api_key = "secret"});
    CHECK_FALSE(client.healthy({.timeout = std::chrono::seconds(20)}).get().ok());
    CHECK_FALSE(proxy.was_called());
  }
  const weir::Client elsewhere({.url = "http://weir.invalid"});
  CHECK_FALSE(elsewhere.healthy({.timeout = std::chrono::seconds(2)}).get().ok());
  CHECK(proxy.was_called());
}

TEST_CASE("client: line breaks in URLs, keys, headers and idempotency keys are refused with what is wrong") {
  const auto made_with = [](const weir::ClientOptions& options) { return weir::Client(options); };
  CHECK_THROWS_WITH(made_with({.api_key = "k\r\nX-Evil: 1"}), doctest::Contains("header 'Authorization'"));
  CHECK_THROWS_WITH(made_with({.headers = {{"X-A\n", "1"}}}), doctest::Contains("'X-A\\n' is no name of a header"));
  CHECK_THROWS_WITH(made_with({.headers = {{"X-A", "1\n2"}}}), doctest::Contains("header 'X-A'"));
  CHECK_THROWS_WITH(made_with({.url = "http://127.0.0.1/\r\nX: 1"}), doctest::Contains("\\r\\nX: 1"));
  CHECK_THROWS_WITH(made_with({.url = "ftp://me:hidden@h\n"}), doctest::Contains("me:***@h\\n"));
  const Served served;
  const auto refused = served.client().start("echo", weir::Object(), {.idempotency_key = "a\nb"}).get();
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == weir::Code::invalid_argument);
  CHECK(refused.error().message.find("Idempotency-Key") != std::string::npos);
  CHECK(value_of(served.client().handlers().get()).empty());
}

TEST_CASE("client: a URL's password is in no message, and what a server says stays on one line") {
  const weir::Client nobody({.url = "http://me:hidden@127.0.0.1:1"});
  const auto unreachable = nobody.healthy().get();
  REQUIRE_FALSE(unreachable.ok());
  CHECK(unreachable.error().message.find("hidden") == std::string::npos);
  CHECK(unreachable.error().message.find("http://me:***@127.0.0.1:1/health") != std::string::npos);
  const Served served;
  const auto port = std::to_string(served.server.port());
  const weir::Client client({.url = "http://me:hidden@127.0.0.1:" + port});
  const auto unknown = client.start("no\x1b[31m\nsuch", weir::Object()).get();
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().message.find("hidden") == std::string::npos);
  const auto bad_id = client.start("echo", weir::Object(), {.handler_id = "a\x1b\nb"}).get();
  REQUIRE_FALSE(bad_id.ok());
  CHECK(bad_id.error().message.find_first_of("\x1b\n") == std::string::npos);
}

TEST_CASE("client: a workflow whose name looks like a path is found by every operation") {
  const std::vector<std::string> names{"a/b", "../events", "100%", "a%2Fb", "tea, green?#"};
  weir::WorkflowServer server({.port = 0});
  for (const auto& name : names) server.add_workflow<Echo>(name);
  server.start();
  const weir::Client client({.url = "http://127.0.0.1:" + std::to_string(server.port())});
  for (const auto& name : names) {
    CAPTURE(name);
    CHECK(value_of(client.schema(name).get()).start.is_object());
    CHECK_FALSE(value_of(client.event_schemas(name).get()).empty());
    CHECK(value_of(client.graph(name).get()).is_object());
    CHECK(value_of(client.run(name, weir::Object{{"n", 1}}).get()).workflow_name == name);
    CHECK(value_of(client.start(name, weir::Object{{"n", 1}}).get()).workflow_name == name);
    CHECK(value_of(client.handlers({.workflow_names = {name}}).get()).size() == 2);
  }
}

TEST_CASE("client: ids that look like paths are started, found, followed, answered and removed") {
  const Served served;
  const auto client = served.client();
  for (const std::string id : {"a/b", "../handlers", "./x", "100%", "a%2Fb", "what?#", "..."}) {
    CAPTURE(id);
    CHECK(value_of(client.start("shop", Order{"tea"}, {.handler_id = id}).get()).handler_id == id);
    CHECK(value_of(client.handler(id).get()).handler_id == id);
    auto stream = client.events(id);
    while (const auto event = stream.next())
      if (event->is<Confirm>()) CHECK(value_of(client.send_event(id, Confirmed{true}).get()));
    CHECK_FALSE(stream.error());
    CHECK(value_of(client.handler(id).get()).status == weir::HandlerStatus::completed);
    CHECK(value_of(client.cancel(id, true).get()) == "deleted");
  }
  for (const std::string id : {".", ".."})
    CHECK(client.start("shop", Order{"tea"}, {.handler_id = id}).get().error().code == weir::Code::invalid_argument);
}
