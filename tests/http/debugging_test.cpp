// What a debugger asks for beyond looking: going on from a run's past, statistics, and who may ask.
#include <doctest/doctest.h>

#include "talk.hpp"
#include "tests/store/temporary.hpp"
#include "tests/until.hpp"

#include <weir/weir.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <thread>

namespace {

using talk::get;
using talk::json_body;
using talk::post;
using talk::status;

struct Begin {
  using kind = weir::StartEvent;
  int until = 10;
};
struct More {
  using kind = weir::InputRequiredEvent;
  int sum;
};
struct Amount {
  using kind = weir::HumanResponseEvent;
  int n;
  std::string note = "";
};
struct Total {
  using kind = weir::StopEvent;
  int sum;
};
/// Asks for amounts until their sum is large enough.
struct Adding : weir::Workflow {
  Adding() {
    step<&Adding::begin>();
    step<&Adding::add>().retry({.max_attempts = 2, .initial = std::chrono::milliseconds(1)});
  }
  More begin(weir::Context& ctx, const Begin& begin) {
    ctx.store().set("sum", 0);
    ctx.store().set("until", begin.until);
    return {0};
  }
  std::variant<More, Total> add(weir::Context& ctx, const Amount& amount) {
    if (amount.note == "stumble" && ctx.retry_info().retry_number == 0) throw std::runtime_error("stumbled");
    const int sum = ctx.store().get<int>("sum") + amount.n;
    ctx.store().set("sum", sum);
    if (sum < ctx.store().get<int>("until")) return More{sum};
    return Total{sum};
  }
};

struct Part {
  int number;
};
struct Seen {
  int number;
};
/// Two parts at work at the same time, each with a word about it.
struct Pair : weir::Workflow {
  Pair() {
    step<&Pair::split>();
    step<&Pair::work>().num_workers(2);
    step<&Pair::join>();
  }
  std::vector<Part> split(const Begin&) { return {{0}, {1}}; }
  Seen work(weir::Context& ctx, const Part& part) {
    ctx.write_event_to_stream(weir::Event());
    return {part.number};
  }
  Total join(const std::vector<Seen>& seen) { return {static_cast<int>(seen.size())}; }
};

struct Server {
  explicit Server(weir::ServerOptions options = {}) : server(std::move(options)) {
    server.add_workflow<Adding>("adding");
    server.add_workflow<Pair>("pair");
    server.start();
  }
  std::string start(const std::string& id) {
    post(server.port(), "/workflows/adding/run-nowait", R"({"start_event":{},"handler_id":")" + id + R"("})");
    return id;
  }
  void add(const std::string& id, int n, const std::string& note = "") {
    const auto sum = sums(id).size();
    REQUIRE(status(post(server.port(), "/events/" + id,
                        R"({"event":{"type":"Amount","value":{"n":)" + std::to_string(n) + R"(,"note":")" + note + R"("}}})")) == 200);
    until("the amount has been taken", [&] { return sums(id).size() != sum; });
  }
  /// What was asked or answered so far, as (sequence, sum).
  std::vector<std::pair<std::int64_t, std::int64_t>> sums(const std::string& id) {
    std::vector<std::pair<std::int64_t, std::int64_t>> out;
    const auto page = json_body(get(server.port(), "/events/" + id + "?stream=false&limit=1000"));
    for (const auto& event : page.find("events")->as_array())
      if (const auto* sum = event.find("value")->find("sum")) out.emplace_back(event.find("sequence")->as_integer(), sum->as_integer());
    return out;
  }
  weir::Value handler(const std::string& id) { return json_body(get(server.port(), "/handlers/" + id + "?detail=true")); }
  std::string fork(const std::string& id, std::int64_t sequence, const std::string& more = "") {
    return post(server.port(), "/handlers/" + id + "/rerun", R"({"from_sequence":)" + std::to_string(sequence) + more + "}");
  }
  std::string forked(const std::string& id, std::int64_t sequence, const std::string& more = "") {
    const auto answer = fork(id, sequence, more);
    REQUIRE_MESSAGE(status(answer) == 200, answer);
    return json_body(answer).find("handler_id")->as_string();
  }
  /// Its total, after another amount.
  std::int64_t total(const std::string& id, int n) {
    add(id, n);
    until("the run is over", [&] { return handler(id).find("status")->as_string() != "running"; });
    return handler(id).find("result")->find("value")->find("sum")->as_integer();
  }

