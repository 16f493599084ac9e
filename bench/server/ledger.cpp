// Workflows that tests kill: they leave a trace of every effect in a file outside the store.
#include "workflows.hpp"

#include <weir/weir.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <variant>

namespace bench_workflows {
namespace {

using weir::Context;
using weir::StartEvent;
using weir::StopEvent;
using weir::Task;

struct Charged {
  std::string id;
};
struct Turn {
  std::int64_t left;
};
struct Remark {
  std::string text;
};

/// One write each, so that lines of several threads do not mix and a killed process leaves whole lines.
class Ledger {
public:
  explicit Ledger(const std::string& path) : file_(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT, 0644)) {}
  void add(const std::string& line) const {
    const auto text = line + "\n";
    if (::write(file_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      throw std::runtime_error("the ledger cannot be written");
  }

private:
  int file_;
};

/// Two effects, each at most once after its result is recorded.
struct Payment : weir::Workflow {
  Ledger ledger;
  explicit Payment(const std::string& path) : ledger(path) {
    step<&Payment::charge>();
    step<&Payment::ship>();
  }
  Task<int> once(Context& ctx, std::string what) {
    const auto effect = [this, what] {
      ledger.add("effect " + what);
      return 1;
    };
    const auto done = co_await ctx.run_once(what, effect);
    ledger.add("recorded " + what);
    co_return done;
  }
  Task<Charged> charge(Context& ctx, const StartEvent& ev) {
    const auto id = ev.get<std::string>("id", "");
    co_await once(ctx, "charge " + id);
    ctx.write_event_to_stream(Remark{"charged"});
    co_return Charged{id};
  }
  Task<StopEvent> ship(Context& ctx, const Charged& charged) {
    co_await once(ctx, "ship " + charged.id);
    ctx.write_event_to_stream(Remark{"shipped"});
    co_return StopEvent{"paid"};
  }
};

/// Turns as often as it is told, keeping count in its state.
struct Loop : weir::Workflow {
  Loop() {
    step<&Loop::begin>();
    step<&Loop::turn>();
    no_timeout();
  }
  Turn begin(const StartEvent& ev) { return {ev.get<std::int64_t>("turns", 100)}; }
  std::variant<Turn, StopEvent> turn(Context& ctx, const Turn& turn) {
    if (turn.left == 0) return StopEvent{ctx.store().get("turns", 0)};
    ctx.store().set("turns", ctx.store().get("turns", 0) + 1);
    return Turn{turn.left - 1};
  }
};

}  // namespace

void add_ledger_workflows(weir::WorkflowServer& server, const std::string& ledger) {
  server.add_workflow("payment", std::make_shared<Payment>(ledger), {.additional_events = weir::events<Remark>()});
  server.add_workflow<Loop>("loop");
}

}  // namespace bench_workflows
