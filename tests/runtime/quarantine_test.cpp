// Runs that the process dies of are quarantined; those that were only at work then go on.
#include <doctest/doctest.h>

#include "flows.hpp"
#include "tests/store/temporary.hpp"
#include "tests/until.hpp"

#include <weir/store.hpp>

using namespace flows;
using weir::HandlerRow;

namespace {

/// Bodies that are at work until they are told to end, or their process does.
struct Bodies {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::set<std::string> ended;
  std::map<std::string, int> begun;

  int count(const std::string& handler_id) {
    const std::lock_guard lock(mutex);
    return begun[handler_id];
  }
  void end(const std::string& handler_id) {
    {
      const std::lock_guard lock(mutex);
      ended.insert(handler_id);
    }
    changed.notify_all();
  }
  StopEvent run(Context& ctx) {
    std::unique_lock lock(mutex);
    ++begun[ctx.handler_id()];
    changed.wait(lock, ctx.stop_token(), [&] { return ended.contains(ctx.handler_id()); });
    return {"ended"};
  }
};

/// One store, and one process after the other.
struct Processes {
  TemporaryFolder folder;
  Bodies bodies;
  Log log;
  std::shared_ptr<weir::Store> store = weir::sqlite(folder.file("weir.db"));
  std::unique_ptr<Runtime> runtime;

  void begin() {
    runtime = std::make_unique<Runtime>(weir::RuntimeOptions{.store = store, .log = log.sink()});
    auto work = [this](Context& ctx) { return bodies.run(ctx); };
    runtime->add_workflow<Blocking>("work", work);
    runtime->add_workflow<JokeFlow>("joke");
    runtime->recover();
  }
  void stop() { runtime = nullptr; }
  /// As a crash leaves it: the note that a process is at work stays.
  void die() {
    stop();
    REQUIRE(store->note_at_work(true).ok());
  }
  void die_and_begin() {
    die();
    begin();
  }
  weir::Run start(const std::string& id) {
    auto run = runtime->start("work", StartEvent(), id);
    wait_for(id, 1);
    return run;
  }
  void wait_for(const std::string& id, int bodies_begun) {
    until("body " + std::to_string(bodies_begun) + " of " + id, [&] { return bodies.count(id) >= bodies_begun; });
  }
  HandlerRow row(const std::string& id) const { return *store->find_handler(id); }
};

}  // namespace

TEST_CASE("a run that the process dies of three times in a row is quarantined, can be resumed or cancelled, and the others go on") {
  Processes processes;
  auto& [folder, bodies, log, store, runtime] = processes;
  processes.begin();
  processes.start("victim");
  processes.start("killer");  // began last
  processes.die_and_begin();
  processes.wait_for("victim", 2);
  processes.wait_for("killer", 2);
  CHECK(processes.row("killer").resumes == 1);
  processes.die_and_begin();
  processes.wait_for("victim", 3);
  processes.wait_for("killer", 3);
  CHECK(processes.row("killer").resumes == 2);

  processes.die_and_begin();  // from here on one by one
  processes.wait_for("killer", 4);
  CHECK(processes.row("killer").resumes == 3);
  CHECK(processes.row("victim").resumes == 2);
  CHECK(bodies.count("victim") == 3);
  const auto refused = runtime->find_run("victim")->send_event(Verdict{true});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == weir::Code::unavailable);
  CHECK(refused.error().message.starts_with("Handler 'victim' waits for its turn: "));

  processes.die_and_begin();
  processes.wait_for("victim", 4);
  CHECK(processes.row("victim").resumes == 1);  // it was the other
  CHECK(processes.row("killer").quarantined);
  CHECK(processes.row("killer").status == HandlerStatus::running);
  CHECK(bodies.count("killer") == 4);
  CHECK(log.has("is quarantined: the process died 3 times in a row while it was at work"));
  const auto held = runtime->find_run("killer")->send_event(Verdict{true});
  REQUIRE_FALSE(held.ok());
  CHECK(held.error().code == weir::Code::conflict);
  CHECK_THROWS_AS(runtime->start("work", StartEvent(), "killer"), weir::RunFailed);  // it is not over
  bodies.end("victim");
  CHECK(runtime->find_run("victim")->result<std::string>() == "ended");
  CHECK(processes.row("victim").resumes == 0);

  SUBCASE("it can be cancelled") {
    CHECK(runtime->find_run("killer")->cancel());
    CHECK(processes.row("killer").status == HandlerStatus::cancelled);
    CHECK_FALSE(processes.row("killer").quarantined);
  }
  SUBCASE("it can be resumed, and who waits for its end is told") {
    std::thread waiting([&] { CHECK(runtime->find_run("killer")->wait().status == HandlerStatus::completed); });
    runtime->resume("killer");
    processes.wait_for("killer", 5);
    CHECK_FALSE(processes.row("killer").quarantined);
    CHECK_THROWS_WITH_AS(runtime->resume("killer"), "Handler 'killer' is not quarantined", std::invalid_argument);
    bodies.end("killer");
    waiting.join();
  }
  SUBCASE("it has one chance when it is resumed") {
    runtime->resume("killer");
    processes.wait_for("killer", 5);
    processes.die_and_begin();
    CHECK(processes.row("killer").quarantined);
    CHECK(bodies.count("killer") == 5);
  }
  processes.stop();
}

