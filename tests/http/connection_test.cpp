// The wire between a socket and the routes: clients that behave as they like, and a server that goes on.
#include <doctest/doctest.h>

#include "http/wire/open_files.hpp"
#include "http/wire/request_head.hpp"
#include "http/wire/transport.hpp"

#include <dirent.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace weir::http;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 20s;

/// Waits for the thing, not for a time.
class Board {
public:
  void note(const std::string& what) {
    const std::lock_guard lock(mutex_);
    ++notes_[what];
    changed_.notify_all();
  }
  bool wait_for(const std::string& what, int times = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return notes_[what] >= times; });
  }
  int count(const std::string& what) {
    const std::lock_guard lock(mutex_);
    return notes_[what];
  }
  void hold(ExchangePtr exchange) {
    const std::lock_guard lock(mutex_);
    held_.push_back(std::move(exchange));
    ++notes_["held"];
    changed_.notify_all();
  }
  std::vector<ExchangePtr> take_held() {
    const std::lock_guard lock(mutex_);
    return std::exchange(held_, {});
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> notes_;
  std::vector<ExchangePtr> held_;
};

/// What each path does is said by its name.
class Server {
public:
  explicit Server(Limits limits = {})
      : transport_({.limits = limits,
                    .admit = [this](const RequestHead& head) { return admit(head); },
                    .log = [this](weir::LogLevel, const std::string& text) { board.note(text.substr(0, text.find(':'))); }}) {}
  ~Server() {
    board.take_held();
    transport_.stop();
  }
  std::uint16_t port() const { return transport_.port(); }
  Transport& transport() { return transport_; }
  Board board;

private:
  Admission admit(const RequestHead& head) {
    const std::string path(head.target());
    board.note(path);
    if (path == "/refused") return {[](const ExchangePtr& exchange) { exchange->respond({.status = 401, .body = "no key"}); }, false};
    if (path == "/broken") throw std::runtime_error("broken");
    return {[this, path](const ExchangePtr& exchange) { answer(path, exchange); }};
  }
  void answer(const std::string& path, const ExchangePtr& exchange) {
    if (path == "/large") return exchange->respond({.body = std::string(8 << 20, 'l')});
    if (path == "/echo") return exchange->respond({.body = std::string(exchange->body())});
    if (path == "/hold" || path == "/stream") {
      if (path == "/stream") exchange->begin_stream({.content_type = "text/event-stream"});
      exchange->on_closed([this] { board.note("closed"); });
      return board.hold(exchange);
    }
    if (path == "/two-listeners") {
      exchange->on_closed([this] { board.note("first"); });
      std::thread([&] { exchange->on_closed([this] { board.note("second"); }); }).join();
      return board.hold(exchange);
    }
    if (path == "/throws") throw std::runtime_error("no luck");
    if (path == "/throws-number") throw 7;
    if (path == "/dropped") return;
    if (path == "/twice") exchange->respond({.body = "once"});
    exchange->respond({.body = path});
  }

  Transport transport_;
};

class Client {
public:
  explicit Client(std::uint16_t port, int receive_buffer = 0) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    REQUIRE(socket_ >= 0);
    const timeval limit{.tv_sec = std::chrono::seconds(patience).count(), .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (receive_buffer) ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  Client(Client&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  ~Client() { close(); }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  Client& send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) break;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return *this;
  }
  void shut_down_sending() { ::shutdown(socket_, SHUT_WR); }
  /// Up to `word`, or to the end.
  std::string receive(std::string_view word = "") {
    std::string out;
    char buffer[65536];
    while (word.empty() || out.find(word) == out.npos) {
      const auto count = ::recv(socket_, buffer, sizeof buffer, 0);
      if (count < 0) out += errno == EAGAIN ? "(silence)" : "(reset)";
      if (count <= 0) break;
      out.append(buffer, static_cast<std::size_t>(count));
    }
    return out;
  }

private:
  int socket_;
};

std::string get(const std::string& path, const std::string& fields = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
}
const std::string closing = "Connection: close\r\n";

std::size_t count_of(std::string_view text, std::string_view word) {
  std::size_t count = 0;
  for (auto at = text.find(word); at != text.npos; at = text.find(word, at + word.size())) ++count;
  return count;
}

}  // namespace

