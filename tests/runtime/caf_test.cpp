// Weir inside a CAF program: the service as an actor, and steps that ask actors.
#include <doctest/doctest.h>

#include "actors/runtime/service.hpp"
#include "tests/store/forwarding_store.hpp"
#include "tests/store/temporary.hpp"
#include "tests/until.hpp"

#include <weir/caf.hpp>
#include <weir/weir.hpp>

#include <caf/io/all.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

struct Order {
  using kind = weir::StartEvent;
  std::string item;
};
struct Packed {
  std::string item;
  int weight;
};
struct Confirm {
  using kind = weir::InputRequiredEvent;
};
struct Confirmed {
  using kind = weir::HumanResponseEvent;
  bool yes;
};
struct Shipped {
  using kind = weir::StopEvent;
  int weight;
};

using Scale = caf::typed_actor<weir::compat::Takes<int, std::string>>;

Scale::behavior_type scale(Scale::pointer, int weight_of_a_letter) {
  return {[=](const std::string& item) { return weight_of_a_letter * static_cast<int>(item.size()); }};
}

struct Shop : weir::Workflow {
  Shop(Scale typed, caf::actor untyped) : scale_(std::move(typed)), any_scale_(std::move(untyped)) {
    step<&Shop::pack>();
    step<&Shop::ship>();
  }
  weir::Task<Confirm> pack(weir::Context& ctx, const Order& order) {
    const int weight = co_await ctx.request(scale_, order.item);
    const int again = co_await ctx.request<int>(any_scale_, order.item);
    ctx.store().set("weight", weight);
    ctx.write_event_to_stream(Packed{order.item, again});
    co_return Confirm{};
  }
  weir::Task<Shipped> ship(weir::Context& ctx, const Confirmed&) { co_return Shipped{ctx.store().get<int>("weight")}; }

  Scale scale_;
  caf::actor any_scale_;
};

struct Configuration : caf::actor_system_config {
  Configuration() {
    weir::add_message_types(*this);
    load<caf::io::middleman>();
  }
};

/// Throws what no store may, when it is told to.
class ThrowingStore final : public ForwardingStore {
public:
  using ForwardingStore::ForwardingStore;
  std::atomic<bool> throws = false;

  std::optional<weir::HandlerRow> find_handler(std::string_view id) const override {
    if (throws) throw 7;
    return inner_->find_handler(id);
  }
};

/// Does not return from a look-up until it may.
class SilentStore final : public ForwardingStore {
public:
  using ForwardingStore::ForwardingStore;
  std::atomic<bool> silent = true;

  std::optional<weir::HandlerRow> find_handler(std::string_view id) const override {
    silent.wait(true);
    return inner_->find_handler(id);
  }
  void answer() {
    silent = false;
    silent.notify_all();
  }
};

struct Program {
  std::mutex mutex;
  std::vector<std::string> log;
  std::shared_ptr<ThrowingStore> store = std::make_shared<ThrowingStore>(weir::memory());
  Configuration configuration;
  caf::actor_system system{configuration};
  Scale typed = system.spawn(scale, 1);
  weir::Runtime runtime{weir::RuntimeOptions{.store = store, .log = [this](weir::LogLevel, std::string_view text) {
                                               const std::lock_guard lock(mutex);
                                               log.emplace_back(text);
                                             }}};
  weir::ServiceActor service;

  bool logged(const std::string& part) {
    const std::lock_guard lock(mutex);
    return std::any_of(log.begin(), log.end(), [&](const auto& line) { return line.find(part) != std::string::npos; });
  }

  Program() {
    runtime.add_workflow<Shop>("shop", typed, caf::actor_cast<caf::actor>(typed));
    service = weir::spawn_service(system, runtime);
  }
  ~Program() {
    caf::scoped_actor self{system};
    caf::anon_send_exit(service, caf::exit_reason::user_shutdown);
    self->wait_for(service);
    caf::anon_send_exit(typed, caf::exit_reason::user_shutdown);
  }
};

/// Asks and blocks; the error's text when there is one.
template <class Answer, class Actor, class Message>
Answer ask(caf::scoped_actor& self, const Actor& actor, Message message, std::string* failed = nullptr) {
  Answer out{};
  weir::compat::request(static_cast<caf::blocking_actor*>(self.ptr()), actor, std::move(message))
      .receive([&](Answer& answer) { out = std::move(answer); },
               [&](const caf::error& error) {
                 const auto text = weir::compat::text_of(self->home_system(), error);
                 REQUIRE_MESSAGE(failed, text);
                 *failed = text;
               });
  return out;
}

}  // namespace