TEST_CASE("ends in order, progress and rest are no crashes") {
  Processes processes;
  auto& [folder, bodies, log, store, runtime] = processes;
  processes.begin();
  processes.start("long");
  const auto joke = runtime->start("joke", Topic(), "asks");
  REQUIRE(joke.events().next());
  for (int end = 0; end < 5; ++end) {
    processes.stop();
    processes.begin();
    processes.wait_for("long", end + 2);
    CHECK(processes.row("long").resumes == 0);
  }
  for (int crash = 1; crash <= 2; ++crash) {
    processes.die_and_begin();
    processes.wait_for("long", crash + 6);
    CHECK(processes.row("long").resumes == crash);
    CHECK(processes.row("asks").resumes == 0);
  }
  processes.stop();
  processes.begin();  // an end in order: the count begins anew
  processes.wait_for("long", 9);
  CHECK(processes.row("long").resumes == 0);
  processes.stop();
}

TEST_CASE("a body that ends because its runtime does has not done its work: its run goes on at the next start") {
  Processes processes;
  processes.begin();
  std::vector<std::string> ids;
  for (int i = 0; i < 16; ++i) processes.start(ids.emplace_back("run" + std::to_string(i)));
  for (int end = 1; end <= 5; ++end) {
    processes.stop();
    for (const auto& id : ids) CHECK_MESSAGE(processes.row(id).status == HandlerStatus::running, id);
    processes.begin();
    for (const auto& id : ids) processes.wait_for(id, end + 1);
  }
  processes.stop();
}

TEST_CASE("suspects have their turns one after the other, when the one before has ended or is idle") {
  Processes processes;
  auto& [folder, bodies, log, store, runtime] = processes;
  processes.begin();
  for (const char* id : {"a", "b", "c"}) processes.start(id);
  for (int crash = 1; crash <= 2; ++crash) {
    processes.die_and_begin();
    for (const char* id : {"a", "b", "c"}) processes.wait_for(id, crash + 1);
  }
  processes.die_and_begin();
  processes.wait_for("c", 4);
  CHECK(bodies.count("b") == 3);
  CHECK(runtime->find_run("b")->cancel());  // while it waits
  CHECK(processes.row("b").status == HandlerStatus::cancelled);
  bodies.end("c");
  processes.wait_for("a", 4);
  bodies.end("a");
  CHECK(runtime->find_run("a")->result<std::string>() == "ended");
  CHECK(bodies.count("b") == 3);
  CHECK(processes.row("c").resumes == 0);
  processes.stop();
}
