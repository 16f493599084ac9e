// Events that nobody takes: told to who sent them, refused, kept in a mailbox; over restarts, sleep and forks.
#include <doctest/doctest.h>

#include "actors/runtime/service.hpp"
#include "flows.hpp"
#include "fork.hpp"
#include "tests/store/temporary.hpp"
#include "tests/until.hpp"

#include <future>

using namespace flows;
using weir::Code;
using weir::Context;
using weir::Runtime;
using weir::StartEvent;
using weir::StopEvent;
using weir::Task;

namespace {

struct Message {
  using kind = weir::HumanResponseEvent;
  int n;
  std::string text = "";
};

/// Receives a message whenever somebody says so; ends with what it has received.
struct Inbox : weir::Workflow {
  int enough;
  explicit Inbox(int count, std::uint32_t events_max = weir::mailbox_events_max) : enough(count) {
    mailbox<Message>(events_max);
    step<&Inbox::begin>();
    step<&Inbox::take>();
    no_timeout();
  }
  Review begin(const StartEvent&) { return {"next?"}; }
  Task<std::variant<Review, StopEvent>> take(Context& ctx, const Verdict& verdict) {
    weir::WaitOptions wanted{.timeout = std::nullopt};
    if (!verdict.note.empty()) wanted.requirements = weir::Object{{"text", verdict.note}};
    const auto message = co_await ctx.receive<Message>(wanted);
    // Looked at behind the edit: a body that is repeated finds its own edits done.
    ctx.store().edit([&](weir::Object& state) {
      auto& got = state["got"];
      got = (got.is_string() ? got.as_string() : "") + std::to_string(message.n);
    });
    const auto got = ctx.store().get<std::string>("got", "");
    if (static_cast<int>(got.size()) < enough) co_return Review{got};
    co_return StopEvent{got};
  }
};

/// Two questions, one after the other, in one body.
struct TwoQuestions : weir::Workflow {
  explicit TwoQuestions(bool narrow = false) {
    step<&TwoQuestions::ask>();
    no_timeout();
    if (narrow) num_concurrent_runs(1);
  }
  Task<StopEvent> ask(Context& ctx, const StartEvent&) {
    const weir::WaitOptions first{.publish = Review{"first?"}, .timeout = 24h}, second{.publish = Review{"second?"}, .timeout = 24h};
    const auto a = co_await ctx.wait_for_event<Verdict>(first);
    const auto b = co_await ctx.wait_for_event<Verdict>(second);
    co_return StopEvent{a.note + b.note};
  }
};

struct Disk {
  TemporaryFolder folder;
  std::shared_ptr<weir::Store> store;
  template <class F>
  std::unique_ptr<Runtime> boot(F&& register_workflows, std::optional<weir::Duration> idle_timeout = std::nullopt,
                                weir::Durability durability = weir::Durability::strict) {
    store = nullptr;
    store = weir::sqlite(folder.file("weir.db"), {.sync = weir::SqliteSync::normal});
    auto runtime = std::make_unique<Runtime>(weir::RuntimeOptions{.store = store, .durability = durability, .idle_timeout = idle_timeout});
    register_workflows(*runtime);
    return runtime;
  }
};

void until_asleep(Runtime& runtime) {
  until("all runs sleep", [&] { return runtime.service().live_runs() == 0; });
}
void until_waiting(const weir::Run& run, const std::string& type) {
  until("the run waits for " + type, [&] { return run.handler().waiting_for.find("\"" + type + "\"") != std::string::npos; });
}
/// The run has asked so many times, and waits.
void until_asked(Runtime& runtime, const weir::Run& run, int times) {
  until("the run has asked " + std::to_string(times) + " times", [&] {
    int asked = 0;
    for (const auto& row : runtime.service().store().read_events(run.run_id(), -1, 1000))
      if (row.payload->json().find(R"("type":"Review")") != std::string_view::npos) ++asked;
    return asked >= times && run.handler().idle_since.has_value();
  });
}
weir::Value unhandled(const weir::Run& run) {
  const auto text = run.handler().unhandled;
  return text.empty() ? weir::Value() : *weir::parse_json(text);
}
bool taken(const weir::Expected<bool>& sent) {
  REQUIRE_MESSAGE(sent.ok(), sent.error().message);
  return *sent;
}

/// What the run was behind its last event, as another handler.
weir::Run fork_of_last(Runtime& runtime, const weir::Run& run, const std::string& handler_id) {
  return fork(runtime, run, runtime.service().store().last_event(run.run_id())->sequence, handler_id);
}

}  // namespace

