// The server that the browser tests drive: a workflow for every thing that the debugger shows.
#include <weir/weir.hpp>

#include <atomic>
#include <cstdint>
#include <limits>
#include <map>
#include <stdexcept>

namespace ui_test {

using weir::Context;
using weir::Task;

// ---- a form with every kind of field

enum class Roast { light, medium, dark };
struct Address {
  std::string street;
  std::string city = "Leipzig";
};
struct Item {
  std::string name;
  int amount = 1;
};
struct ByCard {
  std::string number;
};
struct ByInvoice {
  Address address;
};
struct CoffeeOrder {
  using kind = weir::StartEvent;
  std::string customer;
  Roast roast;
  int cups = 2;
  double strength = 0.5;
  bool takeaway = true;
  std::optional<std::string> note;
  std::vector<Item> items;
  std::map<std::string, int> extras;
  Address address;
  std::variant<ByCard, ByInvoice> payment;

  static void describe(weir::Fields<CoffeeOrder>& fields) {
    fields[&CoffeeOrder::customer].describe("Who ordered").length(1, 40);
    fields[&CoffeeOrder::cups].at_least(1).at_most(12);
  }
};
struct CoffeeReady {
  using kind = weir::StopEvent;
  weir::Value order;
};
struct Coffee : weir::Workflow {
  Coffee() {
    step<&Coffee::brew>();
    description("Takes an order with every kind of field.");
  }
  CoffeeReady brew(const CoffeeOrder& order) { return {weir::to_value(order)}; }
};

// ---- a fan-out with fewer workers than work, and a loop

struct Batch {
  using kind = weir::StartEvent;
  int size = 12;
  int rounds = 1;
};
struct Part {
  int number;
  int round;
};
struct Done {
  int number;
  int round;
};
struct Again {
  int round;
};
struct BatchOver {
  using kind = weir::StopEvent;
  int rounds;
};
struct FanOut : weir::Workflow {
  FanOut() {
    step<&FanOut::split>();
    step<&FanOut::again>();
    step<&FanOut::work>().num_workers(3);
    step<&FanOut::join>();
    description("Splits, works with three workers, joins, and goes round.");
  }
  std::vector<Part> split(Context& ctx, const Batch& batch) {
    ctx.store().set("size", batch.size);
    ctx.store().set("rounds", batch.rounds);
    return parts(batch.size, 1);
  }
  std::vector<Part> again(Context& ctx, const Again& again) { return parts(ctx.store().get<int>("size"), again.round); }
  Task<Done> work(Context& ctx, const Part& part) {
    co_await ctx.sleep(std::chrono::milliseconds(20 + 5 * (part.number % 3)));
    co_return Done{part.number, part.round};
  }
  std::variant<Again, BatchOver> join(Context& ctx, const std::vector<Done>& done) {
    const int round = done.empty() ? 1 : done.front().round;
    ctx.store().set("joined", round);
    if (round < ctx.store().get<int>("rounds")) return Again{round + 1};
    return BatchOver{round};
  }
  static std::vector<Part> parts(int size, int round) {
    std::vector<Part> out;
    for (int number = 0; number < size; ++number) out.push_back({number, round});
    return out;
  }
};

// ---- retries and failures

struct Try {
  using kind = weir::StartEvent;
  int failures = 2;
};
struct Succeeded {
  using kind = weir::StopEvent;
  int attempts;
};
struct Flaky : weir::Workflow {
  Flaky() {
    step<&Flaky::attempt>().retry({.max_attempts = 4, .initial = std::chrono::milliseconds(150)});
    description("Fails as often as it is told, up to four times.");
  }
  Succeeded attempt(Context& ctx, const Try& work) {
    const auto number = static_cast<int>(ctx.retry_info().retry_number) + 1;
    if (number <= work.failures) throw std::runtime_error("attempt " + std::to_string(number) + " broke the cup");
    return {number};
  }
};

struct Patient : weir::Workflow {
  Patient() {
    step<&Patient::attempt>().retry({.max_attempts = 2, .initial = std::chrono::hours(1)});
    description("Fails, and tries again an hour later.");
  }
  Succeeded attempt(const Try&) { throw std::runtime_error("no cup is left"); }
};

// ---- people

struct Expense {
  using kind = weir::StartEvent;
  std::string purpose = "books";
  double amount = 120;
};
struct Approval {
  using kind = weir::InputRequiredEvent;
  std::string question;
  double amount;
};
struct Decision {
  using kind = weir::HumanResponseEvent;
  bool approved;
  std::string reviewer = "Ada";
};
struct Booked {
  using kind = weir::StopEvent;
  bool approved;
  std::string reviewer;
};
struct Remark {
  std::string text;
};
struct Noted {
  std::string text;
};
struct Ask : weir::Workflow {
  Ask() {
    step<&Ask::ask>();
    step<&Ask::book>();
    step<&Ask::note>();
    description("Asks a person, and takes remarks meanwhile.");
    skip_validation();
  }
  Approval ask(Context& ctx, const Expense& expense) {
    ctx.store().set("purpose", expense.purpose);
    return {"Pay for **" + expense.purpose + "**?", expense.amount};
  }
  Booked book(const Decision& decision) { return {decision.approved, decision.reviewer}; }
  void note(Context& ctx, const Remark& remark) { ctx.store().set("remark", remark.text); }
  void skip_validation() { disable_validation(); }
};

struct Vote {
  using kind = weir::InputRequiredEvent;
  std::string question;
  std::string role;
};
struct Voted {
  using kind = weir::HumanResponseEvent;
  std::string role;
  bool agreed;
};
struct Board : weir::Workflow {
  Board() {
    step<&Board::ask>();
    description("Asks the manager, then the director; each answer carries whose it is.");
  }
  Task<Booked> ask(Context& ctx, const Expense& expense) {
    std::string who;
    for (const std::string role : {"manager", "director"}) {
      const weir::WaitOptions asking{.publish = Vote{"Pay for " + expense.purpose + "?", role}, .requirements = {{"role", role}}};
      const auto answer = co_await ctx.wait_for_event<Voted>(asking);
      who += (who.empty() ? "" : ", ") + answer.role;
    }
    co_return Booked{true, who};
  }
};

// ---- many events, and a state that changes

struct Many {
  using kind = weir::StartEvent;
  int events = 10000;
};
struct Tick {
  int number;
  std::string text;
};
struct Counted {
  using kind = weir::StopEvent;
  int events;
};
struct Counter : weir::Workflow {
  Counter() {
    step<&Counter::count>();
    description("Publishes many events.");
  }
  Counted count(Context& ctx, const Many& many) {
    for (int number = 0; number < many.events; ++number) ctx.write_event_to_stream(Tick{number, number % 97 == 0 ? "needle" : "hay"});
    return {many.events};
  }
};

struct Steps {
  using kind = weir::StartEvent;
  int steps = 5;
  int pause_ms = 0;

