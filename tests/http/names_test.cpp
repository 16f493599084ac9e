// Ids and names that need care on the way: which may be chosen, and that each is found again on every route.
#include "talk.hpp"

#include "http/answers/without_folders.hpp"

#include <weir/weir.hpp>

#include <mutex>
#include <vector>

namespace {

struct Waiting : weir::Workflow {
  Waiting() { step<&Waiting::wait>(); }
  weir::Task<weir::StopEvent> wait(weir::Context& ctx, const weir::StartEvent&) {
    auto answer = co_await ctx.wait_for_event<weir::HumanResponseEvent>();
    co_return weir::StopEvent(weir::Value(answer.fields()));
  }
};

/// What the server has written into its log.
struct Log {
  std::function<void(weir::LogLevel, std::string_view)> sink() {
    return [this](weir::LogLevel, std::string_view text) {
      const std::lock_guard lock(mutex);
      lines.emplace_back(text);
    };
  }
  bool has(const std::string& part) {
    const std::lock_guard lock(mutex);
    return std::any_of(lines.begin(), lines.end(), [&](const auto& line) { return line.find(part) != std::string::npos; });
  }
  std::mutex mutex;
  std::vector<std::string> lines;
};

struct Served {
  Log log;
  weir::WorkflowServer server{{.port = 0, .runtime = {.log = log.sink()}}};
  explicit Served(const std::string& workflow = "a/b") {
    server.add_workflow(workflow, std::make_shared<Waiting>(), {.additional_events = weir::events<weir::HumanResponseEvent>()});
    server.add_route("GET", "/broken", [](const weir::RouteRequest&) -> weir::RouteAnswer {
      throw std::runtime_error("first\nweir: info: second\x1b[31m\xff in '/srv/secret/runs.db'");
    });
    server.start();
  }
  std::string start(const std::string& id) const {
    std::string body;
    weir::JsonWriter writer(body);
    writer.value(weir::Object{{"handler_id", id}, {"start_event", weir::Object()}});
    return talk::post(server.port(), "/workflows/a%2Fb/run-nowait", body);
  }
};

}  // namespace

TEST_CASE("ids that cannot be addressed, or hold control characters, are refused when they are chosen") {
  const Served served;
  for (const std::string id : {".", "..", "a\nb", "\x1b[31m", "a\x7f", "\xC2\x85", "\t"}) {
    CAPTURE(id);
    const auto answer = served.start(id);
    CHECK(talk::status(answer) == 400);
    CHECK(answer.find("handler_id must have 1 to 200 characters of UTF-8 without control characters") != std::string::npos);
  }
  CHECK(talk::status(served.start(std::string(201, 'a'))) == 400);
  CHECK(served.start(std::string(1'000'000, 'a')).size() < 1000);
  std::string characters;
  for (int i = 0; i < 200; ++i) characters += "\xC5\xA5";
  CHECK(talk::status(served.start(characters)) == 200);
  CHECK(talk::status(served.start(characters + "a")) == 400);
}

TEST_CASE("a program's own call is refused an id that cannot be addressed, too") {
  weir::Runtime runtime;
  runtime.add_workflow<Waiting>("waiting");
  CHECK_THROWS_WITH(runtime.start("waiting", weir::StartEvent(), ".."), doctest::Contains("handler_id must have"));
  CHECK_THROWS_WITH(runtime.start("waiting", weir::StartEvent(), "a\xff"), doctest::Contains("'a\\xff'"));
}

TEST_CASE("a handler and a workflow with a slash, a percent sign or a question mark are found on every route") {
  const Served served;
  const auto port = served.server.port();
  for (const auto& [id, path] : std::vector<std::pair<std::string, std::string>>{
           {"a/b", "a%2Fb"}, {"100%", "100%25"}, {"../x", "..%2Fx"}, {"a%2Fb", "a%252Fb"}, {"what?#", "what%3F%23"}, {"...", "..."}}) {
    CAPTURE(id);
    REQUIRE(talk::status(served.start(id)) == 200);
    CHECK(talk::json_body(talk::get(port, "/handlers/" + path)).find("handler_id")->as_string() == id);
    for (const auto& route : std::vector<std::string>{"/handlers/" + path + "?detail=true", "/handlers/" + path + "/state",
                                                      "/handlers/" + path + "/export", "/events/" + path + "?stream=false"})
      CHECK_MESSAGE(talk::status(talk::get(port, route)) == 200, route);
    CHECK(talk::status(talk::get(port, "/results/" + path)) == 202);
    CHECK(talk::status(talk::post(port, "/events/" + path, R"({"event":{"type":"HumanResponseEvent","value":{"n":1}}})")) == 200);
    CHECK(talk::status(talk::get(port, "/events/" + path + "?after_sequence=-1")) == 200);
    CHECK(talk::status(talk::post(port, "/handlers/" + path + "/rerun", "{}")) == 200);
    CHECK(talk::status(talk::post(port, "/handlers/" + path + "/cancel?purge=true", "")) == 200);
  }
  for (const std::string rest : {"schema", "events", "representation", "stats"})
    CHECK(talk::status(talk::get(port, "/workflows/a%2Fb/" + rest)) == 200);
  CHECK(talk::status(talk::get(port, "/workflows/a/b/schema")) == 404);
}

TEST_CASE("what an exception says stays one line of the log without control characters, and tells clients no folders") {
  Served served;
  const auto answer = talk::get(served.server.port(), "/broken");
  CHECK(talk::status(answer) == 500);
  CHECK(answer.find("/srv/secret") == std::string::npos);
  CHECK(answer.find("'runs.db'") != std::string::npos);
  CHECK(served.log.has("first\\nweir: info: second\\u001b[31m\\xff in '/srv/secret/runs.db'"));
}

TEST_CASE("an idempotency key is clean text of a length that is named") {
  const Served served;
  const auto with_key = [&](const std::string& key) {
    return talk::post(served.server.port(), "/workflows/a%2Fb/run-nowait", "{}", "Idempotency-Key: " + key + "\r\n");
  };
  CHECK(talk::status(with_key("key \xC5\xA5")) == 200);
  CHECK(talk::status(with_key("k\xff")) == 400);
  CHECK(talk::status(with_key(std::string(256, 'k'))) == 400);
}

TEST_CASE("folders are taken out of texts, other slashes stay") {
  using weir::http::without_folders;
  CHECK(without_folders("disk full (database '/srv/x/runs.db')") == "disk full (database 'runs.db')");
  CHECK(without_folders("filesystem error: no such file [/a/b] [\"/c/d\"]") == "filesystem error: no such file [b] [\"d\"]");
  CHECK(without_folders("1/2 of '/' and a/b, 'c/d', it's /e") == "1/2 of '' and a/b, 'c/d', it's /e");
}
