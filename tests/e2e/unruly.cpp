// A server whose steps do not end, or end the process.
#include <weir/weir.hpp>

#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>

namespace {

using namespace std::chrono_literals;
using weir::Context;
using weir::StartEvent;
using weir::StopEvent;

/// For the tests, which read it.
void say_at_work() { std::fputs("a step is at work\n", stderr); }

[[noreturn]] void never_end() {
  say_at_work();
  for (;;) ::pause();
}

struct Hang : weir::Workflow {
  Hang() {
    step<&Hang::run>();
    no_timeout();
  }
  StopEvent run(const StartEvent&) { never_end(); }
};

struct HangBlocking : weir::Workflow {
  HangBlocking() {
    step<&HangBlocking::run>().blocking();
    no_timeout();
  }
  StopEvent run(const StartEvent&) { never_end(); }
};

/// A step that blocks until it is asked to end.
struct Polite : weir::Workflow {
  Polite() {
    step<&Polite::run>().blocking();
    no_timeout();
  }
  StopEvent run(Context& ctx, const StartEvent&) {
    say_at_work();
    std::mutex mutex;
    std::condition_variable_any asked;
    std::unique_lock lock(mutex);
    asked.wait(lock, ctx.stop_token(), [] { return false; });
    return {"asked to end"};
  }
};

/// Kills its process, as long as a file is not there.
struct Killer : weir::Workflow {
  Killer() {
    step<&Killer::run>();
    no_timeout();
  }
  StopEvent run(const StartEvent&) {
    const char* mended = std::getenv("UNRULY_MENDED");
    if (!mended || ::access(mended, F_OK) != 0) std::abort();
    return {"mended"};
  }
};

/// Takes longer than the process lives while the killer is there.
struct Bystander : weir::Workflow {
  Bystander() {
    step<&Bystander::run>();
    no_timeout();
  }
  weir::Task<StopEvent> run(Context& ctx, const StartEvent&) {
    co_await ctx.sleep(300ms);
    co_return StopEvent{"went on"};
  }
};

struct Token {
  std::string text;
};

/// Writes a million events without ever looking whether anybody takes them.
struct Flood : weir::Workflow {
  Flood() {
    step<&Flood::run>().blocking();
    no_timeout();
  }
  StopEvent run(Context& ctx, const StartEvent& start) {
    const int count = start.get("count", 1'000'000);
    for (int i = 0; i < count; ++i) ctx.write_event_to_stream(Token{std::string(100, 'x')});
    return StopEvent{count};
  }
};

struct Ping {
  int n;
};
struct Pong {
  int n;
};
/// Two steps that send to each other for ever.
struct Rally : weir::Workflow {
  Rally() {
    step<&Rally::serve>();
    step<&Rally::ping>();
    step<&Rally::pong>();
    no_timeout();
  }
  Ping serve(const StartEvent&) { return {0}; }
  std::variant<Pong, StopEvent> ping(const Ping& ping) {
    if (ping.n < 0) return StopEvent();
    return Pong{ping.n};
  }
  Ping pong(const Pong& pong) { return {pong.n + 1}; }
};

}  // namespace

int main(int argc, char** argv) {
  weir::WorkflowServer server;
  server.add_workflow<Hang>("hang");
  server.add_workflow<HangBlocking>("hang_blocking");
  server.add_workflow<Polite>("polite");
  server.add_workflow<Killer>("killer");
  server.add_workflow<Bystander>("bystander");
  server.add_workflow("flood", std::make_shared<Flood>(), {.additional_events = weir::events<Token>()});
  server.add_workflow<Rally>("rally");
  return server.main(argc, argv);
}