  static void describe(weir::Fields<Steps>& fields) { fields[&Steps::pause_ms].defaulted(); }
};
struct Next {
  int number;
};
struct Walk : weir::Workflow {
  Walk() {
    step<&Walk::begin>();
    step<&Walk::walk>();
    resource<std::string>([] { return std::string("a map"); });
    description("Goes step by step and keeps where it is.");
  }
  Next begin(Context& ctx, const Steps& steps) {
    ctx.store().set("steps", steps.steps);
    ctx.store().set("pause_ms", steps.pause_ms);
    ctx.store().set("at", 0);
    return {1};
  }
  Task<std::variant<Next, Counted>> walk(Context& ctx, const Next& next, weir::Resource<std::string> map) {
    ctx.store().set("at", next.number);
    ctx.write_event_to_stream(Tick{next.number, *map});
    if (const auto pause = ctx.store().get<int>("pause_ms"); pause > 0) co_await ctx.sleep(std::chrono::milliseconds(pause));
    if (next.number >= ctx.store().get<int>("steps")) co_return Counted{next.number};
    co_return Next{next.number + 1};
  }
};

// ---- numbers that browsers round

struct Numbers {
  using kind = weir::StartEvent;
  std::uint64_t big = 18446744073709551615u;
  std::int64_t low = std::numeric_limits<std::int64_t>::min();
  weir::Value any;

  static void describe(weir::Fields<Numbers>& fields) { fields[&Numbers::any].defaulted(); }
};
struct Same {
  using kind = weir::StopEvent;
  std::uint64_t big;
  std::int64_t low;
  weir::Value any;
};
struct Exact : weir::Workflow {
  Exact() {
    step<&Exact::keep>();
    description("Gives back the numbers that it gets.");
  }
  Same keep(const Numbers& numbers) { return {numbers.big, numbers.low, numbers.any}; }
};

}  // namespace ui_test

int main(int argc, char** argv) {
  using namespace ui_test;
  weir::WorkflowServer server;
  server.add_workflow<Coffee>("coffee");
  server.add_workflow<FanOut>("fanout");
  server.add_workflow<Flaky>("flaky");
  server.add_workflow<Patient>("patient");
  server.add_workflow("ask", std::make_shared<Ask>(), {.additional_events = weir::events<Remark>()});
  server.add_workflow("board", std::make_shared<Board>(), {.additional_events = weir::events<Vote, Voted>()});
  server.add_workflow("counter", std::make_shared<Counter>(), {.additional_events = weir::events<Tick>()});
  server.add_workflow("walk", std::make_shared<Walk>(), {.additional_events = weir::events<Tick>()});
  server.add_workflow<Exact>("exact");
  server.add_workflow("odd/name, 50%2F 'so'?#&", std::make_shared<Walk>(), {.additional_events = weir::events<Tick>()});
  return server.main(argc, argv);
}
