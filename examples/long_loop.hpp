// A long loop that survives Ctrl+C: with a file as store, a server that is stopped, or killed, goes on where it was.
#pragma once

#include <weir/weir.hpp>

namespace examples {

struct Count {
  using kind = weir::StartEvent;
  int to = 1000;
  int pause_ms = 100;
};
struct Turn {
  int number;
  int to;
  int pause_ms;
};
struct Counted {
  using kind = weir::StopEvent;
  int turns;
};

struct LongLoop : weir::Workflow {
  LongLoop() {
    step<&LongLoop::begin>();
    step<&LongLoop::turn>();
    no_timeout();
    description("Counts, slowly.");
  }

  Turn begin(const Count& count) { return {1, count.to, count.pause_ms}; }

  weir::Task<std::variant<Turn, Counted>> turn(weir::Context& ctx, const Turn& turn) {
    co_await ctx.sleep(std::chrono::milliseconds(turn.pause_ms));
    ctx.write_event_to_stream(turn);
    if (turn.number >= turn.to) co_return Counted{turn.number};
    co_return Turn{turn.number + 1, turn.to, turn.pause_ms};
  }
};

}  // namespace examples
