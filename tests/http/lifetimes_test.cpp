// The ends of a server: whatever still runs, whoever asks for it, and from where.
#include <doctest/doctest.h>

#include "talk.hpp"
#include "tests/store/temporary.hpp"
#include "tests/until.hpp"

#include <weir/weir.hpp>

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using talk::get;
using talk::post;

struct Ping {
  using kind = weir::StartEvent;
};
struct Pong {
  using kind = weir::StopEvent;
  int n = 1;
};

/// What a step that is left behind may still use.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  int begun = 0, ended = 0;

  void wait() {
    std::unique_lock lock(mutex);
    ++begun;
    changed.wait(lock, [this] { return open; });
    ++ended;
  }
  void let_go() {
    {
      const std::lock_guard lock(mutex);
      open = true;
    }
    changed.notify_all();
  }
  bool at_work() {
    const std::lock_guard lock(mutex);
    return begun > ended;
  }
  bool over() {
    const std::lock_guard lock(mutex);
    return begun > 0 && begun == ended;
  }
};

/// Holds the actor thread.
struct Holding : weir::Workflow {
  std::shared_ptr<Gate> gate;
  explicit Holding(std::shared_ptr<Gate> given) : gate(std::move(given)) { step<&Holding::run>(); }
  Pong run(const Ping&) {
    gate->wait();
    return {};
  }
};

struct Quick : weir::Workflow {
  Quick() { step<&Quick::run>(); }
  Pong run(const Ping&) { return {}; }
};

}  // namespace

TEST_CASE("what a step that outlives its server still calls is there") {
  const TemporaryFolder folder;
  for (const bool durable : {false, true}) {
    CAPTURE(durable);
    const auto gate = std::make_shared<Gate>();
    std::vector<int> clients;
    {
      weir::ServerOptions options{.port = 0, .drain_timeout = 0s};
      if (durable) options.store = weir::sqlite(folder.file("weir.db"));
      weir::WorkflowServer server(std::move(options));
      server.add_workflow<Holding>("hold", gate);
      server.start();
      const auto port = server.port();
      const auto asks = [&](const std::string& path, const std::string& body, const std::string& headers) {
        clients.push_back(talk::send(port, talk::post_text(path, body, headers)));
      };
      asks("/workflows/hold/run", R"({"handler_id":"h","start_event":{}})", "Idempotency-Key: k\r\n");
      until("the step holds the actor thread", [&] { return gate->at_work(); });
      asks("/workflows/hold/run", R"({"handler_id":"h","start_event":{}})", "Idempotency-Key: k\r\n");
      asks("/workflows/hold/run-nowait", R"({"start_event":{}})", "Idempotency-Key: l\r\n");
      asks("/handlers/h/cancel?purge=true", "", "");
      asks("/events/h", R"({"event":{"type":"Ping","value":{}}})", "Idempotency-Key: m\r\n");
      for (const auto* path : {"/events/h", "/handlers/h?detail=true"}) clients.push_back(talk::send(port, talk::get_text(path)));
      CHECK(talk::status(get(port, "/health")) == 200);
    }
    for (const int client : clients) {
      (void)talk::receive(client);  // answered, or cut off
      ::close(client);
    }
    gate->let_go();
    until("the step has ended", [&] { return gate->over(); });
  }
}

TEST_CASE("a look at a run is answered while a step of it holds the only actor thread, and names the step") {
  const TemporaryFolder folder;
  for (const bool durable : {false, true}) {
    CAPTURE(durable);
    const auto gate = std::make_shared<Gate>();
    weir::ServerOptions options{.port = 0, .runtime = {.actor_threads = 1}};
    if (durable) options.store = weir::sqlite(folder.file("weir.db"));
    weir::WorkflowServer server(std::move(options));
    server.add_workflow<Holding>("hold", gate);
    server.start();
    const auto look = [&] { return talk::json_body(get(server.port(), "/handlers/h?detail=true")); };
    CHECK(talk::status(post(server.port(), "/workflows/hold/run-nowait", R"({"handler_id":"h","start_event":{}})")) == 200);
    until("the step holds the actor thread", [&] { return gate->at_work(); });
    const auto held = look();
    CHECK(held.find("status")->as_string() == "running");
    CHECK(weir::to_json(*held.find("current_steps")) == R"(["run"])");
    CHECK(weir::to_json(held).find(R"("input":{)") != std::string::npos);
    gate->let_go();
    until("it is over", [&] { return talk::status(get(server.port(), "/handlers/h")) == 200; });
    CHECK(weir::to_json(*look().find("current_steps")) == "[]");
  }
}