  weir::WorkflowServer server;
};

}  // namespace

TEST_CASE("a run is gone on with from any of its events, with what it kept then or with other state") {
  const TemporaryFolder folder;
  Server server({.store = weir::sqlite(folder.file("runs.db")), .port = 0, .accept_context_api = true});
  const auto run = server.start("run");
  until("the run asks", [&] { return !server.sums(run).empty(); });
  server.add(run, 3);
  CHECK(server.total(run, 8) == 11);
  const auto past = server.sums(run);
  REQUIRE(past.size() == 3);

  const auto fork = server.forked(run, past[1].first);
  CHECK(server.handler(fork).find("status")->as_string() == "running");
  CHECK(server.handler(fork).find("waiting_for")->as_array().at(0).find("event_type")->as_string() == "Amount");
  CHECK(server.handler(fork).find("input")->find("value")->find("until")->as_integer() == 10);
  CHECK(server.handler(fork).find("rerun_of")->as_string() == run);
  CHECK(server.handler(fork).find("rerun_after")->as_integer() == past[1].first);
  CHECK(server.handler(fork).find("question")->find("sequence")->as_integer() == past[1].first);
  CHECK(server.handler(run).find("rerun_of")->is_null());
  CHECK(server.handler(fork).find("current_steps")->as_array().empty());
  CHECK(server.total(fork, 20) == 23);
  CHECK(server.total(server.forked(run, past[0].first), 50) == 50);
  CHECK(server.total(server.forked(run, past[1].first, R"(,"state":{"sum":100,"until":101})"), 1) == 101);
  CHECK(server.handler(run).find("result")->find("value")->find("sum")->as_integer() == 11);
  CHECK(json_body(get(server.server.port(), "/ui/config")).find("capabilities")->as_array().back().as_string() == "fork");
}

TEST_CASE("a fork that cannot be says why") {
  const TemporaryFolder folder;
  Server server({.store = weir::sqlite(folder.file("runs.db")), .port = 0});
  const auto run = server.start("run");
  until("the run asks", [&] { return !server.sums(run).empty(); });
  CHECK(server.total(run, 10) == 10);
  const auto last = server.handler(run).find("last_sequence")->as_integer();
  const auto refusal = [&](const std::string& answer) { return json_body(answer).find("detail")->as_string(); };
  const auto name = "Run " + server.handler(run).find("run_id")->as_string() + " ";
  CHECK(refusal(server.fork(run, last)) == name + "ends with event " + std::to_string(last) + ": choose an earlier one");
  CHECK(refusal(server.fork(run, last + 5)) ==
        name + "can be forked at its events 0 to " + std::to_string(last) + ", got " + std::to_string(last + 5));
  CHECK(status(server.fork(run, -1)) == 409);
  CHECK(status(server.fork(run, 0, R"(,"state":[1])")) == 400);
  CHECK(refusal(post(server.server.port(), "/handlers/run/rerun", R"({"from_sequence":"two"})")) ==
        "from_sequence must be an event's sequence, got \"two\"");
  CHECK(status(server.fork(run, 0, R"(,"start_event":{})")) == 400);
  CHECK(status(server.fork("nobody", 0)) == 404);

  Server forgetful({.port = 0});
  forgetful.start("run");
  CHECK(refusal(forgetful.fork("run", 0)).find("--store sqlite:FILE") != std::string::npos);
}

TEST_CASE("a long run is forked behind its last snapshot; what is older is named") {
  const TemporaryFolder folder;
  Server server({.store = weir::sqlite(folder.file("runs.db")), .port = 0});
  const auto run = server.start("run");
  until("the run asks", [&] { return !server.sums(run).empty(); });
  server.add(run, 1, std::string(70000, 'x'));  // more than a journal holds
  server.add(run, 2);
  server.add(run, 3);
  const auto past = server.sums(run);
  CHECK(server.total(server.forked(run, past.back().first), 4) == 10);
  CHECK(server.total(server.forked(run, past[2].first), 50) == 53);
  const auto answer = server.fork(run, 0);
  CHECK(status(answer) == 409);
  CHECK(answer.find("can be forked at its events ") != std::string::npos);
}