TEST_CASE("caf: a run is started, followed and answered by messages, and its steps ask the program's own actors") {
  Program program;
  caf::scoped_actor self{program.system};
  const auto started = ask<weir::HandlerMessage>(self, program.service, weir::StartMessage{.workflow = "shop", .start = Order{"teapot"}});
  CHECK(started.status == "running");
  ask<weir::HandlerMessage>(self, program.service, weir::SubscribeMessage{.handler_id = started.handler_id, .subscriber = self});
  std::vector<std::string> seen;
  bool over = false;
  while (!over)
    self->receive(
        [&](const weir::StreamedMessage& message) {
          CHECK(message.handler_id == started.handler_id);
          seen.push_back(message.event.type);
          if (message.event.is<Packed>()) CHECK(message.event.as<Packed>().weight == 6);
          if (message.event.is<Confirm>())
            CHECK(ask<bool>(self, program.service, weir::SendMessage{.handler_id = started.handler_id, .event = Confirmed{true}}));
        },
        [&](const weir::StreamEndedMessage&) { over = true; });
  CHECK(seen == std::vector<std::string>{"Packed", "Confirm", "Shipped"});
  const auto ended = ask<weir::HandlerMessage>(self, program.service, weir::QueryMessage{.handler_id = started.handler_id});
  CHECK(ended.status == "completed");
  CHECK(ended.result.as<Shipped>().weight == 6);
  CHECK_THROWS_WITH(ended.result.as<Packed>(), "the event is a Shipped, no Packed");
}

TEST_CASE("caf: what cannot be done is answered with an error that says why") {
  Program program;
  caf::scoped_actor self{program.system};
  const auto refused = [&](auto message, auto answer, const char* words) {
    std::string failed;
    ask<decltype(answer)>(self, program.service, message, &failed);
    CHECK_MESSAGE(failed.find(words) != failed.npos, failed);
  };
  refused(weir::StartMessage{.workflow = "bakery"}, weir::HandlerMessage(), "Workflow 'bakery' not found");
  refused(weir::StartMessage{.workflow = "shop", .start = Packed{"x", 1}}, weir::HandlerMessage(),
          "starts with a Order, not with a Packed");
  refused(weir::StartMessage{.workflow = "shop"}, weir::HandlerMessage(), "Field required");
  refused(weir::SendMessage{.handler_id = "nobody", .event = Confirmed{true}}, true, "Handler 'nobody' not found");
  refused(weir::QueryMessage{.handler_id = "nobody"}, weir::HandlerMessage(), "Handler 'nobody' not found");
  const auto id = ask<weir::HandlerMessage>(self, program.service,
                                            weir::StartMessage{.workflow = "shop", .start = weir::EventMessage("Order", {{"item", "tea"}})})
                      .handler_id;
  refused(weir::SendMessage{.handler_id = id, .event = weir::EventMessage("Nothing", {})}, true, "Invalid event type: Nothing");
  CHECK(ask<bool>(self, program.service, weir::CancelMessage{.handler_id = id}));
  CHECK_FALSE(ask<bool>(self, program.service, weir::CancelMessage{.handler_id = id}));
  CHECK(ask<weir::HandlerMessage>(self, program.service, weir::QueryMessage{.handler_id = id}).status == "cancelled");
}

TEST_CASE("caf: what is thrown while a message is handled is its answer; the service and the subscriptions of others go on") {
  Program program;
  caf::scoped_actor self{program.system};
  const auto id =
      ask<weir::HandlerMessage>(self, program.service, weir::StartMessage{.workflow = "shop", .start = Order{"tea"}}).handler_id;
  ask<weir::HandlerMessage>(self, program.service, weir::SubscribeMessage{.handler_id = id, .subscriber = self});
  program.store->throws = true;
  for (int i = 0; i < 2; ++i) {
    std::string failed;
    ask<weir::HandlerMessage>(self, program.service, weir::QueryMessage{.handler_id = id}, &failed);
    CHECK_MESSAGE(failed.find("a int was thrown, which is no std::exception") != failed.npos, failed);
    ask<bool>(self, program.service, weir::SendMessage{.handler_id = "another", .event = Confirmed{true}}, &failed);
    CHECK_MESSAGE(failed.find("a int was thrown") != failed.npos, failed);
  }
  program.store->throws = false;
  CHECK(program.logged("the service's actor could not do what a message asks for: a int was thrown"));
  CHECK(ask<bool>(self, program.service, weir::SendMessage{.handler_id = id, .event = Confirmed{true}}));
  std::vector<std::string> seen;
  bool over = false;
  while (!over)
    self->receive([&](const weir::StreamedMessage& message) { seen.push_back(message.event.type); },
                  [&](const weir::StreamEndedMessage&) { over = true; });
  CHECK(seen == std::vector<std::string>{"Packed", "Confirm", "Shipped"});
}

