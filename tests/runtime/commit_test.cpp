// A run's commits: where they are, and what becomes of them when the store does not answer.
#include <doctest/doctest.h>

#include "actors/runtime/commit/commit_queue.hpp"
#include "actors/runtime/commit/commit_state.hpp"
#include "actors/runtime/service.hpp"
#include "flows.hpp"
#include "tests/store/switched_store.hpp"
#include "tests/store/temporary.hpp"
#include "tests/until.hpp"

#include <map>

using namespace flows;
using weir::Code;
using weir::Durability;
using weir::HandlerStatus;
using weir::Runtime;
using weir::StartEvent;
using weir::StopEvent;
using weir::Task;
using Mode = SwitchedStore::Mode;

namespace {

using namespace weir::runtime;

/// Commits that it is given, without looking into them.
class ListStore final : public ForwardingStore {
public:
  ListStore() : ForwardingStore(weir::memory()) {}
  bool durable() const noexcept override { return true; }
  std::vector<weir::Expected<bool>> commit_all(const std::vector<weir::Commit>& commits) override {
    std::vector<weir::Expected<bool>> out;
    const std::lock_guard lock(mutex);
    for (const auto& commit : commits) {
      if (fails) out.push_back(weir::Error{Code::unavailable, "no"});
      else if (commit.run_id == "wrong") out.push_back(weir::Error{Code::internal, "never"});
      else {
        out.push_back(true);
        made.push_back(commit.run_id);
      }
    }
    tries += fails;
    return out;
  }
  weir::Expected<bool> probe() override {
    const std::lock_guard lock(mutex);
    if (fails) return weir::Error{Code::unavailable, "no"};
    return true;
  }
  std::mutex mutex;
  bool fails = false;
  int tries = 0;
  std::vector<std::string> made;

  void set(bool failing) {
    const std::lock_guard lock(mutex);
    fails = failing;
  }
  int failed_tries() {
    const std::lock_guard lock(mutex);
    return tries;
  }
};

/// What owners have heard, in order.
struct Heard {
  std::mutex mutex;
  std::vector<std::string> words;
  CommitQueue::Tell teller(const std::string& name) {
    return [this, name](const CommitNews& news) {
      constexpr const char* kinds[] = {"durable", "delayed", "refused"};
      const std::lock_guard lock(mutex);
      words.push_back(name + " " + kinds[static_cast<int>(news.kind)]);
    };
  }
  std::vector<std::string> now() {
    const std::lock_guard lock(mutex);
    return words;
  }
};

weir::Commit commit_of(const std::string& run_id) { return {.run_id = run_id, .events = {}, .handler = {}, .states = {}}; }

struct Counting : weir::Workflow {
  std::atomic<int> effects = 0;
  std::atomic<int> second = 0;
  Counting() {
    step<&Counting::first>();
    step<&Counting::then>();
    step<&Counting::finish>();
  }
  Task<Draft> first(weir::Context& ctx, const Topic& topic) {
    const auto n = co_await ctx.run_once("effect", [&] { return ++effects; });
    co_return Draft{topic.subject + std::to_string(n)};
  }
  Review then(const Draft& draft) {
    ++second;
    return {draft.text};
  }
  Joke finish(const Verdict& verdict) { return {verdict.note}; }
};

struct Inner : weir::Workflow {
  std::atomic<int> runs = 0;
  Inner() { step<&Inner::work>(); }
  StopEvent work(const StartEvent&) {
    ++runs;
    return {7};
  }
};

struct Served {
  explicit Served(Durability durability = Durability::strict)
      : store(std::make_shared<SwitchedStore>(weir::sqlite(folder.file("weir.db")))), flow(std::make_shared<Counting>()) {
    boot(durability);
  }
  void boot(Durability durability = Durability::strict) {
    runtime = std::make_unique<Runtime>(weir::RuntimeOptions{.store = store, .durability = durability, .log = log.sink()});
    runtime->add_workflow("w", flow, {});
  }
  weir::Run asking(const std::string& id) {
    auto run = runtime->start("w", Topic{"a"}, id);
    until("the run asks", [&] { return !store->find_handler(id)->waiting_for.empty(); });
    return run;
  }
  TemporaryFolder folder;
  Log log;
  std::shared_ptr<SwitchedStore> store;
  std::shared_ptr<Counting> flow;
  std::unique_ptr<Runtime> runtime;
};

}  // namespace

