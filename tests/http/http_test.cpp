// The parts of the HTTP front that need no socket.
#include <doctest/doctest.h>

#include "http/answers/translate.hpp"
#include "http/options/durations.hpp"
#include "http/options/main_options.hpp"
#include "http/routes/openapi.hpp"
#include "http/streams/event_stream.hpp"
#include "http/wire/target.hpp"

#include <weir/server.hpp>
#include <weir/value.hpp>

using namespace weir;
using namespace weir::http;

TEST_CASE("targets are decoded before they are split") {
  const Target target("/workflows/%C5%BElu%C5%A5%20x/run?a=1&a=2&b=%2B+c&flag=TRUE&empty=");
  CHECK(target.segments == std::vector<std::string>{"workflows", "žluť x", "run"});
  CHECK(target.query.last("a") == "2");
  CHECK(target.query.all("a").size() == 2);
  CHECK(target.query.last("b") == "+ c");
  CHECK(target.query.flag("flag", false));
  CHECK_FALSE(target.query.flag("a", true));
  CHECK(target.query.flag("absent", true));
  CHECK_FALSE(target.query.flag("empty", true));
  CHECK(Target("/a%2Fb/").segments == std::vector<std::string>{"a/b", ""});
  CHECK(Target("http://host/health").segments.empty());
  CHECK(percent_decoded("%zz%4") == "%zz%4");
}

TEST_CASE("integers are read as Python reads them") {
  CHECK(python_integer(" 1_0 ") == 10);
  CHECK(python_integer("-5") == -5);
  CHECK(python_integer("+7") == 7);
  for (const char* wrong : {"", "1.5", "abc", "1__0", "_1", "1_", "--1", "99999999999999999999"}) CHECK_FALSE(python_integer(wrong));
}

TEST_CASE("a handler is printed with every key, in order") {
  HandlerRow row;
  row.handler_id = "h\"1";
  row.workflow_name = "w";
  row.run_id = "r";
  row.started_at = Time(std::chrono::microseconds(1772352000120045));
  row.updated_at = Time(std::chrono::seconds(1772352000));
  CHECK(handler_json(row) ==
        R"({"handler_id":"h\"1","workflow_name":"w","run_id":"r","error":null,"result":null,"status":"running",)"
        R"("started_at":"2026-03-01T08:00:00.120045+00:00","updated_at":"2026-03-01T08:00:00+00:00","completed_at":null})");
  CHECK(polling_status(row) == 202);
  row.status = HandlerStatus::completed;
  row.result = R"({"value":{"result":[1,2.0]},"qualified_name":"workflows.events.StopEvent","type":"StopEvent","types":null})";
  CHECK(result_json(row).find(R"("result":[1,2.0],)") != std::string::npos);
  row.result = R"({"value":{"total":3.0},"qualified_name":"tea.Bill","type":"Bill","types":["StopEvent"]})";
  CHECK(result_json(row).find(R"("result":{"total":3.0},)") != std::string::npos);
  row.status = HandlerStatus::failed;
  row.error = "boom";
  row.result.clear();
  CHECK(handler_json(row).find(R"("error":"boom","result":null,"status":"failed")") != std::string::npos);
  CHECK(polling_status(row) == 500);
}

TEST_CASE("the API document is JSON and names every operation") {
  const auto document = parse_json(openapi_document());
  REQUIRE(document.ok());
  std::size_t operations = 0;
  for (const auto& [path, methods] : document->find("paths")->as_object()) operations += methods.as_object().size();
  CHECK(operations == 24);
}

namespace {
struct Text final : EventPayload {
  std::string_view json() const override { return "{}"; }
  std::string_view frame() const override { return "id: 7\ndata: {}\n\n"; }
  std::string json_without_qualified_name() const override { return "{ }"; }
};
}  // namespace

TEST_CASE("frames are exactly one id line and one data line") {
  const EventRow row{7, Time(), false, false, std::make_shared<Text>()};
  std::string sse, lines, anonymous, anonymous_sse;
  append_frame(sse, row, {.format = StreamFormat::sse, .qualified_names = true, .heartbeat = {}});
  append_frame(lines, row, {.format = StreamFormat::ndjson, .qualified_names = true, .heartbeat = {}});
  append_frame(anonymous, row, {.format = StreamFormat::ndjson, .qualified_names = false, .heartbeat = {}});
  CHECK(sse == "id: 7\ndata: {}\n\n");
  CHECK(lines == "{}\n");
  append_frame(anonymous_sse, row, {.format = StreamFormat::sse, .qualified_names = false, .heartbeat = {}});
  CHECK(anonymous == "{ }\n");
  CHECK(anonymous_sse == "id: 7\ndata: { }\n\n");
}

TEST_CASE("the command line changes what it names and leaves what the program has chosen") {
  using namespace std::chrono_literals;
  const auto parsed = [](std::vector<std::string> words) {
    ServerOptions options{.runtime = {.durability = Durability::pipelined, .idle_timeout = 5s, .retention = {.completed = 1h}}};
    words.insert(words.begin(), "server");
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    int exit_code = 0;
    CHECK(detail::parse_main_options(options, static_cast<int>(arguments.size()), arguments.data(), exit_code));
    return options.runtime;
  };
  const auto untouched = parsed({});
  CHECK(untouched.durability == Durability::pipelined);
  CHECK(untouched.idle_timeout == 5s);
  CHECK(untouched.retention.completed == 1h);
  CHECK(parsed({"--durability", "strict"}).durability == Durability::strict);
  CHECK(parsed({"--idle-timeout", "2m"}).idle_timeout == 2min);
  CHECK_FALSE(parsed({"--idle-timeout", "never"}).idle_timeout);
  CHECK(parsed({"--retain", "failed=1d"}).retention.failed == 24h);
  CHECK_FALSE(parsed({"--retain", "failed=1d"}).retention.completed);
}

TEST_CASE("durations and retention are read as people write them") {
  using namespace std::chrono_literals;
  CHECK(parse_duration("90") == 90s);
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("15m") == 15min);
  CHECK(parse_duration("7d") == 7 * 24h);
  for (const char* wrong : {"", "d", "-1s", "1.5h", "7 days", "99999999999999999d", "1y"}) CHECK_FALSE(parse_duration(wrong));
  const auto retention = parse_retention({"7d", "failed=30d"});
  CHECK(retention.completed == 7 * 24h);
  CHECK(retention.failed == 30 * 24h);
  CHECK_FALSE(parse_retention({}).any());
  CHECK_FALSE(parse_retention({"failed=1h"}).completed);
  CHECK_THROWS_WITH_AS(parse_retention({"running=1h"}),
                       "must be a time like 7d or 12h, or STATUS=TIME with completed, failed or cancelled, got 'running=1h'",
                       std::invalid_argument);
}
