// What one member of a fan-out costs, by the number of members: the line must be flat. Prints one JSON object per point.
#include <weir/weir.hpp>

#include <chrono>
#include <cstdio>

namespace {

using namespace std::chrono_literals;

struct Amount {
  using kind = weir::StartEvent;
  int members;
};
struct Work {
  int i;
};
struct Done {
  int i;
};
struct Total {
  using kind = weir::StopEvent;
  std::int64_t sum;
};

/// A list is returned and collected.
struct Listed : weir::Workflow {
  Listed() {
    step<&Listed::split>();
    step<&Listed::work>().num_workers(8);
    step<&Listed::gather>();
    no_timeout();
  }
  std::vector<Work> split(const Amount& amount) {
    std::vector<Work> out;
    for (int i = 0; i < amount.members; ++i) out.push_back({i});
    return out;
  }
  Done work(const Work& work) { return {work.i}; }
  Total gather(const std::vector<Done>& all) { return {static_cast<std::int64_t>(all.size())}; }
};

/// Events are sent one by one and gathered by collect_events.
struct Sent : weir::Workflow {
  Sent() {
    step<&Sent::split>();
    step<&Sent::work>().num_workers(8);
    step<&Sent::gather>();
    no_timeout();
  }
  std::optional<Work> split(weir::Context& ctx, const Amount& amount) {
    ctx.store().set("members", amount.members);
    for (int i = 0; i < amount.members; ++i) ctx.send_event(Work{i});
    return {};
  }
  Done work(const Work& work) { return {work.i}; }
  std::optional<Total> gather(weir::Context& ctx, const Done& done) {
    const auto all = ctx.collect_events(done, ctx.store().get<std::uint32_t>("members"));
    if (!all) return {};
    return Total{static_cast<std::int64_t>(all->size())};
  }
};

double microseconds_per_member(weir::Runtime& runtime, const char* workflow, int members) {
  const int runs = std::max(1, 200000 / members);
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < runs; ++i)
    if (runtime.start(workflow, Amount{members}).result<Total>().sum != members) throw std::runtime_error("members were lost");
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - began;
  return took.count() / runs / members;
}

}  // namespace

int main() {
  weir::Runtime runtime({.store = weir::memory(2)});
  runtime.add_workflow<Listed>("list");
  runtime.add_workflow<Sent>("send_event");
  for (const char* workflow : {"list", "send_event"})
    for (const int members : {100, 100, 1000, 10000, 100000}) {  // the first point warms up
      const auto cost = microseconds_per_member(runtime, workflow, members);
      std::printf("{\"workflow\":\"%s\",\"members\":%d,\"us_per_member\":%.2f}\n", workflow, members, cost);
      std::fflush(stdout);
    }
}
