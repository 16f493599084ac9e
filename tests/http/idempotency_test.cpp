// The same request with the same Idempotency-Key is done once, also when it is sent at the same time, or after a restart.
#include <doctest/doctest.h>

#include "talk.hpp"
#include "tests/store/temporary.hpp"
#include "tests/until.hpp"

#include <weir/weir.hpp>

#include <atomic>
#include <thread>

namespace {

struct Order {
  using kind = weir::StartEvent;
  int amount = 1;
};
struct Approve {
  using kind = weir::HumanResponseEvent;
  int by = 0;
};
struct Question {
  using kind = weir::InputRequiredEvent;
};
struct Receipt {
  using kind = weir::StopEvent;
  int paid;
};

struct Pay : weir::Workflow {
  std::atomic<int>& charges;
  explicit Pay(std::atomic<int>& count) : charges(count) { step<&Pay::pay>(); }
  Receipt pay(const Order&) { return {++charges}; }
};

/// Ends at the third approval.
struct Approval : weir::Workflow {
  Approval() {
    step<&Approval::ask>();
    step<&Approval::count>();
  }
  Question ask(const Order&) { return {}; }
  std::optional<Receipt> count(weir::Context& ctx, const Approve&) {
    const int seen = ctx.store().get("seen", 0) + 1;
    ctx.store().set("seen", seen);
    return seen == 3 ? std::optional(Receipt{seen}) : std::nullopt;
  }
};

struct Shop {
  TemporaryFolder folder;
  std::atomic<int> charges = 0;
  bool durable = true;

  std::unique_ptr<weir::WorkflowServer> open() {
    weir::ServerOptions options{.port = 0};
    if (durable) options.store = weir::sqlite(folder.file("weir.db"));
    auto server = std::make_unique<weir::WorkflowServer>(std::move(options));
    server->add_workflow<Pay>("pay", charges);
    server->add_workflow<Approval>("approval");
    server->start();
    return server;
  }
};

std::string with_key(std::uint16_t port, const std::string& path, const std::string& body, const std::string& key) {
  return talk::post(port, path, body, "Idempotency-Key: " + key + "\r\n");
}

}  // namespace

TEST_CASE("a start that is sent again is the same run with the same answer; another request may not have its key") {
  Shop shop;
  SUBCASE("memory") { shop.durable = false; }
  SUBCASE("sqlite") {}
  auto server = shop.open();
  const std::string order = R"({"start_event":{"amount":5}})";
  for (const char* path : {"/workflows/pay/run", "/workflows/pay/run-nowait"}) {
    CAPTURE(path);
    const std::string key = std::string("key of ") + path;
    const auto first = with_key(server->port(), path, order, key);
    const auto handler_id = talk::json_body(first).find("handler_id")->as_string();
    CHECK(talk::status(first) == 200);
    if (shop.durable) {
      until("the run is over", [&] { return talk::status(talk::get(server->port(), "/handlers/" + handler_id)) != 202; });
      server = nullptr;
      server = shop.open();
    }
    const auto again = with_key(server->port(), path, order, key);
    CHECK(weir::to_json(talk::json_body(again)) == weir::to_json(talk::json_body(first)));
    const auto other = with_key(server->port(), path, R"({"start_event":{"amount":6}})", key);
    CHECK(talk::status(other) == 422);
    CHECK(talk::json_body(other).find("detail")->as_string() ==
          "Idempotency-Key '" + key + "' was used for another request: give every new request a new key");
  }
  CHECK(shop.charges == 2);
  CHECK(talk::status(talk::post(server->port(), "/workflows/pay/run", order)) == 200);
  CHECK(shop.charges == 3);
}

TEST_CASE("requests that come at the same time with one key are one") {
  Shop shop;
  SUBCASE("memory") { shop.durable = false; }
  SUBCASE("sqlite") {}
  const auto server = shop.open();
  std::vector<std::string> answers(12);
  std::vector<std::thread> clients;
  for (auto& answer : answers)
    clients.emplace_back([&] { answer = with_key(server->port(), "/workflows/pay/run", R"({"start_event":{"amount":5}})", "same"); });
  for (auto& client : clients) client.join();
  CHECK(shop.charges == 1);
  for (const auto& answer : answers) CHECK(weir::to_json(talk::json_body(answer)) == weir::to_json(talk::json_body(answers.front())));
}