TEST_CASE("a hundred pipelined requests get a hundred answers, in order") {
  Server server;
  std::string requests, wanted;
  for (int i = 0; i < 100; ++i) requests += get("/" + std::to_string(i), i == 99 ? closing : "");
  const auto answers = Client(server.port()).send(requests).receive();
  CHECK(count_of(answers, "HTTP/1.1 200 OK") == 100);
  std::size_t at = 0;
  for (int i = 0; i < 100; ++i) {
    at = answers.find("\r\n\r\n/" + std::to_string(i), at);
    REQUIRE(at != answers.npos);
  }
}

TEST_CASE("a client that sends without end and does not read waits, and gets every answer later") {
  Server server;
  Client client(server.port());
  client.send(get("/hold"));
  REQUIRE(server.board.wait_for("held"));
  std::thread sender([&] {
    std::string requests;
    for (int i = 0; i < 20000; ++i) requests += get("/health");
    client.send(requests).send(get("/last", closing));
  });
  Client other(server.port());
  CHECK(other.send(get("/other", closing)).receive().ends_with("/other"));
  CHECK(server.board.count("/health") == 0);
  for (auto& exchange : server.board.take_held()) exchange->respond({.body = "held"});
  const auto answers = client.receive();
  sender.join();
  CHECK(count_of(answers, "HTTP/1.1 200 OK") == 20002);
  CHECK(answers.ends_with("/last"));
}

TEST_CASE("nothing is dispatched behind a request that closes") {
  Server server;
  const auto behind = get("/behind");
  const std::string cases[] = {
      get("/hold") + get("/a", closing) + behind,
      get("/a", closing) + behind + behind,
      get("/large") + get("/large") + get("/a", closing) + behind + get("/a", closing) + behind + get("/a", closing) + behind,
      "GET /a HTTP/1.0\r\n\r\n" + behind,
      get("/a", "Connection: upgrade\r\nUpgrade: websocket\r\n") + behind,
      "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n" + behind,
      get("/a") + "BAD\r\n\r\n" + behind,
      "POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n" + behind,
  };
  for (const auto& bytes : cases) {
    Client client(server.port());
    client.send(bytes);
    if (bytes.starts_with(get("/hold"))) {
      REQUIRE(server.board.wait_for("held"));
      for (auto& exchange : server.board.take_held()) exchange->respond({.body = "held"});
    }
    const auto answers = client.receive();
    CHECK_MESSAGE(answers.find("/behind") == answers.npos, bytes);
    CHECK_MESSAGE(answers.find("(reset)") == answers.npos, bytes);
  }
  CHECK(server.board.count("/behind") == 0);
}

