// Streams of weir::Client that break: in every way, at every byte.
#include <doctest/doctest.h>

#include "http/client/stream_machine.hpp"
#include "scripted.hpp"

#include <weir/client.hpp>
#include <weir/weir.hpp>

#include <atomic>
#include <future>

using namespace std::chrono_literals;
using weir::Code;
using weir::client::StreamMachine;

namespace {

using Phase = StreamMachine::Phase;
using Instant = StreamMachine::Clock::time_point;

struct Machine {
  StreamMachine machine;
  Instant now = Instant() + 1h;
  explicit Machine(StreamMachine::Limits limits = {.answer_within = 30s, .idle_limit = {}, .reconnect_for = 30s}) : machine(limits) {}
  void live() {
    machine.connect(now);
    machine.head(now, std::nullopt);
  }
  std::optional<weir::Duration> broken(std::optional<weir::Duration> retry_after = {}, double dice = 0) {
    return machine.broken(now, retry_after, dice);
  }
};

/// What a whole stream shows, and how it ends.
struct Shown {
  std::vector<std::int64_t> sequences;
  std::optional<weir::Error> error;
  int reconnects = 0;
};
Shown shown(const std::string& url, weir::ClientOptions options = {}, weir::StreamOptions stream_options = {}) {
  options.url = url;
  const weir::Client client(options);
  auto stream = client.events("h", stream_options);
  Shown out;
  while (const auto event = stream.next()) out.sequences.push_back(event->sequence);
  out.error = stream.error();
  out.reconnects = stream.reconnects();
  return out;
}

std::string refusal(const std::string& status, const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 " + status + "\r\nContent-Type: text/plain\r\nConnection: close\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
std::string ordered(int sequence) { return plain_frame("id: " + std::to_string(sequence) + "\n"); }
std::string data_frame(const std::string& data) { return "id: 8\ndata: " + data + "\n\n"; }

}  // namespace

TEST_CASE("the states of a stream: connecting, live, broken, over") {
  Machine m;
  CHECK(m.machine.phase() == Phase::broken);
  m.machine.connect(m.now);
  CHECK(m.machine.phase() == Phase::connecting);
  SUBCASE("a first connection that fails says at once what is wrong") {
    CHECK_FALSE(m.broken());
    CHECK(m.machine.phase() == Phase::over);
  }
  SUBCASE("pauses double up to the longest, and the last try is made when the time is over, not before") {
    m.machine.head(m.now, std::nullopt);
    const auto begun = m.now;
    std::vector<weir::Duration> pauses;
    while (const auto pause = m.broken()) {
      CHECK(m.machine.phase() == Phase::broken);
      pauses.push_back(*pause);
      m.now += *pause;
      m.machine.connect(m.now);
      CHECK(m.machine.phase() == Phase::connecting);
    }
    CHECK(m.machine.phase() == Phase::over);
    CHECK(m.now - begun == 30s);
    const std::vector<weir::Duration> first{50ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 2s, 2s};
    CHECK(std::equal(first.begin(), first.end(), pauses.begin()));
  }
  SUBCASE("the dice cut a pause by up to a half, the server's wish lengthens it, the outage's end bounds it") {
    m.machine.head(m.now, std::nullopt);
    CHECK(*m.broken({}, 1) == 25ms);
    CHECK(*m.broken(7s) == 7s);
    CHECK(*m.broken(90s) == 30s);
  }
  SUBCASE("an event ends an outage, bytes do not, a comment does on a connection that has held") {
    m.live();
    CHECK(*m.broken() == 50ms);
    m.live();
    m.machine.bytes(m.now);
    m.machine.comment(m.now);
    CHECK(*m.broken() == 100ms);
    m.live();
    m.machine.event(m.now);
    CHECK(*m.broken() == 50ms);
    m.live();
    m.now += 2s;
    m.machine.comment(m.now);
    CHECK(*m.broken() == 50ms);
  }
  SUBCASE("a connection that comes and goes ends in time") {
    const auto begun = m.now;
    m.live();
    while (const auto pause = m.broken()) {
      m.now += *pause;
      m.live();
      m.machine.comment(m.now);
    }
    CHECK(m.now - begun == 30s);
  }
  SUBCASE("silence: the head in time, then 2.5 of the server's heartbeats, or what the program says, or without end") {
    CHECK(*m.machine.silent_at() == m.now + 30s);
    m.machine.head(m.now, 10s);
    CHECK(*m.machine.silent_at() == m.now + 25s);
    m.now += 20s;
    m.machine.bytes(m.now);
    CHECK(*m.machine.silent_at() == m.now + 25s);
    m.machine.head(m.now, std::nullopt);
    CHECK_FALSE(m.machine.silent_at());
    Machine told({.answer_within = 30s, .idle_limit = 3s, .reconnect_for = 30s});
    told.machine.connect(told.now);
    told.machine.head(told.now, 10s);
    CHECK(*told.machine.silent_at() == told.now + 3s);
    told.machine.over();
    CHECK_FALSE(told.machine.silent_at());
  }
}

TEST_CASE("client: a conversation that is cut at any byte shows every event once, in order") {
  const std::string first = stream_of(": heartbeat\n\n" + ordered(0) + ordered(1)), rest = ordered(2) + stop_frame(3);
  const auto said = first + rest;
  const auto head_end = said.find("\r\n\r\n") + 4;
  for (std::size_t cut = head_end; cut < said.size(); ++cut) {
    const Scripted server([&](int number) {
      if (number == 0) return said.substr(0, cut);
      // What the server has said completely is not said again: the client asks for what is behind it.
      const auto whole = said.rfind("\n\n", cut - 2);
      return stream_of(whole == said.npos || whole < head_end ? said.substr(head_end) : said.substr(whole + 2));
    });
    const auto seen = shown(server.url());
    CAPTURE(cut);
    REQUIRE_MESSAGE(!seen.error, seen.error->message);
    REQUIRE(seen.sequences == std::vector<std::int64_t>{0, 1, 2, 3});
  }
}

TEST_CASE("client: a head that is cut anywhere is a failed connection: named at first, tried again in the middle") {
  const auto head = stream_of("");
  for (std::size_t cut = 0; cut + 1 < head.size(); cut += 3) {
    CAPTURE(cut);
    const Scripted at_first([&](int) { return head.substr(0, cut); });
    const auto refused = shown(at_first.url());
    CHECK(refused.error);
    CHECK(refused.reconnects == 0);
    const Scripted later([&](int number) {
      return number == 0 ? stream_of(ordered(0)) : number == 1 ? head.substr(0, cut) : stream_of(stop_frame(1));
    });
    const auto seen = shown(later.url());
    CHECK(seen.sequences == std::vector<std::int64_t>{0, 1});
    CHECK(seen.reconnects == 2);
  }
}

TEST_CASE("client: what only looks like a stream is given up in time, with growing pauses") {
  struct Case {
    const char* name;
    std::string said;
    bool at_first;  ///< the first connection is enough to know
  };
  const auto page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html>Sign in</html>";
  for (const auto& [name, said, at_first] :
       {Case{"a page", page, true}, Case{"a comment and the end", stream_of(": hello\n\n"), false},
        Case{"lines that end with CR", stream_of(": a\r\r: b\r\r"), false}, Case{"nothing", stream_of(""), false}}) {
    CAPTURE(name);
    std::atomic<int> connections = 0;
    const Scripted server([&, said = said](int) {
      ++connections;
      return said;
    });
    const auto seen = shown(server.url(), {.reconnect_for = 1s});
    REQUIRE(seen.error);
    CHECK(seen.error->code == Code::unavailable);
    CHECK(connections <= (at_first ? 1 : 12));
    if (at_first) CHECK(seen.error->message.find("that is no stream of events") != std::string::npos);
  }
  std::atomic<int> connections = 0;
  const Scripted later([&](int number) {
    ++connections;
    return number == 0 ? stream_of(ordered(0)) : page;
  });
  const auto seen = shown(later.url(), {.reconnect_for = 1s});
  REQUIRE(seen.error);
  CHECK(seen.sequences == std::vector<std::int64_t>{0});
  CHECK(connections <= 12);
}

TEST_CASE("client: a refusal that may pass is asked again, as the server says, one that may not ends the stream") {
  for (const std::string status : {"408 Request Timeout", "429 Too Many Requests", "500 Internal Server Error", "502 Bad Gateway",
                                   "503 Service Unavailable", "504 Gateway Timeout"}) {
    CAPTURE(status);
    const Scripted server([&](int number) {
      return number == 0 ? stream_of(ordered(0)) : number == 1 ? refusal(status, "later", "Retry-After: 1\r\n") : stream_of(stop_frame(1));
    });
    const auto begun = std::chrono::steady_clock::now();
    const auto seen = shown(server.url());
    CHECK(seen.sequences == std::vector<std::int64_t>{0, 1});
    CHECK(seen.reconnects == 2);
    CHECK(std::chrono::steady_clock::now() - begun >= 1s);  // waits for as long as it was told to
  }
  for (const std::string status : {"401 Unauthorized", "404 Not Found", "501 Not Implemented"}) {
    CAPTURE(status);
    const Scripted server([&](int number) { return number == 0 ? stream_of(ordered(0)) : refusal(status, "no"); });
    const auto seen = shown(server.url());
    REQUIRE(seen.error);
    CHECK(seen.reconnects == 1);
  }
  const Scripted patient([](int number) { return number == 0 ? stream_of("retry: 300\n\n" + ordered(0)) : stream_of(stop_frame(1)); });
  const auto begun = std::chrono::steady_clock::now();
  CHECK(shown(patient.url()).sequences == std::vector<std::int64_t>{0, 1});
  CHECK(std::chrono::steady_clock::now() - begun >= 300ms);
}

TEST_CASE("client: a server that goes silent is missed, and the stream goes on with another connection") {
  SUBCASE("behind an event, after 2.5 of its heartbeats") {
    const Scripted server([](int number) {
      return number == 0 ? Scripted::Said(stream_of(ordered(0), "Weir-Heartbeat-Ms: 100\r\n"), true) : stream_of(stop_frame(1));
    });
    CHECK(shown(server.url()).sequences == std::vector<std::int64_t>{0, 1});
  }
  SUBCASE("as the program says") {
    const Scripted server([](int number) { return number == 0 ? Scripted::Said(stream_of(ordered(0)), true) : stream_of(stop_frame(1)); });
    CHECK(shown(server.url(), {.idle_limit = 200ms}).sequences == std::vector<std::int64_t>{0, 1});
  }
  SUBCASE("before its head") {
    const Scripted server([](int) { return Scripted::Said("", true); });
    const auto seen = shown(server.url(), {.timeout = 200ms});
    REQUIRE(seen.error);
    CHECK(seen.error->message.find("silent") != std::string::npos);
  }
  SUBCASE("a reader that is slow is not the server's silence") {
    std::string many;
    for (int i = 0; i < 2000; ++i) many += ordered(i);
    const Scripted server([&](int number) {
      return number == 0 ? stream_of(many + stop_frame(2000), "Weir-Heartbeat-Ms: 400\r\n") : stream_of(stop_frame(-5));
    });
    const Scripted quiet([](int) { return Scripted::Said(stream_of(""), true); });
    const weir::Client client({.url = server.url()}), idle({.url = quiet.url()});
    auto stream = client.events("h"), nothing = idle.events("h");
    std::int64_t last = -1;
    while (const auto event = stream.next()) {
      CHECK(event->sequence == ++last);
      if (last == 100) CHECK_FALSE(nothing.ready_within(1500ms));  // longer than silence may be; meanwhile the queue is full
    }
    CHECK(last == 2000);
    CHECK(stream.reconnects() == 0);
  }
}

TEST_CASE("client: an event that cannot be read is an error of the stream, behind the events before it") {
  for (const auto& [data, why] : {std::pair{std::string("{nonsense"), "cannot be read"}, std::pair{std::string("[]"), "it has no value"},
                                  std::pair{std::string("{\"value\":{},\"type\":3}"), "it has no type"}}) {
    CAPTURE(data);
    const Scripted server([&](int) { return stream_of(ordered(7) + data_frame(data) + stop_frame(9)); });
    const auto seen = shown(server.url());
    CHECK(seen.sequences == std::vector<std::int64_t>{7});
    REQUIRE(seen.error);
    CHECK(seen.error->code == Code::data_loss);
    CHECK_MESSAGE(seen.error->message.find("behind sequence 7") != std::string::npos, seen.error->message);
    CHECK_MESSAGE(seen.error->message.find(why) != std::string::npos, seen.error->message);
  }
  // As decoders of the web do: bytes that are no UTF-8 are replaced, a mark at the beginning is skipped.
  const Scripted server([](int) {
    return stream_of("\xEF\xBB\xBF" +
                     data_frame("{\"value\":{\"text\":\"a\xFF\"},\"qualified_name\":\"E\",\"type\":\"E\",\"types\":null}") + stop_frame(9));
  });
  const weir::Client client({.url = server.url()});
  auto stream = client.events("h");
  const auto event = stream.next();
  REQUIRE(event);
  CHECK(event->sequence == 8);
  CHECK(event->value.find("text")->as_string() == "a\xEF\xBF\xBD");
}

TEST_CASE("client: what is longer than may be ends with an error that names the limit") {
  const std::string endless(3'000'000, 'x');
  SUBCASE("an answer") {
    const Scripted server(
        [&](int) { return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n\"" + endless; });
    const weir::Client client({.url = server.url(), .body_bytes_max = 1'000'000});
    const auto answer = client.workflows().get();
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().code == Code::resource_exhausted);
    CHECK(answer.error().message.find("body_bytes_max") != std::string::npos);
  }
  SUBCASE("a refusal, of which the beginning is enough") {
    const Scripted server([&](int) { return "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n" + endless; });
    const weir::Client client({.url = server.url()});
    const auto answer = client.workflows().get();
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().code == Code::not_found);
  }
  SUBCASE("a refusal that does not end") {
    const Scripted server(
        [&](int) { return Scripted::Said("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n\r\nhalf of it", true); });
    const weir::Client client({.url = server.url(), .timeout = 200ms});
    const auto answer = client.run("any").get();
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().code == Code::deadline_exceeded);
  }
  SUBCASE("a line of a stream, and many lines of one event") {
    std::string lines;
    for (int i = 0; i < 200'000; ++i) lines += "data:0123456789\n";
    for (const auto& body : {"data: " + endless, lines}) {
      const Scripted server([&](int) { return stream_of(ordered(1) + body); });
      const auto seen = shown(server.url(), {.frame_bytes_max = 1'000'000});
      CHECK(seen.sequences == std::vector<std::int64_t>{1});
      REQUIRE(seen.error);
      CHECK(seen.error->code == Code::resource_exhausted);
    }
  }
}