TEST_CASE("a mailbox keeps what is posted at once, in order, while nobody asks for it") {
  Runtime runtime;
  runtime.add_workflow<Inbox>("inbox", 3);
  const auto run = runtime.start("inbox", StartEvent());
  until_waiting(run, "Verdict");
  for (const int n : {1, 2, 3}) CHECK(taken(run.send_event(Message{n})));
  for (int i = 0; i < 3; ++i) {
    until_asked(runtime, run, 1 + i);
    CHECK(taken(run.send_event(Verdict{true})));
  }
  CHECK(run.result<std::string>() == "123");
  CHECK(unhandled(run).is_null());
}

TEST_CASE("the oldest message that fits is received, whether it lies there or has yet to come") {
  Runtime runtime;
  runtime.add_workflow<Inbox>("inbox", 3);
  const auto run = runtime.start("inbox", StartEvent());
  until_waiting(run, "Verdict");
  CHECK(taken(run.send_event(Message{1, "letter"})));
  CHECK(taken(run.send_event(Message{2, "parcel"})));
  CHECK(taken(run.send_event(Verdict{true, "parcel"})));
  until_asked(runtime, run, 2);
  CHECK(taken(run.send_event(Verdict{true, "card"})));
  until_waiting(run, "Message");
  CHECK(taken(run.send_event(Message{3, "letter"})));
  CHECK(taken(run.send_event(Message{4, "card"})));
  until_asked(runtime, run, 3);
  CHECK(taken(run.send_event(Verdict{true})));
  CHECK(run.result<std::string>() == "241");
  // One letter is left behind when the run ends.
  const auto told = unhandled(run);
  CHECK(told.find("count")->as_integer() == 1);
  const auto& left = told.find("newest")->as_array().at(0);
  CHECK(left.find("event_type")->as_string() == "Message");
  CHECK(left.find("value")->find("n")->as_integer() == 3);
}

TEST_CASE("mail survives a restart, sleep and a snapshot, and is there in a fork") {
  const std::string padding(30'000, 'x');  // large enough that the journal is replaced by a snapshot
  for (const bool sleeps : {false, true}) {
    for (const auto durability : {weir::Durability::strict, weir::Durability::pipelined}) {
      CAPTURE(sleeps);
      Disk disk;
      const auto boot = [&] {
        return disk.boot([](Runtime& runtime) { runtime.add_workflow<Inbox>("inbox", 3); },
                         sleeps ? std::optional<weir::Duration>(0ms) : std::nullopt, durability);
      };
      auto runtime = boot();
      auto run = runtime->start("inbox", StartEvent(), "h");
      until_waiting(run, "Verdict");
      for (const int n : {1, 2, 3}) {
        CHECK(taken(run.send_event(Message{n, padding})));
        if (sleeps) until_asleep(*runtime);
      }
      CHECK(disk.store->read_journal(run.run_id()).snapshot);
      const auto forked = fork_of_last(*runtime, run, "fork");
      until_waiting(forked, "Verdict");
      const auto answer_all = [&](const std::string& handler_id, int asked) {
        for (int i = 0; i < 3; ++i) {
          const auto one = *runtime->find_run(handler_id);
          if (i > 0 || asked > 0) until_asked(*runtime, one, asked + i);
          CHECK(taken(one.send_event(Verdict{true})));
          if (sleeps) continue;
          runtime = nullptr;
          runtime = boot();
          runtime->recover();
        }
        CHECK(runtime->find_run(handler_id)->result<std::string>() == "123");
      };
      answer_all("h", 1);
      answer_all("fork", 0);
    }
  }
}

TEST_CASE("a body that has received is repeated with the same message, also in the next process") {
  Disk disk;
  std::atomic<int> bodies = 0, failures = 0;
  struct Retrying : weir::Workflow {
    std::function<Task<StopEvent>(Context&)> body;
    explicit Retrying(std::function<Task<StopEvent>(Context&)> given) : body(std::move(given)) {
      mailbox<Message>();
      step<&Retrying::run>().retry({.max_attempts = 3, .initial = 1ms});
      no_timeout();
    }
    Task<StopEvent> run(Context& ctx, const StartEvent&) { return body(ctx); }
  };
  const auto body = [&](Context& ctx) -> Task<StopEvent> {
    ++bodies;
    const auto first = co_await ctx.receive<Message>();
    if (failures++ == 0) throw std::runtime_error("not yet");
    const auto second = co_await ctx.receive<Message>();
    co_return StopEvent{std::to_string(first.n) + std::to_string(second.n)};
  };
  const auto boot = [&] { return disk.boot([&](Runtime& runtime) { runtime.add_workflow<Retrying>("retrying", body); }); };
  auto runtime = boot();
  auto run = runtime->start("retrying", StartEvent(), "h");
  until_waiting(run, "Message");
  CHECK(taken(run.send_event(Message{1})));
  until("the body has failed once", [&] { return failures == 2; });
  until_waiting(run, "Message");
  runtime = nullptr;
  runtime = boot();
  runtime->recover();
  CHECK(taken(runtime->find_run("h")->send_event(Message{2})));
  CHECK(runtime->find_run("h")->result<std::string>() == "12");
  CHECK(bodies == 3);
}

TEST_CASE("a mailbox that is full refuses what comes, and has room again when something was received") {
  Runtime runtime;
  runtime.add_workflow<Inbox>("inbox", 3, 2u);
  const auto run = runtime.start("inbox", StartEvent());
  until_waiting(run, "Verdict");
  CHECK(taken(run.send_event(Message{1})));
  CHECK(taken(run.send_event(Message{2})));
  const auto refused = run.send_event(Message{3});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Code::resource_exhausted);
  CHECK(refused.error().message ==
        "The run's mailbox for Message is full: it keeps 2 events that have not been received yet: try again later");
  CHECK(taken(run.send_event(Verdict{true})));
  until_asked(runtime, run, 2);
  CHECK(taken(run.send_event(Message{3})));
  CHECK(taken(run.send_event(Verdict{true})));
  until_asked(runtime, run, 3);
  CHECK(taken(run.send_event(Verdict{true})));
  CHECK(run.result<std::string>() == "123");
}