TEST_CASE("commit state: every event in every state") {
  using enum CommitState;
  using enum CommitEvent;
  const std::map<std::pair<CommitState, CommitEvent>, CommitState> allowed{
      {{idle, submit}, writing},   {{idle, refuse}, ending},      {{idle, close}, closed},    {{writing, durable}, idle},
      {{writing, delay}, delayed}, {{writing, refuse}, ending},   {{delayed, durable}, idle}, {{delayed, delay}, delayed},
      {{delayed, refuse}, ending}, {{delayed, withdraw}, closed}, {{ending, delay}, ending},  {{ending, durable}, closed},
      {{ending, refuse}, closed},
  };
  for (const auto state : {idle, writing, delayed, ending, closed})
    for (const auto event : {submit, delay, durable, refuse, withdraw, close}) {
      CAPTURE(to_string(state));
      CAPTURE(to_string(event));
      const auto found = allowed.find({state, event});
      CHECK(after(state, event) == (found == allowed.end() ? std::nullopt : std::optional(found->second)));
    }
}

TEST_CASE(
    "a store that does not answer keeps nobody's commit: they are made in order when it does, and each owner hears of the delay once") {
  const auto store = std::make_shared<ListStore>();
  Heard heard;
  Timers timers;
  StoreHealth health(nullptr);
  CommitQueue queue(store, timers, health);
  store->set(true);
  queue.submit(commit_of("a"), heard.teller("a"));
  until("two tries have failed", [&] { return store->failed_tries() >= 2; });
  CHECK_FALSE(health.ok());
  CHECK(health.status().why == "no");
  CHECK(health.refusal("nothing was done").code == Code::unavailable);
  queue.submit(commit_of("b"), heard.teller("b"));
  until("the second owner knows", [&] { return heard.now().size() == 2; });
  CHECK(heard.now() == std::vector<std::string>{"a delayed", "b delayed"});
  store->set(false);
  until("both are made", [&] { return heard.now().size() == 4; });
  CHECK(heard.now() == std::vector<std::string>{"a delayed", "b delayed", "a durable", "b durable"});
  CHECK(store->made == std::vector<std::string>{"a", "b"});
  until("the store counts as well", [&] { return health.ok(); });
}

TEST_CASE("a commit that can never be made is refused, and the others are made") {
  const auto store = std::make_shared<ListStore>();
  Heard heard;
  Timers timers;
  StoreHealth health(nullptr);
  CommitQueue queue(store, timers, health);
  for (const auto* name : {"a", "wrong", "b"}) queue.submit(commit_of(name), heard.teller(name));
  until("all are answered", [&] { return heard.now().size() == 3; });
  CHECK(heard.now() == std::vector<std::string>{"a durable", "wrong refused", "b durable"});
  CHECK(health.ok());
}

TEST_CASE("a commit that waits for the store can be taken back, and the store is found well again without one") {
  const auto store = std::make_shared<ListStore>();
  Heard heard;
  Timers timers;
  StoreHealth health(nullptr);
  CommitQueue queue(store, timers, health);
  store->set(true);
  queue.submit(commit_of("a"), heard.teller("a"));
  until("it is delayed", [&] { return !heard.now().empty(); });
  until("it is taken back", [&] { return queue.withdraw("a"); });
  CHECK_FALSE(queue.withdraw("a"));
  store->set(false);
  until("the store counts as well", [&] { return health.ok(); });
  CHECK(store->made.empty());
  CHECK(heard.now() == std::vector<std::string>{"a delayed"});
}

TEST_CASE("a store that does not return counts as one that does not answer, until it does") {
  const TemporaryFolder folder;
  const auto store = std::make_shared<SwitchedStore>(weir::sqlite(folder.file("weir.db")));
  Heard heard;
  Timers timers;
  StoreHealth health(nullptr);
  CommitQueue queue(store, timers, health);
  store->set(Mode::hangs);
  queue.submit(commit_of("a"), heard.teller("a"));
  until("it is delayed", [&] { return !heard.now().empty(); });
  CHECK_FALSE(health.ok());
  CHECK_FALSE(queue.withdraw("a"));  // the store may be writing it
  store->set(Mode::works);
  until("it is made", [&] { return heard.now().size() == 2; });
  CHECK(heard.now() == std::vector<std::string>{"a delayed", "a durable"});
  until("the store counts as well", [&] { return health.ok(); });
}

