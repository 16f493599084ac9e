// What happens to runs when the disk fails or the power goes: nothing that was acknowledged is lost, nothing hangs.
#include <doctest/doctest.h>

#include "actors/runtime/service.hpp"
#include "flows.hpp"
#include "persistence/sqlite/maintenance.hpp"
#include "tests/store/faulty_vfs.hpp"
#include "tests/store/temporary.hpp"
#include "tests/until.hpp"

#include <map>

using namespace flows;
using weir::HandlerStatus;
using weir::Runtime;
using weir::StartEvent;
using weir::StopEvent;
using weir::Task;

namespace {

struct Approval : weir::Workflow {
  Approval() {
    step<&Approval::ask>();
    step<&Approval::finish>();
    no_timeout();
  }
  Review ask(const StartEvent&) { return {"?"}; }
  StopEvent finish(const Verdict& verdict) { return {verdict.note}; }
};

/// Another one than that of recovery_test.cpp: unnamed namespaces keep them apart.
struct Fan : weir::Workflow {
  Fan() {
    step<&Fan::split>();
    step<&Fan::work>();
    step<&Fan::gather>();
  }
  std::vector<Note> split(const Topic&) { return {Note{1}, Note{2}, Note{3}}; }
  Task<Draft> work(weir::Context& ctx, const Note& note) {
    const auto charged = co_await ctx.run_once("charge", [&] { return note.n * 10; });
    ctx.store().set("charged", charged);
    co_return Draft{std::to_string(charged)};
  }
  Joke gather(const std::vector<Draft>& drafts) { return {std::to_string(drafts.size())}; }
};

struct Bill {
  using kind = StartEvent;
  int amount = 0;
};
struct Paid {
  using kind = StopEvent;
  int amount;
};
struct Payment : weir::Workflow {
  std::atomic<int> charged = 0;
  Payment() { step<&Payment::pay>(); }
  Paid pay(const Bill& bill) {
    ++charged;
    return {bill.amount};
  }
};
struct Shop : weir::Workflow {
  explicit Shop(std::shared_ptr<Payment> payment) {
    step<&Shop::order>();
    step<&Shop::deliver>();
    child<Payment>("payment", std::move(payment));
  }
  Bill order(const StartEvent&) { return {7}; }
  StopEvent deliver(const Paid& paid) { return {paid.amount}; }
};

/// What a client has been told.
struct Acknowledged {
  std::mutex mutex;
  std::map<std::string, std::string> runs;  ///< handler id to how far it is known to be: "started", "approved", "ended"

  void note(const std::string& id, const std::string& what) {
    const std::lock_guard lock(mutex);
    runs[id] = what;
  }
  std::map<std::string, std::string> now() {
    const std::lock_guard lock(mutex);
    return runs;
  }
};

std::unique_ptr<Runtime> boot(const std::string& path) {
  auto runtime = std::make_unique<Runtime>(
      weir::RuntimeOptions{.store = weir::sqlite(path), .idle_timeout = 0ms, .log = [](weir::LogLevel, std::string_view) {}});
  runtime->add_workflow<Approval>("approval");
  runtime->add_workflow<Fan>("fan");
  return runtime;
}

/// Some runs of both kinds, as far as they get.
void work(Runtime& runtime, Acknowledged& told, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    const auto fan = "fan-" + std::to_string(i), approval = "approval-" + std::to_string(i);
    try {
      const auto asked = runtime.start("approval", StartEvent(), approval);
      told.note(approval, "started");
      const auto fanned = runtime.start("fan", Topic(), fan);
      told.note(fan, "started");
      if (fanned.wait().status == HandlerStatus::completed) told.note(fan, "ended");
      if (!asked.send_event(Verdict{true, "yes"}).ok()) continue;
      told.note(approval, "approved");
      if (i % 2 && asked.wait().status == HandlerStatus::completed) told.note(approval, "ended");
    } catch (const weir::StoreFailure&) {  // refused: nothing was promised
    }
  }
}

/// Opens the file in a healthy world. Everything that was acknowledged is there, and comes to its end.
void check_kept(const std::string& path, const std::map<std::string, std::string>& told) {
  if (!told.empty())  // else there may be no schema yet
    for (const auto& problem : weir::sqlite_detail::check(path)) FAIL_CHECK(problem);
  const auto runtime = boot(path);
  for (const auto& [id, what] : told) {
    CAPTURE(id);
    CAPTURE(what);
    const auto row = runtime->service().store().find_handler(id);
    REQUIRE(row);
    if (what == "ended") CHECK(row->terminal());
  }
  runtime->recover();
  for (const auto& row : runtime->service().store().list_handlers({})) {
    CAPTURE(row.handler_id);
    const auto run = *runtime->find_run(row.handler_id);
    const auto known = told.find(row.handler_id);
    const bool approved = known != told.end() && known->second != "started";
    if (row.workflow_name == "approval" && !approved) (void)run.send_event(Verdict{true, "yes"}).ok();
    const auto end = run.wait();
    CAPTURE(end.error);
    CHECK(end.status == HandlerStatus::completed);
    if (row.workflow_name == "fan") CHECK(run.result<Joke>().text == "3");
  }
}

}  // namespace

namespace {

/// A disk on which everything fails from the n-th operation on, until some more have been tried.
class BadMoment {
public:
  BadMoment(faulty_vfs::Installed& disk, int nth, int code) : disk_(disk) {
    disk.fail(nth, 1000000, code);
    healer_ = std::thread([this, until_operation = nth + 3] {
      until("the disk has been asked often enough", [&] { return over_ || disk_.operations() >= until_operation; });
      disk_.fail(0, 0, SQLITE_OK);
    });
  }
  ~BadMoment() {
    over_ = true;
    healer_.join();
  }

private:
  faulty_vfs::Installed& disk_;
  std::atomic<bool> over_ = false;
  std::thread healer_;
};

}  // namespace