TEST_CASE("an event that is sent again is not sent twice, also after a restart") {
  Shop shop;
  SUBCASE("memory") { shop.durable = false; }
  SUBCASE("sqlite") {}
  auto server = shop.open();
  talk::post(server->port(), "/workflows/approval/run-nowait", R"({"handler_id":"h"})");
  const auto approve = [&](const std::string& key) {
    return with_key(server->port(), "/events/h", R"({"event":{"type":"Approve","value":{"by":7}}})", key);
  };
  for (int i = 0; i < 2; ++i) {
    const auto answer = approve("a");
    CAPTURE(answer);
    CHECK(talk::status(answer) == 200);
    CHECK(answer.ends_with(R"({"status":"sent"})"));
  }
  if (shop.durable) {
    server = nullptr;
    server = shop.open();
  }
  CHECK(talk::status(approve("a")) == 200);
  CHECK(talk::status(approve("b")) == 200);
  CHECK(talk::status(talk::get(server->port(), "/handlers/h")) == 202);
  CHECK(talk::status(approve("c")) == 200);
  until("the run is over", [&] { return talk::status(talk::get(server->port(), "/handlers/h")) != 202; });
  CHECK(talk::status(approve("c")) == 200);  // done before the end, so it was sent
  CHECK(talk::status(approve("d")) == 409);
}

TEST_CASE("a key that makes no sense is refused; a request that was refused may be mended and sent with the same key") {
  Shop shop;
  const auto server = shop.open();
  const auto refused = with_key(server->port(), "/workflows/pay/run", "{}", std::string(300, 'k'));
  CHECK(talk::status(refused) == 400);
  CHECK(talk::json_body(refused).find("detail")->as_string() == "Idempotency-Key must have 1 to 255 bytes, got 300");
  CHECK(talk::status(with_key(server->port(), "/workflows/pay/run", R"({"start_event":{"amount":"much"}})", "k")) == 400);
  CHECK(talk::status(with_key(server->port(), "/workflows/pay/run", R"({"start_event":{"amount":1}})", "k")) == 200);
}

TEST_CASE("earlier runs of a handler are read by their run ids; keys of a purged handler are forgotten") {
  Shop shop;
  SUBCASE("memory") { shop.durable = false; }
  SUBCASE("sqlite") {}
  const auto server = shop.open();
  const auto run = [&](const std::string& key) {
    return talk::json_body(with_key(server->port(), "/workflows/pay/run", R"({"handler_id":"h"})", key));
  };
  const auto first = run("1"), second = run("2");
  const auto run_id = [](const weir::Value& handler) { return handler.find("run_id")->as_string(); };
  CHECK(weir::to_json(talk::json_body(talk::get(server->port(), "/runs/" + run_id(first)))) == weir::to_json(first));
  CHECK(weir::to_json(talk::json_body(talk::get(server->port(), "/runs/" + run_id(second)))) == weir::to_json(second));
  CHECK(weir::to_json(run("1")) == weir::to_json(first));
  CHECK(talk::get(server->port(), "/runs/" + run_id(first) + "/events?after_sequence=-1").find(R"("value":{"paid":1})") !=
        std::string::npos);
  CHECK(talk::get(server->port(), "/runs/" + run_id(second) + "/events?after_sequence=-1").find(R"("value":{"paid":2})") !=
        std::string::npos);
  CHECK(talk::status(talk::get(server->port(), "/runs/nope")) == 404);
  CHECK(talk::status(talk::get(server->port(), "/runs/nope/events")) == 404);
  CHECK(talk::status(talk::post(server->port(), "/handlers/h/cancel?purge=true", "")) == 200);
  CHECK(talk::status(talk::get(server->port(), "/runs/" + run_id(first))) == 404);
  CHECK(run_id(run("1")) != run_id(first));
  CHECK(shop.charges == 3);
}
