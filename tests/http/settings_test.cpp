// Flags, environment and configuration file: which of them wins, and what is said about a value that is none.
#include <doctest/doctest.h>

#include "http/options/settings.hpp"
#include "tests/store/temporary.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

using namespace weir;
using namespace weir::http;

namespace {

/// Set for one test.
struct Environment {
  explicit Environment(std::initializer_list<std::pair<const std::string, std::string>> given) : values(given) {
    for (const auto& [name, value] : values) ::setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() {
    for (const auto& [name, value] : values) ::unsetenv(name.c_str());
  }
  std::map<std::string, std::string> values;
};

Configuration configured(const Values& flags, const std::string& file = "") {
  Configuration out{.draft = {.options = {.host = "10.0.0.1"}}};
  configure(out, flags, file);
  return out;
}

std::string written(const TemporaryFolder& folder, const std::string& text) {
  const auto path = folder.file("weir.conf");
  std::ofstream(path) << text;
  return path;
}

}  // namespace

TEST_CASE("settings: a flag wins over the environment, that over the file, that over what the program chose") {
  const TemporaryFolder folder;
  const auto file = written(folder, "# a comment\nport = 1001\nheartbeat = \"5s\"\nretain = [\"7d\", \"failed=30d\"]\n");
  CHECK(configured({}).draft.options.host == "10.0.0.1");
  CHECK(configured({}, file).draft.options.port == 1001);
  CHECK(configured({}, file).draft.options.heartbeat == std::chrono::seconds(5));
  CHECK(configured({}, file).draft.options.runtime.retention.failed == std::chrono::hours(30 * 24));
  const Environment environment({{"WEIR_PORT", "1002"}, {"WEIR_API_KEY", "one,two"}, {"WORKFLOWS_PY_SERVER_PORT", "1003"}});
  CHECK(configured({}, file).draft.options.port == 1002);
  CHECK(configured({}).draft.options.api_keys == std::vector<std::string>{"one", "two"});
  const auto all = configured({{"port", {"1004"}}}, file);
  CHECK(all.draft.options.port == 1004);
  CHECK(all.sources.find("port")->second == "--port");
}

TEST_CASE("settings: the environment of a deployment of the Python server works") {
  const Environment environment({{"WORKFLOWS_PY_SERVER_HOST", "10.1.1.1"}, {"WORKFLOWS_PY_SERVER_PORT", "9000"}});
  CHECK(configured({}).draft.options.host == "10.1.1.1");
  CHECK(configured({}).draft.options.port == 9000);
  const Environment ours({{"WEIR_HOST", "10.2.2.2"}});
  CHECK(configured({}).draft.options.host == "10.2.2.2");
}

TEST_CASE("settings: what is wrong is named with its source, its value and what is allowed") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(configured({{"port", {"x"}}}), "--port must be a whole number from 0 to 65535, got 'x'");
  CHECK_THROWS_WITH(configured({{"sync", {"half"}}}), "--sync must be full or normal, got 'half'");
  CHECK_THROWS_WITH(configured({{"store", {"redis"}}}), "--store must be memory or sqlite:PATH, got 'redis'");
  CHECK_THROWS_WITH(configured({{"idle-timeout", {"soon"}}}), "--idle-timeout must be a time like 60s or 5m, or never, got 'soon'");
  CHECK_THROWS_WITH(configured({{"api-key", {""}}}), "--api-key must be a key that is not empty, got ''");
  {
    const Environment trailing_comma({{"WEIR_API_KEY", "one,"}, {"WEIR_HOST", "10.0.0.1"}});
    CHECK_THROWS_WITH(configured({}), "WEIR_API_KEY must be a key that is not empty, got ''");
  }
  const auto file = written(folder, "prot = 80\n");
  CHECK_THROWS_WITH(configured({}, file), (file + ": there is no setting 'prot'. `weir serve --help` lists them").c_str());
  CHECK_THROWS_WITH(configured({}, folder.file("none")), ("the configuration file '" + folder.file("none") + "' cannot be read").c_str());
  const Environment environment({{"WEIR_BODY_MAX", "0"}});
  CHECK_THROWS_WITH(configured({}), doctest::Contains("WEIR_BODY_MAX must be a whole number from 1 to"));
}

