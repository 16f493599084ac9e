// The server that is killed: workflows that play random programs. Options as for any server (--help).
#include "play.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <csignal>
#include <memory>

using namespace std::chrono_literals;

namespace crash {
using weir::StopEvent;

/// Where most steps may go on to.
using Forward = std::variant<std::monostate, Chain, Slow, Retry, Timed, Blocking, Plain, ChildStart, LoudChildStart, Part, SideDone,
                             Handout, StopEvent>;
/// The same for the main line, which may also fan out.
using MainLine = std::variant<std::monostate, Chain, Slow, Retry, Timed, Blocking, Plain, ChildStart, LoudChildStart, Handout, StopEvent,
                              std::vector<Item>>;
using SideLine = std::variant<std::monostate, Chain, Slow, Retry, Plain, SideDone>;

template <class E>
std::string sorted_ids(const std::vector<E>& events) {
  std::vector<std::int64_t> ids;
  for (const auto& event : events) ids.push_back(event.id);
  std::sort(ids.begin(), ids.end());
  std::string out;
  for (const auto id : ids) out += (out.empty() ? "" : ",") + std::to_string(id);
  return out;
}

/// What comes behind a join of events that all say the same about it.
template <class E>
Next joined(Context& ctx, const std::vector<E>& events, const std::string& how) {
  const auto& then = events.front().then;
  const auto id = then.find("id")->as_integer();
  ctx.write_event_to_stream(Note{how + std::to_string(id), 0, how + " " + sorted_ids(events)});
  return {id, *then.find("ops"), Value(Value::Array())};
}

template <class Start>
struct Child : weir::Workflow {
  using Out = std::variant<std::monostate, ChildMore, ChildDone>;
  Child() {
    step<&Child::go>();
    step<&Child::more>().retry({.wait = weir::wait_fixed(10ms), .stop = weir::stop_after_attempt(3)});
    no_timeout();
  }
  Task<Out> go(Context& ctx, const Start& start) { return played<Out>(ctx, start.id, start.ops); }
  Task<Out> more(Context& ctx, const ChildMore& more) { return played<Out>(ctx, more.id, more.ops); }
};

struct MachineOptions {
  std::optional<weir::Duration> timeout = {};
  int concurrent_runs_max = 0;  ///< 0: any number
  std::uint32_t parts = 0;      ///< the join takes so many; 0: all
};

/// A step of every kind; where it goes on to is in the program.
struct Machine : weir::Workflow {
  explicit Machine(const MachineOptions& options = {}) {
    add_steps();
    auto gathering = step<&Machine::gather>();
    if (options.parts) gathering.take(options.parts);
    child<Child<ChildStart>>("kid");
    child<Child<LoudChildStart>>("loud").forward_stream();
    catch_error<&Machine::fixed>({}, 5);
    disable_validation();
    if (options.timeout) timeout(*options.timeout);
    else no_timeout();
    if (options.concurrent_runs_max) num_concurrent_runs(options.concurrent_runs_max);
  }
  void add_steps() {
    step<&Machine::begin>();
    step<&Machine::next>();
    step<&Machine::chain>();
    step<&Machine::slow>().num_workers(1);
    step<&Machine::retry>().retry({.wait = weir::wait_fixed(15ms), .stop = weir::stop_after_attempt(3)});
    step<&Machine::timed>().timeout(60ms);
    step<&Machine::blocks>().blocking().num_workers(2);
    step<&Machine::plain>();
    step<&Machine::item>().num_workers(3);
    step<&Machine::side>().num_workers(2);
    step<&Machine::sides>();
    step<&Machine::push>();
    step<&Machine::handed_back>();
    step<&Machine::child_done>();
  }