TEST_CASE("while the store fails requests are refused at once, runs stay where they are, and all goes on by itself when it is back") {
  for (const auto durability : {Durability::strict, Durability::pipelined}) {
    CAPTURE(static_cast<int>(durability));
    Served served(durability);
    auto& runtime = *served.runtime;
    const auto waiting = served.asking("waiting"), other = served.asking("other");
    served.store->set(Mode::fails);

    // Who comes first finds out that the store fails. Its event may count or not, and it is told so.
    const auto first = waiting.send_event(Verdict{true, "first"});
    REQUIRE_FALSE(first.ok());
    CHECK(first.error().code == Code::unavailable);
    CHECK_MESSAGE(first.error().message.find("the disk is full") != std::string::npos, first.error().message);
    CHECK_MESSAGE(first.error().message.find("it may still be done") != std::string::npos, first.error().message);

    // Those after it are told that nothing was done.
    const auto refused = [](const weir::Error& error) {
      CHECK(error.code == Code::unavailable);
      CHECK_MESSAGE(error.message.find("nothing was done") != std::string::npos, error.message);
    };
    const auto second = other.send_event(Verdict{true, "second"});
    REQUIRE_FALSE(second.ok());
    refused(second.error());
    try {
      other.cancel();
      FAIL("cancelled");
    } catch (const weir::StoreFailure& error) { refused({error.code, error.what()}); }
    try {
      runtime.start("w", Topic{}, "new");
      FAIL("started");
    } catch (const weir::StoreFailure& error) { refused({error.code, error.what()}); }
    CHECK(runtime.service().store_status().kind == StoreStatus::Kind::failing);
    CHECK(served.store->find_handler("waiting")->status == HandlerStatus::running);

    served.store->set(Mode::works);
    CHECK(waiting.result<Joke>().text == "first");
    CHECK_FALSE(served.store->find_handler("new"));
    until("the store counts as well", [&] { return runtime.service().store_status().kind == StoreStatus::Kind::ready; });
    CHECK(other.send_event(Verdict{true, "again"}).ok());
    CHECK(other.result<Joke>().text == "again");
    CHECK(served.flow->effects == 2);
  }
}

TEST_CASE("a pipelined start that finds the store failing is not taken back, as its steps have begun: it goes on, and does nothing twice") {
  Served served(Durability::pipelined);
  served.store->set(Mode::fails);
  try {
    served.runtime->start("w", Topic{}, "h");
    FAIL("started");
  } catch (const weir::StoreFailure& error) {
    CHECK_MESSAGE(std::string(error.what()).find("it may still be done") != std::string::npos, error.what());
  }
  served.store->set(Mode::works);
  until("the run asks", [&] {
    const auto row = served.store->find_handler("h");
    return row && !row->waiting_for.empty();
  });
  CHECK(served.flow->effects == 1);
}

TEST_CASE("a start that finds the store failing is taken back: nothing of it is there, and its id is free") {
  Served served;
  served.store->set(Mode::fails);
  CHECK_THROWS_AS(served.runtime->start("w", Topic{}, "h"), weir::StoreFailure);
  until("nobody has the run", [&] { return served.runtime->service().live_runs() == 0; });
  served.store->set(Mode::works);
  until("the store counts as well", [&] { return served.runtime->service().store_status().kind == StoreStatus::Kind::ready; });
  CHECK_FALSE(served.store->find_handler("h"));
  const auto run = served.asking("h");
  CHECK(run.send_event(Verdict{true, "yes"}).ok());
  CHECK(run.result<Joke>().text == "yes");
}

TEST_CASE("a start that a hanging store has in its hands is refused as uncertain, and goes on when the store returns") {
  Served served;
  served.store->set(Mode::hangs);
  try {
    served.runtime->start("w", Topic{}, "h");
    FAIL("started");
  } catch (const weir::StoreFailure& error) {
    CHECK_MESSAGE(std::string(error.what()).find("it may still be done") != std::string::npos, error.what());
  }
  served.store->set(Mode::works);
  until("the run asks", [&] {
    const auto row = served.store->find_handler("h");
    return row && !row->waiting_for.empty();
  });
  CHECK(served.flow->effects == 1);
}

TEST_CASE("what a run is doing when the store fails is done once, however often somebody looks meanwhile") {
  Served served;
  std::latch begun(1), go(1);
  served.runtime->add_workflow<Blocking>("slow", [&](weir::Context&) {
    begun.count_down();
    go.wait();
    return StopEvent{1};
  });
  const auto run = served.runtime->start("slow", StartEvent(), "s");
  begun.wait();
  served.store->set(Mode::fails);
  go.count_down();
  until("its end could not be stored", [&] { return served.store->failures() > 0; });
  for (int i = 0; i < 10; ++i) CHECK(served.runtime->find_run("s")->handler().status == HandlerStatus::running);
  CHECK(served.runtime->service().live_runs() == 1);
  served.store->set(Mode::works);
  CHECK(run.result<int>() == 1);
}

TEST_CASE("a commit that can never be made ends its run alone, with the reason") {
  Served served;
  const auto bad = served.asking("bad"), good = served.asking("good");
  served.store->refuse(bad.run_id());
  const auto sent = bad.send_event(Verdict{true, "?"});
  REQUIRE_FALSE(sent.ok());
  CHECK(sent.error().code == Code::internal);
  const auto end = bad.wait();
  CHECK(end.status == HandlerStatus::failed);
  CHECK(end.error == "it could not be stored: a row that cannot be");
  CHECK(served.store->last_event(bad.run_id())->terminal);
  CHECK(good.send_event(Verdict{true, "fine"}).ok());
  CHECK(good.result<Joke>().text == "fine");
}