TEST_CASE("caf: messages beyond those that may wait for the store are refused at once, the others are done when it is back") {
  const TemporaryFolder folder;
  const auto store = std::make_shared<SilentStore>(weir::sqlite(folder.file("weir.db")));
  Configuration configuration;
  caf::actor_system system{configuration};
  weir::Runtime runtime({.store = store, .log = nullptr});
  const auto service = weir::spawn_service(system, runtime);
  caf::scoped_actor self{system};
  const auto query = [&] {
    return weir::compat::request(static_cast<caf::blocking_actor*>(self.ptr()), service, weir::QueryMessage{.handler_id = "nobody"});
  };
  std::string text;
  const auto answered = [&](auto& asked) {
    asked.receive([](const weir::HandlerMessage&) { FAIL("there is none"); },
                  [&](const caf::error& error) { text = weir::compat::text_of(system, error); });
  };
  std::vector<decltype(query())> waiting;
  for (int i = 0; i < 10'001; ++i) waiting.push_back(query());  // one of them is at work
  auto too_much = query();
  answered(too_much);
  CHECK_MESSAGE(text.find("10000 messages wait for the store already; nothing was done: try again") != text.npos, text);
  store->answer();
  for (auto& asked : waiting) {
    answered(asked);
    if (text.find("Handler 'nobody' not found") == text.npos) FAIL(text);
  }
  caf::anon_send_exit(service, caf::exit_reason::user_shutdown);
}

TEST_CASE("caf: a step whose actor is gone fails with a sentence, and the run with it") {
  Program program;
  caf::scoped_actor self{program.system};
  caf::anon_send_exit(program.typed, caf::exit_reason::user_shutdown);
  self->wait_for(program.typed);
  const auto ended = ask<weir::HandlerMessage>(self, program.service, weir::RunMessage{.workflow = "shop", .start = Order{"tea"}});
  CHECK(ended.status == "failed");
  CHECK(ended.error.starts_with("the actor did not answer: "));
}

TEST_CASE("caf: who monitors or is linked to the service learns of its end, and a subscriber's end ends its subscription") {
  Program program;
  caf::scoped_actor self{program.system};
  const auto id =
      ask<weir::HandlerMessage>(self, program.service, weir::StartMessage{.workflow = "shop", .start = Order{"tea"}}).handler_id;
  {
    caf::scoped_actor reader{program.system};
    ask<weir::HandlerMessage>(reader, program.service, weir::SubscribeMessage{.handler_id = id, .subscriber = reader});
  }
  CHECK(ask<bool>(self, program.service, weir::SendMessage{.handler_id = id, .event = Confirmed{true}}));
  self->monitor(program.service);
  caf::anon_send_exit(program.service, caf::exit_reason::kill);
  bool down = false;
  self->receive([&](const caf::down_msg& message) { down = message.source == program.service.address(); });
  CHECK(down);
  std::string failed;
  ask<weir::HandlerMessage>(self, program.service, weir::QueryMessage{.handler_id = id}, &failed);
  CHECK_FALSE(failed.empty());
}

TEST_CASE("caf: the service is published and driven from another actor system") {
  Program program;
  const auto port = program.system.middleman().publish(program.service, 0, "127.0.0.1");
  REQUIRE(port);
  Configuration configuration;
  caf::actor_system elsewhere{configuration};
  const auto service = elsewhere.middleman().remote_actor<weir::ServiceActor>("127.0.0.1", *port);
  REQUIRE(service);
  caf::scoped_actor self{elsewhere};
  const auto started = ask<weir::HandlerMessage>(self, *service, weir::StartMessage{.workflow = "shop", .start = Order{"kettle"}});
  ask<weir::HandlerMessage>(self, *service, weir::SubscribeMessage{.handler_id = started.handler_id, .subscriber = self});
  int weight = 0;
  bool over = false;
  while (!over)
    self->receive(
        [&](const weir::StreamedMessage& message) {
          if (message.event.is<Packed>()) weight = message.event.as<Packed>().weight;
          if (message.event.is<Confirm>())
            CHECK(ask<bool>(self, *service, weir::SendMessage{.handler_id = started.handler_id, .event = Confirmed{true}}));
        },
        [&](const weir::StreamEndedMessage&) { over = true; });
  CHECK(weight == 6);
}

TEST_CASE("caf: a reader whose process goes away in the middle is forgotten, and goes on where it was when it is back") {
  Program program;
  const auto port = program.system.middleman().publish(program.service, 0, "127.0.0.1");
  REQUIRE(port);
  std::string id;
  std::int64_t last = -1;
  std::vector<std::string> seen;
  // A process each: the second one comes after the first has gone, with no word to anybody.
  const auto read = [&](bool first) {
    Configuration configuration;
    caf::actor_system elsewhere{configuration};
    const auto service = elsewhere.middleman().remote_actor<weir::ServiceActor>("127.0.0.1", *port);
    REQUIRE(service);
    caf::scoped_actor self{elsewhere};
    if (first) id = ask<weir::HandlerMessage>(self, *service, weir::StartMessage{.workflow = "shop", .start = Order{"tea"}}).handler_id;
    ask<weir::HandlerMessage>(self, *service, weir::SubscribeMessage{.handler_id = id, .subscriber = self, .after = last});
    bool over = false;
    while (!over)
      self->receive(
          [&](const weir::StreamedMessage& message) {
            seen.push_back(message.event.type);
            last = message.sequence;
            over = first;
          },
          [&](const weir::StreamEndedMessage&) { over = true; });
  };
  read(true);
  std::thread answering([&] {
    caf::scoped_actor self{program.system};
    CHECK(ask<bool>(self, program.service, weir::SendMessage{.handler_id = id, .event = Confirmed{true}}));
  });
  answering.join();
  read(false);
  CHECK(seen == std::vector<std::string>{"Packed", "Confirm", "Shipped"});
}

namespace {

/// A program whose parts end in an order of their own.
struct Parts {
  Configuration configuration;
  std::unique_ptr<caf::actor_system> system = std::make_unique<caf::actor_system>(configuration);
  Scale typed = system->spawn(scale, 1);
  std::unique_ptr<weir::Runtime> runtime = std::make_unique<weir::Runtime>();
  Parts() { runtime->add_workflow<Shop>("shop", typed, caf::actor_cast<caf::actor>(typed)); }
  ~Parts() {
    if (system) caf::anon_send_exit(typed, caf::exit_reason::user_shutdown);
  }
  void end_system() {
    caf::anon_send_exit(typed, caf::exit_reason::user_shutdown);
    system.reset();
  }
};

}  // namespace

TEST_CASE("caf: when the runtime goes first, what waits for its runs is told so, and so is who asks later") {
  Parts parts;
  const auto service = weir::spawn_service(*parts.system, *parts.runtime);
  caf::scoped_actor self{*parts.system};
  const auto started = ask<weir::HandlerMessage>(self, service, weir::StartMessage{.workflow = "shop", .start = Order{"tea"}});
  std::string waited;
  bool answered = false;
  // CAF 0.17 binds a reference to nothing when a function is spawned without an argument.
  auto waiting = parts.system->spawn(
      [&](caf::event_based_actor* actor, int) {
        weir::compat::request(actor, service, weir::RunMessage{.workflow = "shop", .start = Order{"milk"}})
            .then([&](const weir::HandlerMessage&) { answered = true; },
                  [&, actor](const caf::error& error) {
                    waited = weir::compat::text_of(actor->home_system(), error);
                    answered = true;
                  });
      },
      0);
  until("both runs are there", [&] { return parts.runtime->service().live_runs() == 2; });
  parts.runtime.reset();
  self->wait_for(waiting);
  CHECK(answered);
  CHECK_MESSAGE(waited.find("the runtime has ended") != std::string::npos, waited);
  std::string failed;
  ask<weir::HandlerMessage>(self, service, weir::QueryMessage{.handler_id = started.handler_id}, &failed);
  CHECK_MESSAGE(failed.find("the runtime has ended") != std::string::npos, failed);
  caf::anon_send_exit(service, caf::exit_reason::user_shutdown);
  self->wait_for(service);
}

TEST_CASE("caf: a step that asks an actor whose system has gone fails with a sentence") {
  Parts parts;
  parts.end_system();
  const auto run = parts.runtime->start("shop", Order{"tea"});
  CHECK_THROWS_WITH_AS((void)run.result<Shipped>(), "the actor did not answer: it has ended", weir::RunFailed);
}

TEST_CASE("caf: a step that waits for an actor of a process that goes away fails at once") {
  Parts parts;
  std::promise<void> taken;
  Configuration configuration;
  auto elsewhere = std::make_unique<caf::actor_system>(configuration);
  const auto silent = elsewhere->spawn(
      [&](caf::event_based_actor* actor, int) -> caf::behavior {
        return {[&, actor, kept = std::make_shared<std::vector<caf::response_promise>>()](const std::string&) {
          kept->push_back(actor->make_response_promise());
          taken.set_value();
          return kept->back();
        }};
      },
      0);
  const auto port = elsewhere->middleman().publish(silent, 0, "127.0.0.1");
  REQUIRE(port);
  const auto remote = parts.system->middleman().remote_actor("127.0.0.1", *port);
  REQUIRE(remote);
  parts.runtime->add_workflow<Shop>("far", parts.typed, *remote);
  const auto run = parts.runtime->start("far", Order{"tea"});
  REQUIRE(taken.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  caf::anon_send_exit(silent, caf::exit_reason::kill);
  elsewhere.reset();
  std::string failed;
  try {
    (void)run.result<Shipped>();
  } catch (const weir::RunFailed& error) { failed = error.what(); }
  CHECK_MESSAGE(failed.starts_with("the actor did not answer: "), failed);
}