TEST_CASE("receiving without a mailbox is a mistake that is named") {
  Runtime runtime({.log = nullptr});
  runtime.add_workflow<Coroutine>("none", [](Context& ctx) -> Task<StopEvent> {
    co_await ctx.receive<Message>();
    co_return StopEvent();
  });
  const auto run = runtime.start("none", StartEvent());
  CHECK(run.wait().error == "ctx.receive<Message>(): the workflow keeps no such events: declare mailbox<Message>() in its constructor");
}

TEST_CASE("a double click is told that nobody took it, and does not answer the next question") {
  Runtime runtime;
  runtime.add_workflow<TwoQuestions>("two");
  const auto run = runtime.start("two", StartEvent());
  until_waiting(run, "Verdict");
  // Both are sent before the body has gone on.
  std::vector<std::future<weir::Expected<bool>>> clicks;
  for (int i = 0; i < 2; ++i) clicks.push_back(std::async(std::launch::async, [&] { return run.send_event(Verdict{true, "a"}); }));
  int took = 0;
  for (auto& click : clicks) took += taken(click.get()) ? 1 : 0;
  if (took == 1) {  // else the second came when the next question had been asked already
    CHECK(unhandled(run).find("count")->as_integer() == 1);
    until_waiting(run, "Verdict");
    CHECK(taken(run.send_event(Verdict{true, "b"})));
    CHECK(run.result<std::string>() == "ab");
  }
}

TEST_CASE("an event that has to be taken is refused with what the run waits for, and nothing changes") {
  Disk disk;
  for (const bool sleeps : {false, true}) {
    CAPTURE(sleeps);
    auto runtime =
        disk.boot([](Runtime& r) { r.add_workflow<TwoQuestions>("two"); }, sleeps ? std::optional<weir::Duration>(0ms) : std::nullopt);
    const auto run = runtime->start("two", StartEvent(), sleeps ? "sleeps" : "stays");
    until_waiting(run, "Verdict");
    if (sleeps) until_asleep(*runtime);
    const auto before = disk.store->read_journal(run.run_id());
    const auto last = disk.store->last_event(run.run_id())->sequence;
    const auto refused = run.send_event(Message{1}, weir::SendOptions{.strict = true});
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Code::conflict);
    CHECK(refused.error().message == "Nothing in the run takes Message now: the run waits for Verdict (step 'ask')");
    CHECK(disk.store->read_journal(run.run_id()).ticks.size() == before.ticks.size());
    CHECK(disk.store->last_event(run.run_id())->sequence == last);
    CHECK(run.handler().unhandled.empty());
    CHECK(taken(run.send_event(Verdict{true, "a"}, weir::SendOptions{.strict = true})));
    until_waiting(run, "Verdict");
    CHECK(taken(run.send_event(Verdict{true, "b"}, weir::SendOptions{.strict = true})));
    CHECK(run.result<std::string>() == "ab");
  }
}