TEST_CASE("a route of one's own may throw anything") {
  weir::WorkflowServer server{{.port = 0}};
  server.add_route("GET", "/odd", [](const weir::RouteRequest&) -> weir::RouteAnswer { throw 7; });
  server.start();
  CHECK(get(server.port(), "/odd").ends_with(R"({"detail":"Internal server error: an exception that is no std::exception"})"));
  CHECK(talk::status(get(server.port(), "/health")) == 200);
}

TEST_CASE("a server is stopped from any thread, several times, and from a route of its own") {
  weir::WorkflowServer server{{.port = 0}};
  server.add_workflow<Quick>("quick");
  server.add_route("POST", "/stop", [&](const weir::RouteRequest&) {
    server.stop();
    return weir::RouteAnswer{.body = "stopping"};
  });
  CHECK_THROWS_WITH_AS(server.port(), "the server has no port before start()", std::logic_error);
  server.start();
  CHECK(talk::status(post(server.port(), "/workflows/quick/run", R"({"start_event":{}})")) == 200);
  SUBCASE("from threads") {}
  SUBCASE("from a route") { CHECK(post(server.port(), "/stop", "").ends_with("stopping")); }
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back([&] { server.stop(); });
  for (auto& thread : threads) thread.join();
  CHECK_THROWS_WITH_AS(server.start(), "a server that was stopped cannot be started again: make another one", std::logic_error);
}

TEST_CASE("servers are started, looked at and stopped in any order, by many threads at once") {
  constexpr unsigned seed = 20261128;  // the order of threads is the machine's
  std::minstd_rand random(seed);
  const auto quiet = [](auto&& act) {
    try {
      act();
    } catch (const std::logic_error&) {}  // too early, too late, or once too often
  };
  for (int round = 0; round < 25; ++round) {
    CAPTURE(seed);
    CAPTURE(round);
    std::vector<std::unique_ptr<weir::WorkflowServer>> servers;
    for (int i = 0; i < 2; ++i)
      servers.push_back(std::make_unique<weir::WorkflowServer>(weir::ServerOptions{.port = 0, .drain_timeout = std::chrono::seconds(1)}));
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
      threads.emplace_back([&, order = random()]() mutable {
        for (int step = 0; step < 6; ++step, order /= 7) {
          auto& server = *servers[order % 2];
          quiet([&] {
            if (order % 7 < 3) server.start();
            else if (order % 7 < 5) (void)server.port();
            else server.stop();
          });
        }
      });
    for (auto& thread : threads) thread.join();
    for (auto& server : servers)
      quiet([&] {
        const auto port = server->port();
        CHECK(port != 0);
      });
    if (round % 2) std::thread([&] { servers.clear(); }).join();
  }
}

TEST_CASE("one signal ends all that serve in a program with threads of its own, and what it had set for signals stays") {
  struct sigaction before {
  }, after{};
  ::sigaction(SIGTERM, nullptr, &before);
  std::atomic<int> serving = 0;
  const auto log = [&](weir::LogLevel, std::string_view text) { serving += text.starts_with("serving on") ? 1 : 0; };
  std::vector<std::thread> servers;
  for (int i = 0; i < 2; ++i)
    servers.emplace_back([&] {
      weir::WorkflowServer server{{.port = 0, .runtime = {.log = log}}};
      server.add_workflow<Quick>("quick");
      server.serve();
    });
  until("both serve", [&] { return serving == 2; });
  ::kill(::getpid(), SIGTERM);
  for (auto& server : servers) server.join();
  ::sigaction(SIGTERM, nullptr, &after);
  CHECK((after.sa_handler == before.sa_handler));
}

TEST_CASE("serve() returns when somebody else stops the server") {
  std::atomic<bool> serving = false;
  const auto log = [&](weir::LogLevel, std::string_view text) { serving = serving || text.starts_with("serving on"); };
  weir::WorkflowServer server{{.port = 0, .runtime = {.log = log}}};
  std::thread thread([&] { server.serve(); });
  until("it serves", [&] { return serving.load(); });
  server.stop();
  thread.join();
}