TEST_CASE("a child that is to begin while the store fails begins when it is back, once") {
  for (const auto durability : {Durability::strict, Durability::pipelined}) {
    CAPTURE(static_cast<int>(durability));
    struct Outer : weir::Workflow {
      explicit Outer(std::shared_ptr<Inner> inner) {
        step<&Outer::ask>();
        step<&Outer::begin>();
        step<&Outer::finish>();
        child<Inner>("inner", std::move(inner));
      }
      Review ask(const Topic&) { return {"?"}; }
      StartEvent begin(const Verdict&) { return {}; }
      Joke finish(const StopEvent& stop) { return {weir::to_json(stop.result)}; }
    };
    Served served(durability);
    const auto inner = std::make_shared<Inner>();
    served.runtime->add_workflow("outer", std::make_shared<Outer>(inner), {});
    const auto run = served.runtime->start("outer", Topic{}, "o");
    until("it asks", [&] { return !served.store->find_handler("o")->waiting_for.empty(); });
    served.store->set(Mode::fails);
    CHECK_FALSE(run.send_event(Verdict{true}).ok());
    served.store->set(Mode::works);
    run.wait();
    CHECK(inner->runs == 1);
    CHECK(run.wait().status == HandlerStatus::completed);
  }
}

TEST_CASE("a damaged store is written to no more: nothing starts, and whoever asks is told why") {
  Served served;
  const auto run = served.asking("h");
  served.store->set(Mode::damaged);
  CHECK(run.send_event(Verdict{true}).error().code == Code::unavailable);
  until("it is known", [&] { return served.runtime->service().store_status().kind == StoreStatus::Kind::damaged; });
  CHECK_THROWS_AS(served.runtime->start("w", Topic{}), weir::StoreFailure);
  CHECK(served.runtime->service().store_status().why == "the database is damaged");
  CHECK(served.store->find_handler("h")->status == HandlerStatus::running);
}

TEST_CASE("a run that cannot be read when its time comes is read later, by itself") {
  Served served;
  weir::RuntimeOptions options{.store = served.store, .idle_timeout = 1ms, .log = served.log.sink()};
  served.runtime = std::make_unique<Runtime>(options);
  served.runtime->add_workflow<Coroutine>("sleepy", [](weir::Context& ctx) -> Task<StopEvent> {
    const weir::WaitOptions wait{.timeout = 700ms};
    try {
      co_await ctx.wait_for_event<Verdict>(wait);
    } catch (const weir::WaitTimeout&) {}
    co_return StopEvent{3};
  });
  served.runtime->start("sleepy", StartEvent(), "s");
  until("it sleeps", [&] { return served.runtime->service().live_runs() == 0; });
  served.store->fail_reads(true);
  until("it was tried in vain", [&] {
    const std::lock_guard lock(served.log.mutex);
    return std::any_of(served.log.lines.begin(), served.log.lines.end(),
                       [](const auto& line) { return line.find("could not be") != line.npos; });
  });
  served.store->fail_reads(false);
  until("it is over", [&] { return served.store->find_handler("s")->terminal(); });
  CHECK(served.store->find_handler("s")->status == HandlerStatus::completed);
}

TEST_CASE("a start that is sent again before the store has its key does not begin a second run") {
  const TemporaryFolder folder;
  const auto store = std::make_shared<SwitchedStore>(weir::sqlite(folder.file("weir.db"), {.sync = weir::SqliteSync::normal}));
  weir::RuntimeOptions options;
  options.store = store;
  options.durability = Durability::pipelined;
  Runtime runtime(options);
  runtime.add_workflow("inner", std::make_shared<Inner>(), {});
  auto& service = runtime.service();
  const auto start = [&] {
    std::optional<weir::Error> refused;
    service.start(
        {.workflow = service.find_workflow("inner"), .start = StartEvent(), .handler_id = "", .key = weir::IdempotencyKey{"k", "f"}},
        nullptr, nullptr, [&](const weir::Error& error) { refused = error; });
    return refused;
  };
  store->set(Mode::hangs);
  CHECK_FALSE(start().has_value());
  for (int i = 0; i < 3; ++i) {
    const auto refused = start();
    REQUIRE(refused.has_value());
    CHECK(refused->code == Code::unavailable);
  }
  store->set(Mode::works);
  until("the key is in the store", [&] { return store->find_key("k").has_value(); });
  CHECK(start().has_value());
  CHECK(store->list_handlers({}, {}).size() == 1);
}