TEST_CASE("events say which piece of a step's work they are about or come from, and what began it") {
  Server server({.port = 0});
  const auto port = server.server.port();
  REQUIRE(status(post(port, "/workflows/pair/run", R"({"start_event":{},"handler_id":"p"})")) == 200);
  const auto page = json_body(get(port, "/events/p?stream=false&include_internal=true&limit=1000"));
  std::map<std::int64_t, std::string> steps;  // by span
  std::map<std::int64_t, std::int64_t> causes;
  std::size_t published = 0;
  for (const auto& event : page.find("events")->as_array()) {
    const auto type = event.find("type")->as_string();
    const auto& span = *event.find("span_id");
    if (type == "StepStateChanged") {
      steps[span.as_integer()] = event.find("value")->find("name")->as_string();
      if (const auto* by = event.find("caused_by"); by->is_integer()) causes[span.as_integer()] = by->as_integer();
    } else if (type == "Event") {
      CHECK(steps.at(span.as_integer()) == "work");
      ++published;
    } else if (type == "StopEvent") {
      CHECK(steps.contains(span.as_integer()));
    }
  }
  CHECK(published > 0);
  REQUIRE_FALSE(causes.empty());
  const std::map<std::string, std::string> before{{"work", "split"}, {"join", "work"}};
  for (const auto& [span, cause] : causes) CHECK(steps.at(cause) == before.at(steps.at(span)));
  const auto begun_outside = std::count_if(steps.begin(), steps.end(), [&](const auto& step) { return !causes.contains(step.first); });
  CHECK(begun_outside == 1);  // by the start event
}

TEST_CASE("statistics tell how the last runs went, step by step") {
  Server server({.port = 0});
  const auto port = server.server.port();
  for (const auto* id : {"a", "b"}) {
    server.start(id);
    until("the run asks", [&] { return !server.sums(id).empty(); });
    server.add(id, 3, "stumble");
    CHECK(server.total(id, 8) == 11);
  }
  const auto all = json_body(get(port, "/workflows/adding/stats"));
  CHECK(all.find("runs")->as_integer() == 2);
  CHECK(all.find("recent")->as_array().at(0).find("handler_id")->as_string() == "b");
  const auto& steps = all.find("steps")->as_array();
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].find("step")->as_string() == "add");
  CHECK(steps[0].find("count")->as_integer() == 6);
  CHECK(steps[0].find("failed")->as_integer() == 2);
  CHECK(steps[0].find("retried")->as_integer() == 2);
  CHECK(steps[1].find("count")->as_integer() == 2);
  CHECK(steps[1].find("p50_ms")->as_double() <= steps[1].find("max_ms")->as_double());
  CHECK(status(get(port, "/workflows/nothing/stats")) == 404);
  CHECK(json_body(get(port, "/workflows?detail=true")).find("details")->as_array().at(0).find("recent_ms")->as_array().size() == 2);

  const auto packed =
      talk::request(port, "GET /workflows/adding/stats HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept-Encoding: gzip\r\n\r\n");
  CHECK(packed.find("content-encoding") == std::string::npos);  // too small for that
  const auto page = talk::request(
      port,
      "GET /events/a?stream=false&include_internal=true HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept-Encoding: gzip\r\n\r\n");
  CHECK(page.find("content-encoding: gzip\r\n") != std::string::npos);
  CHECK(page.size() < get(port, "/events/a?stream=false&include_internal=true").size() / 2);
}

TEST_CASE("a read-only server shows everything and refuses what would change something; the program itself goes on") {
  Server server({.port = 0, .read_only = true});
  const auto port = server.server.port();
  const auto run = server.server.runtime().start("adding", Begin{.until = 1}, "mine");
  for (const auto* target : {"/workflows/adding/run", "/workflows/adding/run-nowait", "/events/mine", "/handlers/mine/cancel",
                             "/handlers/mine/cancel?purge=true", "/handlers/mine/rerun"}) {
    const auto answer = post(port, target, R"({"start_event":{},"event":{}})");
    CHECK(status(answer) == 403);
    CHECK(answer.find("read-only") != std::string::npos);
  }
  CHECK(status(get(port, "/handlers/mine")) != 404);
  CHECK(status(get(port, "/events/mine?stream=false")) == 200);
  CHECK(status(get(port, "/handlers/mine/export")) == 200);
  CHECK(json_body(get(port, "/ui/config")).find("read_only")->as_bool());
  CHECK(run.cancel());
}
