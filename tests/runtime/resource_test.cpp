// Resources: what steps get besides events (contract 5.16).
#include <doctest/doctest.h>

#include "flows.hpp"

#include <cstdio>
#include <fstream>

using namespace flows;
using weir::Resource;
using weir::Runtime;
using weir::StartEvent;
using weir::StopEvent;

namespace {

struct Database {
  std::string url;
};
struct Session {
  std::shared_ptr<Database> database;
  int number;
};
struct Settings {
  int port;
  std::string host = "localhost";
};

struct Shop : weir::Workflow {
  std::atomic<int> databases = 0, sessions = 0;
  std::function<void()> while_opening = [] {};

  Shop() {
    step<&Shop::first>();
    step<&Shop::second>();
    step<&Shop::third>();
    resource<Database>([this] {
      ++databases;
      while_opening();
      return std::make_unique<Database>(Database{"orders"});
    }).description("All orders.");
    resource<Session>([this](Resource<Database> database) { return Session{database.shared(), ++sessions}; }).per_use().named("session");
  }
  std::vector<Note> first(const StartEvent& start) { return std::vector<Note>(static_cast<std::size_t>(start.get("n", 3)), Note{1}); }
  /// Two parameters of one invocation share what is made per use.
  Draft second(const Note&, Resource<Session> session, Resource<Session> again) {
    return {session->database->url + (session.shared() == again.shared() ? " shared " : " apart ") + std::to_string(session->number)};
  }
  weir::Task<StopEvent> third(const std::vector<Draft>& drafts, Resource<Database> database) {
    co_return StopEvent{weir::Value(weir::Object{{"texts", static_cast<std::int64_t>(drafts.size())}, {"url", database->url}})};
  }
};

struct Configured : weir::Workflow {
  explicit Configured(const std::string& file, weir::ConfigOptions options = {.path = "server"}) {
    step<&Configured::run>();
    resource_config<Settings>(file, std::move(options));
  }
  StopEvent run(const StartEvent&, Resource<Settings> settings) { return {settings->host + ":" + std::to_string(settings->port)}; }
};

class TemporaryFile {
public:
  TemporaryFile(const std::string& suffix, const std::string& content)
      : path_("weir_test_" + std::to_string(reinterpret_cast<std::uintptr_t>(this)) + suffix) {
    std::ofstream(path_) << content;
  }
  ~TemporaryFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

std::string refused(const std::function<void()>& action) {
  try {
    action();
    return "";
  } catch (const weir::WorkflowError& error) { return error.what(); }
}

}  // namespace

TEST_CASE("resources are made once per workflow object, or once per invocation, however many steps ask at once") {
  Runtime runtime({.actor_threads = 2});
  const auto shop = std::make_shared<Shop>();
  runtime.add_workflow("shop", shop, {});
  const auto one = runtime.start("shop", StartEvent(weir::Object{{"n", 8}}));
  const auto two = runtime.start("shop", StartEvent(weir::Object{{"n", 8}}));
  const auto result = one.result<weir::Value>();
  CHECK(result.find("texts")->as_integer() == 8);
  CHECK(result.find("url")->as_string() == "orders");
  two.wait();
  CHECK(shop->databases == 1);
  CHECK(shop->sessions == 16);
}

TEST_CASE("a factory that fails is the step's failure: it is retried, and the next one may succeed") {
  struct Flaky : weir::Workflow {
    std::atomic<int> tries = 0;
    Flaky() {
      step<&Flaky::run>().retry({.max_attempts = 3, .initial = 0ms});
      resource<Database>([this]() -> Database {
        if (++tries < 3) throw std::runtime_error("refused");
        return {"third"};
      });
    }
    StopEvent run(const StartEvent&, Resource<Database> database) { return {database->url}; }
  };
  struct Broken : weir::Workflow {
    Broken() {
      step<&Broken::run>().blocking();
      catch_error<&Broken::fix>();
      resource<Database>([]() -> Database { throw std::runtime_error("no database"); });
    }
    StopEvent run(const StartEvent&, Resource<Database>) { return {"never"}; }
    StopEvent fix(const weir::StepFailedEvent& failed) { return {failed.exception.exception_message}; }
  };
  Runtime runtime;
  runtime.add_workflow<Flaky>("flaky");
  runtime.add_workflow<Broken>("broken");
  CHECK(runtime.start("flaky", StartEvent()).result<std::string>() == "third");
  CHECK(runtime.start("broken", StartEvent()).result<std::string>() == "no database");
  CHECK(refused([&] { runtime.validate_resources("broken"); }) ==
        "Resource validation failed:\n  - In step 'run', parameter 'Database': no database");
  CHECK_NOTHROW(runtime.validate_resources("flaky"));
}

TEST_CASE("parallel steps that need the same resource wait for the one that makes it") {
  // A step that finds the resource in the making must wait, and must not be told of a cycle.
  Runtime runtime;
  const auto shop = std::make_shared<Shop>();
  std::latch asked(2);
  shop->while_opening = [&] { asked.wait(); };
  runtime.add_workflow("shop", shop, {});
  const auto one = runtime.start("shop", StartEvent(weir::Object{{"n", 4}}));
  asked.count_down();
  const auto two = runtime.start("shop", StartEvent(weir::Object{{"n", 4}}));
  asked.count_down();
  CHECK(one.wait().status == weir::HandlerStatus::completed);
  CHECK(two.wait().status == weir::HandlerStatus::completed);
  CHECK(shop->databases == 1);
}

TEST_CASE("an object that the program owns takes the place of what a factory would make") {
  Runtime runtime;
  const auto shop = std::make_shared<Shop>();
  shop->provide(std::make_shared<Database>(Database{"fake"}));
  runtime.add_workflow("shop", shop, {});
  CHECK(runtime.start("shop", StartEvent()).result<weir::Value>().find("url")->as_string() == "fake");
  CHECK(shop->databases == 0);
}

TEST_CASE("cycles and undeclared resources are named when the workflow is registered") {
  struct Circular : weir::Workflow {
    Circular() {
      step<&Circular::run>();
      resource<Database>([](Resource<Settings>) { return Database(); }).named("a");
      resource<Settings>([](Resource<Session>) { return Settings(); }).named("b");
      resource<Session>([](Resource<Database>) { return Session(); }).named("c");
    }
    StopEvent run(const StartEvent&, Resource<Database>) { return {}; }
  };
  struct Undeclared : weir::Workflow {
    Undeclared() { step<&Undeclared::run>(); }
    StopEvent run(const StartEvent&, Resource<Database>) { return {}; }
  };
  Runtime runtime;
  CHECK(refused([&] { runtime.add_workflow<Circular>("w"); }) == "Circular resource dependency detected: a -> b -> c -> a");
  CHECK(refused([&] {
          runtime.add_workflow<Undeclared>("w");
        }).starts_with("Step 'run' needs a resource that is not declared: add resource<T>"));
}

TEST_CASE("configuration comes from an object inside a JSON file, and is checked when the workflow is registered") {
  const TemporaryFile file(".json", R"({"server":{"port":8080},"list":[1]})");
  const TemporaryFile text(".txt", "{}");
  Runtime runtime;
  runtime.add_workflow<Configured>("w", file.path());
  CHECK(runtime.start("w", StartEvent()).result<std::string>() == "localhost:8080");
  const auto problem = [&](const std::string& path, weir::ConfigOptions options = {}) {
    const auto full = refused([&] { runtime.add_workflow<Configured>("w", path, options); });
    const std::string prefix = "Resource config validation failed:\n  - In step 'run', parameter 'Settings': ";
    CHECK(full.starts_with(prefix));
    return full.substr(std::min(full.size(), prefix.size()));
  };
  CHECK(problem(text.path()) == "Only JSON files can be used to load Pydantic-based resources.");
  CHECK(problem("missing.json") == "No such file: missing.json");
  CHECK(problem(file.path(), {.path = "list"}) == "Expected dictionary for configuration from " + file.path() + " at path list, got: [1]");
  CHECK(problem(file.path(), {.path = "server.tls"}) ==
        "Expected dictionary for configuration from " + file.path() + " at path server.tls, got: None");
  CHECK(problem(file.path()).starts_with("1 validation error for Settings\nport\n  Field required"));
}

TEST_CASE("the graph shows resources behind the steps that use them, and configuration with its value") {
  const TemporaryFile file(".json", R"({"server":{"port":8080}})");
  Runtime runtime;
  runtime.add_workflow<Shop>("shop");
  runtime.add_workflow<Configured>("configured", file.path(),
                                   weir::ConfigOptions{.path = "server", .label = "Server", .description = "Where."});
  const auto graph = [&](const char* name) { return *weir::parse_json(runtime.representation(name)); };
  std::map<std::string, weir::Value> nodes;
  const auto shop = graph("shop");
  std::string order;
  for (const auto& node : shop.find("graph")->find("nodes")->as_array()) {
    nodes[node.find("label")->as_string()] = node;
    order += node.find("label")->as_string() + " ";
  }
  CHECK(order == "first StartEvent Note second Draft Session Database third StopEvent ");
  const auto& database = nodes.at("Database");
  CHECK(database.find("node_type")->as_string() == "resource");
  CHECK(database.find("id")->as_string().starts_with("resource_"));
  CHECK(database.find("id")->as_string().size() == 21);
  CHECK(database.find("source_file")->as_string().ends_with("resource_test.cpp"));
  CHECK(database.find("source_line")->as_integer() > 0);
  CHECK(database.find("description")->as_string() == "All orders.");
  CHECK(nodes.at("Session").find("getter_name")->as_string() == "session");
  std::string labelled;
  for (const auto& edge : shop.find("graph")->find("edges")->as_array())
    if (!edge.find("label")->is_null()) labelled += edge.find("label")->as_string() + " ";
  CHECK(labelled == "Database session session Database ");

  const auto configured = graph("configured");
  for (const auto& node : configured.find("graph")->find("nodes")->as_array()) nodes[node.find("label")->as_string()] = node;
  const auto& server = nodes.at("Server");
  CHECK(server.find("node_type")->as_string() == "resource_config");
  CHECK(server.find("config_file")->as_string().starts_with("/"));
  CHECK(server.find("path_selector")->as_string() == "server");
  CHECK(to_json(*server.find("config_value")) == R"({"port":8080})");
  CHECK(server.find("config_schema")->find("title")->as_string() == "Settings");
  CHECK(server.find("description")->as_string() == "Where.");
}