TEST_CASE("settings: an empty list is refused where one value is wanted") {
  const TemporaryFolder folder;
  for (const std::string text : {"port = []\n", "port = [\"\n", "port =[\001\n", "store = [ ]\n"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(configured({}, written(folder, text)), std::invalid_argument);
  }
  const auto file = written(folder, "port = []\n");
  CHECK_THROWS_WITH(configured({}, file), (file + ": port has no value: an empty list is only for what may be repeated").c_str());
  CHECK_NOTHROW(configured({}, written(folder, "allow-origin = []\n")));
}

TEST_CASE("settings: threads, slow steps and what a run may use are settings too") {
  const auto runtime = configured({{"actor-threads", {"3"}},
                                   {"blocking-threads", {"7"}},
                                   {"slow-step", {"2s"}},
                                   {"stream-backlog", {"1000"}},
                                   {"events-in-memory", {"2000"}},
                                   {"history-rows", {"3000"}}})
                           .draft.options.runtime;
  CHECK(runtime.budget.stream_backlog_bytes_max == 1000);
  CHECK(runtime.budget.events_in_memory_max == 2000);
  CHECK(runtime.budget.history_rows_max == 3000);
  CHECK(runtime.actor_threads == 3);
  CHECK(runtime.blocking_threads_max == 7);
  CHECK(runtime.slow_step == std::chrono::seconds(2));
}

TEST_CASE("settings: who may ask") {
  const auto options =
      configured({{"allow-origin", {"https://a.example", "https://b.example"}}, {"allow-host", {"localhost"}}}).draft.options;
  CHECK(options.allowed_origins == std::vector<std::string>{"https://a.example", "https://b.example"});
  CHECK(options.allowed_hosts == std::vector<std::string>{"localhost"});
  CHECK_THROWS_WITH(configured({{"allow-origin", {"a.example"}}}),
                    "--allow-origin must be an origin like https://app.example.org, or *, got 'a.example'");
  CHECK_THROWS_WITH(configured({{"allow-host", {""}}}), "--allow-host must be a name like workflows.example.org, or *, got ''");
}

TEST_CASE("settings: API keys come from a file that only its owner can read, beside those that are given otherwise") {
  const TemporaryFolder folder;
  const auto file = folder.file("keys");
  const auto write = [&](const std::string& text, ::mode_t mode) {
    std::ofstream(file) << text;
    REQUIRE(::chmod(file.c_str(), mode) == 0);
  };
  write("# ours\n\n  one \r\ntwo\n# three\n", 0600);
  auto given = configured({{"api-key-file", {file}}, {"api-key", {"zero"}}});
  CHECK(finished(given).api_keys == std::vector<std::string>{"zero", "one", "two"});
  CHECK(printed(given).find("api-key-file = \"" + file + "\"") != std::string::npos);
  CHECK(printed(given).find("one") == std::string::npos);
  {
    const Environment named({{"WEIR_API_KEY_FILE", file}});
    CHECK(finished(configured({})).api_keys == std::vector<std::string>{"one", "two"});
  }
  const auto refusal = [&](const std::string& path) -> std::string {
    try {
      configured({{"api-key-file", {path}}});
    } catch (const std::invalid_argument& error) { return error.what(); }
    return "";
  };
  for (const ::mode_t mode : {0604, 0602, 0644, 0666}) {
    write("one\n", mode);
    CHECK(refusal(file) == "--api-key-file must be a file of API keys, one a line, that only its owner can read, got '" + file +
                               "': others may read or write it. `chmod 600` keeps it to its owner");
  }
  write("# nothing\n\n", 0600);
  CHECK(refusal(file).ends_with("there is no key in it"));
  write("o\x1bne\n", 0600);
  CHECK(refusal(file).ends_with("a key in it has control characters or is no UTF-8"));
  CHECK(refusal(folder.file("none")).ends_with("No such file or directory"));
  CHECK(refusal(folder.file("")).ends_with("it is no regular file"));
  CHECK(refusal("/dev/null").find("must be a file of API keys") != std::string::npos);
}

TEST_CASE("settings: what is printed can be read again, keys are not shown, and every setting has a row in the table") {
  const TemporaryFolder folder;
  auto changed = configured({{"port", {"99"}}, {"accept-context-api", {"true"}}, {"heartbeat", {"250ms"}}, {"retain", {"failed=1d"}}});
  const auto text = printed(changed);
  CHECK(text.find("port = \"99\"  # --port\n") != std::string::npos);
  const auto again = configured({}, written(folder, text));
  CHECK(again.draft.options.port == 99);
  CHECK(again.draft.options.accept_context_api);
  CHECK(again.draft.options.heartbeat == std::chrono::milliseconds(250));
  CHECK(again.draft.options.runtime.retention.failed == std::chrono::hours(24));
  changed = configured({{"api-key", {"secret"}}});
  CHECK(printed(changed).find("secret") == std::string::npos);
  for (const auto& setting : settings()) CHECK(settings_table().find("`--" + std::string(setting.name)) != std::string::npos);
}