TEST_CASE("client: members of a list that cannot be read are an error, none is left out") {
  const auto answer_of = [](const std::string& json) {
    return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n" + json;
  };
  const Scripted server([&](int number) {
    if (number == 0) return answer_of(R"({"workflows":["a",3]})");
    if (number == 1) return answer_of(R"({"handlers":[{"handler_id":"h","status":"running"},{"handler_id":"i","status":"paused"}]})");
    return answer_of(R"({"handler_id":"h","status":"completed","result":{"value":1}})");
  });
  const weir::Client client({.url = server.url()});
  const auto workflows = client.workflows().get();
  REQUIRE_FALSE(workflows.ok());
  CHECK(workflows.error().code == Code::data_loss);
  CHECK(workflows.error().message.find("number 2 of workflows") != std::string::npos);
  const auto handlers = client.handlers().get();
  REQUIRE_FALSE(handlers.ok());
  CHECK(handlers.error().message.find("its status is 'paused'") != std::string::npos);
  const auto handler = client.handler("h").get();
  REQUIRE_FALSE(handler.ok());
  CHECK(handler.error().message.find("its result is no event: it has no type") != std::string::npos);
}

TEST_CASE("client: times that are none are refused by name, small ones are not rounded to none") {
  CHECK_THROWS_WITH_AS(weir::Client({.timeout = 0s}), "ClientOptions::timeout is 0 us: give a time that is more than zero",
                       std::invalid_argument);
  CHECK_THROWS_AS(weir::Client({.connect_timeout = -1s}), std::invalid_argument);
  CHECK_THROWS_AS(weir::Client({.reconnect_for = -1s}), std::invalid_argument);
  CHECK_THROWS_AS(weir::Client({.idle_limit = 0s}), std::invalid_argument);
  const Scripted server([](int) { return Scripted::Said("", true); });
  const weir::Client client({.url = server.url()});
  const auto refused = client.workflows({.timeout = 0s}).get();
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Code::invalid_argument);
  CHECK(refused.error().message.find("more than zero") != std::string::npos);
  const auto late = client.workflows({.timeout = weir::Duration(1)}).get();
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().code == Code::deadline_exceeded);
}