TEST_CASE("an upgrade is ignored and answered once") {
  Server server;
  const auto answer = Client(server.port()).send(get("/a", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n")).receive();
  CHECK(count_of(answer, "HTTP/1.1 200 OK") == 1);
  CHECK(answer.ends_with("/a"));
  CHECK(server.board.count("/a") == 1);
}

TEST_CASE("a body is not waited for when its request is refused, and the connection lives on when the body is short") {
  Server server;
  Client large(server.port());
  large.send("POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 16000000\r\n\r\n");
  const auto answer = large.receive();
  CHECK(answer.starts_with("HTTP/1.1 401 "));
  CHECK(answer.find("connection: close") != answer.npos);
  Client small(server.port());
  small.send("POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n");
  CHECK(small.receive("no key").starts_with("HTTP/1.1 401 "));
  CHECK(small.send("abc" + get("/next", closing)).receive().ends_with("/next"));
}

TEST_CASE("whatever a route throws is answered with 500, and a request that is dropped is not left waiting") {
  Server server;
  for (const auto* path : {"/broken", "/throws", "/throws-number"}) {
    Client client(server.port());
    CHECK(client.send(get(path)).receive("}").starts_with("HTTP/1.1 500 "));
    CHECK(client.send(get("/next", closing)).receive().ends_with("/next"));
  }
  CHECK(server.board.count("request failed") == 3);
  CHECK(Client(server.port()).send(get("/dropped")).receive() == "");
  server.transport().loop().post([] { throw std::runtime_error("in a callback"); });
  CHECK(Client(server.port()).send(get("/a", closing)).receive().ends_with("/a"));
  CHECK(server.board.count("on the I/O thread") == 1);
}

TEST_CASE("a client that shuts its sending side down gets its answer, and those to what it sent before") {
  Server server;
  Client client(server.port());
  client.send(get("/hold") + get("/next"));
  client.shut_down_sending();
  REQUIRE(server.board.wait_for("held"));
  for (auto& exchange : server.board.take_held()) exchange->respond({.body = "held"});
  const auto answers = client.receive();
  CHECK(count_of(answers, "HTTP/1.1 200 OK") == 2);
  CHECK(answers.ends_with("/next"));

  Client streaming(server.port());
  streaming.send(get("/stream"));
  streaming.shut_down_sending();
  REQUIRE(server.board.wait_for("held", 2));
  for (auto& exchange : server.board.take_held()) {
    exchange->write("data: 1\n\n", [](bool) {});
    exchange->end_stream();
  }
  CHECK(streaming.receive().ends_with("data: 1\n\n\r\n0\r\n\r\n"));
  CHECK(server.board.count("closed") == 0);
}

TEST_CASE("a client that leaves while its request is at work, or its stream open, is noticed") {
  Server server({.half_closed_probe = 50ms});
  for (const auto* path : {"/hold", "/stream"}) {
    Client client(server.port());
    client.send(get(path));
    REQUIRE(server.board.wait_for("held"));
    client.close();
    CHECK(server.board.wait_for("closed"));
    server.board.take_held();
    Client half(server.port());
    half.send(get(path));
    half.shut_down_sending();
    REQUIRE(server.board.wait_for("held", 2));
    half.close();
    CHECK(server.board.wait_for("closed", 2));
  }
}

TEST_CASE("the last listener hears that a client has left, whatever threads the listeners come from") {
  Server server;
  Client client(server.port());
  client.send(get("/two-listeners"));
  REQUIRE(server.board.wait_for("held"));
  client.close();
  CHECK(server.board.wait_for("second"));
  CHECK(server.board.count("first") == 0);
}

TEST_CASE("a client that listens is only asked whether it does") {
  Server server({.half_closed_probe = 20ms});
  Client client(server.port());
  client.send(get("/hold"));
  client.shut_down_sending();
  CHECK(client.receive("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  for (auto& exchange : server.board.take_held()) exchange->respond({.body = "held"});
  CHECK(client.receive().starts_with("HTTP/1.1 200 OK"));
}

TEST_CASE("nothing is written behind the end of an answer, and an answer that has begun is not begun again") {
  Server server;
  Client client(server.port());
  CHECK(client.send(get("/twice")).receive("once").ends_with("once"));
  CHECK(client.send(get("/next", closing)).receive().ends_with("/next"));
  Client cut(server.port());
  cut.send(get("/stream"));
  REQUIRE(server.board.wait_for("held"));
  for (auto& exchange : server.board.take_held()) {
    exchange->write("data: 1\n\n", [](bool) {});
    exchange->respond(problem(500, "too late"));
  }
  const auto answer = cut.receive();
  CHECK(count_of(answer, "HTTP/1.1") == 1);
  CHECK(answer.find("0\r\n\r\n") == answer.npos);
  CHECK(server.board.wait_for("closed"));
}

TEST_CASE("a client that does not read is cut off") {
  Server server({.write_timeout = 200ms});
  Client client(server.port(), 4096);
  client.send(get("/stream"));
  REQUIRE(server.board.wait_for("held"));
  for (auto& exchange : server.board.take_held())
    exchange->write(std::string(32 << 20, 'x'), [&](bool sent) { server.board.note(sent ? "sent" : "not sent"); });
  CHECK(server.board.wait_for("not sent"));
  CHECK(server.board.wait_for("closed"));
}

TEST_CASE("a client that leaves in the middle of a large answer harms nobody") {
  Server server;
  for (int i = 0; i < 20; ++i) {
    Client client(server.port(), 4096);
    client.send(get("/large") + get("/large"));
    client.receive("lll");
  }
  CHECK(Client(server.port()).send(get("/a", closing)).receive().ends_with("/a"));
}

TEST_CASE("a request that takes too long is told so, one that idled before has its whole time") {
  Server server({.read_timeout = 300ms});
  CHECK(Client(server.port()).send("GET /a HTTP/1.1\r\nHo").receive().starts_with("HTTP/1.1 408 "));
  CHECK(Client(server.port()).send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab").receive().starts_with("HTTP/1.1 408 "));
  CHECK(Client(server.port()).receive() == "");
  Client client(server.port());
  CHECK(client.send(get("/a")).receive("/a").ends_with("/a"));
  CHECK(client.receive() == "");
}

TEST_CASE("the connection that has been idle the longest makes room for a new one") {
  Server server({.connections_max = 4});
  std::vector<Client> idle;
  for (int i = 0; i < 12; ++i) idle.emplace_back(server.port());
  CHECK(Client(server.port()).send(get("/a", closing)).receive().ends_with("/a"));
  CHECK(idle[0].receive() == "");
}

TEST_CASE("when all connections are at work a new one waits for the first that ends") {
  Server server({.connections_max = 3});
  std::vector<Client> busy;
  for (int i = 0; i < 3; ++i) busy.emplace_back(server.port()).send(get("/hold", closing));
  REQUIRE(server.board.wait_for("held", 3));
  Client waiting(server.port());
  waiting.send(get("/a", closing));
  for (auto& exchange : server.board.take_held()) exchange->respond({.body = "held"});
  for (auto& client : busy) {
    client.receive();
    client.close();
  }
  CHECK(waiting.receive().ends_with("/a"));
}

TEST_CASE("a server without free files accepts again when there are some, and tells so once") {
  Server server;
  std::vector<Client> clients;
  for (int i = 0; i < 40; ++i) clients.emplace_back(server.port());
  CHECK(clients.back().send(get("/a")).receive("/a").ends_with("/a"));
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const int unconnected = ::socket(AF_INET, SOCK_STREAM, 0);  // the lowest free number: no file is free below a limit of it
  const rlimit none{static_cast<rlim_t>(unconnected), limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::connect(unconnected, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CHECK(server.board.wait_for("new connections have to wait"));
  CHECK(clients.front().send(get("/b")).receive("/b").ends_with("/b"));
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  const auto request = get("/c", closing);
  CHECK(::send(unconnected, request.data(), request.size(), MSG_NOSIGNAL) > 0);
  char answer[4096];
  CHECK(::recv(unconnected, answer, sizeof answer, 0) > 0);
  ::close(unconnected);
  CHECK(server.board.count("new connections have to wait") == 1);
}

TEST_CASE("fewer connections than files may be open at once") {
  CHECK(connections_within(1 << 20, 10000) == 10000);
  CHECK(connections_within(1024, 10000) == 896);
  CHECK(connections_within(64, 10000) == 8);
}

TEST_CASE("whatever is sent, the server goes on, and what was well-formed before is answered") {
  Server server({.read_timeout = 500ms});
  constexpr unsigned seed = 20261128;
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto pick = [&](std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random); };
  const std::string parts[] = {get("/a"),
                               get("/b", closing),
                               get("http://h/c"),
                               "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
                               "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n",
                               "POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
                               get("/a", "Upgrade: h2c\r\nConnection: upgrade\r\n"),
                               "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na"};
  const std::string spice[] = {"\r",
                               "\n",
                               "\r\n",
                               " ",
                               "\t",
                               ":",
                               ",",
                               "\r\n\r\n",
                               "0",
                               "Content-Length: 1\r\n",
                               "Transfer-Encoding: chunked\r\n",
                               "Host: y\r\n",
                               "HTTP/1.1",
                               std::string(1, '\0'),
                               "\xff",
                               ";"};
  for (int round = 0; round < 400; ++round) {
    const auto good = pick(6);
    std::string bytes;
    for (std::size_t i = 0; i < good; ++i) bytes += get("/good" + std::to_string(i));
    std::string bad;
    for (std::size_t i = 0; i < 1 + pick(4); ++i) bad += parts[pick(std::size(parts))];
    for (std::size_t i = 0; i < 1 + pick(4); ++i) {
      const auto at = pick(bad.size());
      switch (pick(3)) {
        case 0: bad.insert(at, spice[pick(std::size(spice))]); break;
        case 1: bad.erase(at, 1 + pick(8)); break;
        default: bad[at] = static_cast<char>(pick(256)); break;
      }
      if (bad.empty()) bad = "x";
    }
    Client client(server.port());
    bytes += bad;
    const auto cut = pick(bytes.size());
    client.send(std::string_view(bytes).substr(0, cut)).send(std::string_view(bytes).substr(cut));
    client.shut_down_sending();
    const auto answers = client.receive();
    for (std::size_t i = 0; i < good; ++i)
      CHECK_MESSAGE(answers.find("\r\n\r\n/good" + std::to_string(i)) != answers.npos,
                    "round " << round << ": " << bytes << "\n-> " << answers);
    CHECK_MESSAGE(answers.find("(silence)") == answers.npos, "round " << round << ": " << bytes);
  }
  CHECK(Client(server.port()).send(get("/a", closing)).receive().ends_with("/a"));
}