TEST_CASE("what nobody took stands in the run's row: how many, and the newest ten; over restarts, and not in the next run") {
  Disk disk;
  const auto boot = [&] { return disk.boot([](Runtime& runtime) { runtime.add_workflow<TwoQuestions>("two"); }); };
  auto runtime = boot();
  auto run = runtime->start("two", StartEvent(), "h");
  until_waiting(run, "Verdict");
  CHECK_FALSE(taken(run.send_event(Message{0, std::string(5000, 'x')})));
  CHECK(unhandled(run).find("newest")->as_array().at(0).find("value")->is_null());
  CHECK(unhandled(run).find("newest")->as_array().at(0).find("value_bytes")->as_integer() > 5000);
  for (int n = 1; n <= 12; ++n) CHECK_FALSE(taken(run.send_event(Message{n})));
  runtime = nullptr;
  runtime = boot();
  runtime->recover();
  run = *runtime->find_run("h");
  CHECK_FALSE(taken(run.send_event(Message{13})));
  const auto told = unhandled(run);
  CHECK(told.find("count")->as_integer() == 14);
  const auto& newest = told.find("newest")->as_array();
  REQUIRE(newest.size() == 10);
  for (int i = 0; i < 10; ++i) CHECK(newest[static_cast<std::size_t>(i)].find("value")->find("n")->as_integer() == 13 - i);
  // The sequence is that of the event which tells of it.
  const auto sequence = newest[0].find("sequence")->as_integer();
  const auto event = disk.store->read_events(run.run_id(), sequence - 1, 1).at(0);
  CHECK(std::string(event.payload->json()).find("UnhandledEvent") != std::string::npos);
  CHECK(run.cancel());
  CHECK(unhandled(run).find("count")->as_integer() == 14);
  run = runtime->start("two", StartEvent(), "h");
  until_waiting(run, "Verdict");
  CHECK(run.handler().unhandled.empty());
}

TEST_CASE("an answer that comes while the run queues for its turn is there when the step asks; what nobody asks for is told") {
  Disk disk;
  const auto boot = [&] { return disk.boot([](Runtime& runtime) { runtime.add_workflow<TwoQuestions>("two", true); }); };
  for (const bool restarts : {false, true}) {
    CAPTURE(restarts);
    const std::string name = restarts ? "restarts" : "stays";
    auto runtime = boot();
    const auto first = runtime->start("two", StartEvent(), name + " first");
    until_waiting(first, "Verdict");
    runtime->start("two", StartEvent(), name);
    until("the second queues", [&] { return runtime->find_run(name)->queue_position() == 1; });
    CHECK(taken(runtime->find_run(name)->send_event(Verdict{true, "a"})));
    CHECK(taken(runtime->find_run(name)->send_event(Message{1})));
    const auto strict = runtime->find_run(name)->send_event(Verdict{true, "a"}, weir::SendOptions{.strict = true});
    REQUIRE_FALSE(strict.ok());
    CHECK(strict.error().message ==
          "Nothing in the run takes Verdict now: the run waits for its turn among its workflow's concurrent runs");
    if (restarts) runtime = nullptr, runtime = boot(), runtime->recover();
    CHECK(runtime->find_run(name + " first")->cancel());
    const auto second = *runtime->find_run(name);
    until_waiting(second, "Verdict");
    until("the message has been let go of", [&] { return !unhandled(second).is_null(); });
    CHECK(unhandled(second).find("newest")->as_array().at(0).find("event_type")->as_string() == "Message");
    CHECK(unhandled(second).find("count")->as_integer() == 1);
    CHECK(taken(second.send_event(Verdict{true, "b"})));
    CHECK(second.result<std::string>() == "ab");
  }
}

TEST_CASE("runs that were begun before their workflow had a mailbox have one from the next process on") {
  Disk disk;
  struct Plain : weir::Workflow {
    explicit Plain(bool keeps) {
      step<&Plain::begin>();
      step<&Plain::take>();
      if (keeps) mailbox<Message>();
      no_timeout();
    }
    Review begin(const StartEvent&) { return {"?"}; }
    Task<StopEvent> take(Context& ctx, const Verdict&) {
      const auto message = co_await ctx.receive<Message>();
      co_return StopEvent{std::to_string(message.n)};
    }
  };
  auto runtime = disk.boot([](Runtime& r) { r.add_workflow<Plain>("plain", false); });
  auto run = runtime->start("plain", StartEvent(), "h");
  until_waiting(run, "Verdict");
  CHECK_FALSE(taken(run.send_event(Message{1})));
  runtime = nullptr;
  runtime = disk.boot([](Runtime& r) { r.add_workflow<Plain>("plain", true); });
  runtime->recover();
  run = *runtime->find_run("h");
  CHECK(taken(run.send_event(Message{2})));
  CHECK(taken(run.send_event(Verdict{true})));
  CHECK(run.result<std::string>() == "2");
}