TEST_CASE("client: who would wait on the thread that brings the answers is told so at once") {
  const Scripted server([](int) { return stream_of(stop_frame(0)); });
  const weir::Client client({.url = server.url()});
  std::promise<std::string> get, next, sync;
  const auto waits = [&]() -> weir::Task<void> {
    auto asking = client.workflows();
    (void)co_await asking;
    try {
      (void)client.workflows().get();
    } catch (const std::logic_error& error) { get.set_value(error.what()); }
    try {
      auto stream = client.events("h");
      (void)stream.next();
    } catch (const std::logic_error& error) { next.set_value(error.what()); }
    try {
      weir::sync_wait([]() -> weir::Task<void> { co_return; }());
    } catch (const std::logic_error& error) { sync.set_value(error.what()); }
  };
  weir::sync_wait(waits());
  for (auto* told : {&get, &next, &sync})
    CHECK(told->get_future().get().find("would wait on the I/O thread of a weir::Client") != std::string::npos);
}

TEST_CASE("client: streams and the client are let go on its own thread, in the middle of a failure") {
  for (int round = 0; round < 20; ++round) {
    std::atomic<bool> dies = false;
    auto server = std::make_unique<Scripted>(
        [&](int number) { return number < 3 ? Scripted::Said(stream_of(ordered(number)), !dies) : Scripted::Said(""); });
    std::promise<void> done;
    const auto lets_go = [&, url = server->url()]() -> weir::Task<void> {
      auto client = std::make_unique<weir::Client>(weir::ClientOptions{.url = url});
      std::vector<weir::EventStream> streams;
      for (int i = 0; i < 3; ++i) streams.push_back(client->events("h" + std::to_string(i)));
      for (auto& stream : streams) {
        auto asking = stream.async_next();
        (void)co_await asking;
      }
      auto asking = client->workflows();
      (void)co_await asking;  // fails: the server is dying
      streams.clear();
      client.reset();
      done.set_value();
    };
    auto task = std::async(std::launch::async, [&] { weir::sync_wait(lets_go()); });
    done.get_future().wait();
    dies = true;
    server.reset();
    task.get();
  }
}