TEST_CASE("the N-th write fails: once, or for a while. No run ends over it") {
  int operations = 0;
  {
    const TemporaryFolder folder;
    const faulty_vfs::Installed disk;
    Acknowledged told;
    auto runtime = boot(folder.file("weir.db"));
    work(*runtime, told, 2);
    CHECK(told.now().at("fan-1") == "ended");
    runtime = nullptr;
    operations = disk.operations();
  }
  REQUIRE(operations > 50);
  for (const bool for_a_while : {false, true})
    for (int nth = for_a_while ? 2 : 1; nth <= operations; nth += 4) {
      CAPTURE(for_a_while);
      CAPTURE(nth);
      const TemporaryFolder folder;
      Acknowledged told;
      {
        faulty_vfs::Installed disk;
        const int code = nth / 4 % 2 ? SQLITE_FULL : SQLITE_IOERR;
        std::optional<BadMoment> bad;
        if (for_a_while) bad.emplace(disk, nth, code);
        else disk.fail(nth, 1, code);
        try {
          auto runtime = boot(folder.file("weir.db"));
          work(*runtime, told, 2);
        } catch (const weir::StoreError& error) {
          const std::string why = error.what();
          CHECK((why.find("disk") != std::string::npos));
          CHECK(told.now().empty());
        }
      }
      check_kept(folder.file("weir.db"), told.now());
    }
}

TEST_CASE("the power goes at any sync, and any part of what was not synced is on the disk") {
  struct Moment {
    faulty_vfs::Disk disk;
    std::map<std::string, std::string> told;
  };
  std::vector<Moment> moments;
  const TemporaryFolder folder;
  {
    faulty_vfs::Installed disk;
    Acknowledged told;
    disk.on_sync([&](const faulty_vfs::Disk& now) { moments.push_back({now, told.now()}); });
    auto runtime = boot(folder.file("weir.db"));
    work(*runtime, told, 4);
    disk.on_sync(nullptr);
    runtime = nullptr;
  }
  REQUIRE(moments.size() > 20);
  for (std::size_t i = 0; i < moments.size(); ++i)
    for (std::uint32_t seed = 0; seed < 2; ++seed) {
      CAPTURE(i);
      CAPTURE(seed);
      const TemporaryFolder restarted;
      faulty_vfs::after_power_cut(moments[i].disk, restarted.file(""), seed + static_cast<std::uint32_t>(i) * 2);
      check_kept(restarted.file("weir.db"), moments[i].told);
    }
}

TEST_CASE("a child that had ended when the power went is not run again: its parent goes on with what came of it") {
  std::vector<faulty_vfs::Disk> moments;
  const auto payment = std::make_shared<Payment>();
  const auto open = [&](const std::string& path) {
    auto runtime = std::make_unique<Runtime>(weir::RuntimeOptions{.store = weir::sqlite(path)});
    runtime->add_workflow<Shop>("shop", payment);
    return runtime;
  };
  const TemporaryFolder folder;
  {
    faulty_vfs::Installed disk;
    const auto runtime = open(folder.file("weir.db"));
    disk.on_sync([&](const faulty_vfs::Disk& now) { moments.push_back(now); });
    CHECK(runtime->start("shop", StartEvent(), "s").result<int>() == 7);
    disk.on_sync(nullptr);
  }
  int in_between = 0;
  for (std::size_t i = 0; i < moments.size(); ++i) {
    CAPTURE(i);
    const TemporaryFolder restarted;
    faulty_vfs::after_power_cut(moments[i], restarted.file(""), static_cast<std::uint32_t>(i));
    const auto runtime = open(restarted.file("weir.db"));
    const auto& store = runtime->service().store();
    const auto parent = store.find_handler("s");
    if (!parent || parent->terminal()) continue;
    const weir::HandlerFilter done{.workflow_names = std::vector<std::string>{"shop.payment"},
                                   .statuses = std::vector{HandlerStatus::completed}};
    const bool paid = !store.list_handlers(done).empty();
    payment->charged = 0;
    runtime->recover();
    CHECK(runtime->find_run("s")->result<int>() == 7);
    CHECK(store.list_handlers(done).size() == 1);
    if (!paid) continue;
    ++in_between;
    CHECK(payment->charged == 0);
  }
  CHECK(in_between > 0);
}

TEST_CASE("a disk that is full ends no run: what could not be stored says so, and goes on when there is room again") {
  const TemporaryFolder folder;
  faulty_vfs::Installed disk;
  const auto runtime = boot(folder.file("weir.db"));
  const auto run = runtime->start("approval", StartEvent(), "h");
  for (const auto& event : run.events())  // what the run does by itself is on the disk
    if (event.as<Review>()) break;
  disk.fail(disk.operations() + 1, 1000000, SQLITE_FULL);
  const auto sent = run.send_event(Verdict{true, "kept"});
  REQUIRE_FALSE(sent.ok());
  CHECK(sent.error().code == weir::Code::unavailable);
  CHECK_MESSAGE(sent.error().message.find("disk is full") != std::string::npos, sent.error().message);
  disk.fail(0, 0, SQLITE_OK);
  CHECK(run.result<std::string>() == "kept");
  until("the store counts as well", [&] { return runtime->service().store_status().kind == weir::runtime::StoreStatus::Kind::ready; });
  CHECK(runtime->start("fan", Topic()).result<Joke>().text == "3");
}