  Task<MainLine> begin(Context& ctx, const Begin& event) { return played<MainLine>(ctx, event.id, event.ops); }
  Task<MainLine> next(Context& ctx, const Next& event) { return played<MainLine>(ctx, event.id, event.ops); }
  Task<Forward> chain(Context& ctx, const Chain& event) { return played<Forward>(ctx, event.id, event.ops); }
  Task<Forward> slow(Context& ctx, const Slow& event) { return played<Forward>(ctx, event.id, event.ops); }
  Task<Forward> retry(Context& ctx, const Retry& event) { return played<Forward>(ctx, event.id, event.ops); }
  Task<Forward> timed(Context& ctx, const Timed& event) { return played<Forward>(ctx, event.id, event.ops); }
  Forward blocks(Context& ctx, const Blocking& event) { return played_at_once<Forward>(ctx, event.id, event.ops); }
  Forward plain(Context& ctx, const Plain& event) { return played_at_once<Forward>(ctx, event.id, event.ops); }
  Task<Forward> item(Context& ctx, const Item& event) { return played<Forward>(ctx, event.id, event.ops); }
  Task<Forward> handed_back(Context& ctx, const Handback& event) { return played<Forward>(ctx, event.id, event.ops); }
  Task<SideLine> side(Context& ctx, const Side& event) { return played<SideLine>(ctx, event.id, event.ops); }

  Next gather(Context& ctx, const std::vector<Part>& parts) { return joined(ctx, parts, "gather"); }
  std::optional<Next> sides(Context& ctx, const SideDone& event) {
    const auto buffer = "sides" + std::to_string(event.then.find("id")->as_integer());
    const auto all = ctx.collect_events<SideDone>(event, static_cast<std::uint32_t>(event.of), buffer);
    if (!all) return std::nullopt;
    return joined(ctx, *all, "sides");
  }
  Task<SideDone> push(Context& ctx, const Push& event) {
    ctx.write_event_to_stream(Note{"push" + std::to_string(event.id), 0, "push"});
    co_await ctx.sleep(std::chrono::milliseconds(event.id % 7));
    co_return SideDone{event.id, event.of, event.then};
  }
  Forward child_done(Context& ctx, const ChildDone& event) {
    ctx.write_event_to_stream(Note{"child" + std::to_string(event.id), 0, "child done"});
    return played_at_once<Forward>(ctx, event.id, Value(Value::Array{event.then}));
  }
  Task<Forward> fixed(Context& ctx, const weir::StepFailedEvent& event) {
    const auto failed = event.input_event.event;
    const auto id = failed.field("id").is_null() ? 0 : failed.field("id").as_integer();
    ctx.write_event_to_stream(Note{"fix" + std::to_string(id), 0,
                                   event.step_name + ": " + event.exception.exception_message + ", " + std::to_string(event.attempts)});
    auto fix = failed.field("fix");
    if (!fix.is_array() || fix.as_array().empty()) throw Boom("there is nothing to do instead");
    return played<Forward>(ctx, 100000 + id, std::move(fix));
  }
};

/// A fan-out within a fan-out, and both joins.
struct Nest : weir::Workflow {
  using Rows = std::variant<std::monostate, std::vector<Row>>;
  using Items = std::variant<std::monostate, std::vector<Item>>;
  using Last = std::variant<std::monostate, Part>;
  Nest() {
    step<&Nest::begin>();
    step<&Nest::row>().num_workers(2);
    step<&Nest::item>().num_workers(3);
    step<&Nest::inner>();
    step<&Nest::outer>();
    no_timeout();
  }
  Task<Rows> begin(Context& ctx, const Begin& event) { return played<Rows>(ctx, event.id, event.ops); }
  Task<Items> row(Context& ctx, const Row& event) { return played<Items>(ctx, event.id, event.ops); }
  Task<Last> item(Context& ctx, const Item& event) { return played<Last>(ctx, event.id, event.ops); }
  Sum inner(Context& ctx, const std::vector<Part>& parts) {
    ctx.write_event_to_stream(Note{"inner" + sorted_ids(parts), 0, "inner"});
    Sum sum{0};
    for (const auto& part : parts) sum.id += part.id;
    return sum;
  }
  StopEvent outer(const std::vector<Sum>& sums) { return {sorted_ids(sums)}; }
};

}  // namespace crash

int main(int argc, char** argv) {
  using namespace crash;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // nobody is left behind when the tests are stopped
  weir::WorkflowServer server;
  const auto add = [&server](const std::string& name, const MachineOptions& options) {
    server.add_workflow(name, std::make_shared<Machine>(options), {weir::events<Note, Ask, Reply, Handout, Handback, Push>()});
  };
  add("machine", {});
  add("queued", {.concurrent_runs_max = 2});
  add("hurried", {.timeout = 300ms});
  add("first_two", {.parts = 2});
  server.add_workflow("nest", std::make_shared<Nest>(), {weir::events<Note, Ask, Reply>()});
  return server.main(argc, argv);
}
