// Workflows behind HTTP, speaking the protocol of LlamaIndex's WorkflowServer.
#pragma once

#include <weir/runtime.hpp>
#include <weir/store.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

struct ServerOptions {
  std::shared_ptr<Store> store = nullptr;  ///< empty: weir::memory()
  std::string host = "";                   ///< empty: 127.0.0.1; under `weir serve` all addresses
  std::uint16_t port = 8080;               ///< 0: any free port
  /// A comment line on idle event streams, so that proxies keep them open; empty: none.
  std::optional<std::chrono::milliseconds> heartbeat = std::chrono::seconds(25);
  /// What a stream without a cursor begins with: "auto" (everything for a run's first reader, only new events for
  /// later ones), "now" or "start".
  std::string default_cursor = "auto";
  /// Lets requests bring a `context` to start from: only for clients that may set a run's state and queues.
  bool accept_context_api = false;
  /// When there are any, requests must bring one of them ("Authorization: Bearer KEY", or "X-API-Key: KEY") or are answered
  /// with 401; /health and the debugger's page are open to everybody.
  std::vector<std::string> api_keys = {};
  /// The origins ("https://app.example.org"; "*": every one) whose pages may use the server, beside its own pages and those of
  /// localhost; requests from others are answered with 403. Empty: no others, or with API keys every one, as a key lets it in.
  std::vector<std::string> allowed_origins = {};
  /// The names without ports ("*": every one) under which the server may be asked, beside `host`, its addresses and localhost;
  /// under others it answers 421. Empty: no others, or with API keys every one.
  std::vector<std::string> allowed_hosts = {};
  /// Runs are looked at, not started, changed or ended: such requests are answered with 403. The program itself, and its own
  /// routes, do as before.
  bool read_only = false;
  RuntimeOptions runtime = {};  ///< its store is ignored
  std::size_t body_bytes_max = 16 * 1024 * 1024;
  std::size_t connections_max = 10000;
  std::chrono::seconds read_timeout{60};
  /// How long stop() takes at most: it lets requests in flight finish, then asks steps that still run to end (Context::stop_token), for
  /// which the last quarter of it is reserved, a second at most. Steps that have not ended by then are left behind.
  std::chrono::seconds drain_timeout{5};
};

/// A request to one of the program's own routes.
struct RouteRequest {
  std::string_view method, target, body;
  std::vector<std::string> names;                            ///< what the path's stars stand for, decoded
  std::function<std::string_view(std::string_view)> header;  ///< by name, in any case; empty when absent
};
struct RouteAnswer {
  int status = 200;
  std::string content_type = "application/json";
  std::string body = "";
};

/// Thread-safe after the last add_workflow. Several servers live side by side in one process.
class WorkflowServer {
public:
  /// Throws std::invalid_argument on an option that makes no sense.
  explicit WorkflowServer(ServerOptions options = {});
  /// stop(). What steps that have not ended use lives on, for the rest of the process.
  ~WorkflowServer();
  WorkflowServer(const WorkflowServer&) = delete;
  WorkflowServer& operator=(const WorkflowServer&) = delete;

  /// See Runtime::add_workflow.
  template <class W, class... A>
  void add_workflow(const std::string& name, A&&... arguments) {
    runtime().add_workflow<W>(name, std::forward<A>(arguments)...);
  }
  template <class W>
  void add_workflow(const std::string& name, std::shared_ptr<W> workflow, WorkflowOptions options = {}) {
    runtime().add_workflow(name, std::move(workflow), std::move(options));
  }

  /// A route of the program's own beside the protocol's, which it hides where the paths are the same. In `path` a "*" stands for
  /// any one segment. `answer` is called on the I/O thread and must not block; what it throws is answered with 500. API keys are
  /// asked for as everywhere. Before start().
  void add_route(std::string method, std::string path, std::function<RouteAnswer(const RouteRequest&)> answer);

  /// Begins to serve on a thread of its own. Throws std::runtime_error when host and port cannot be bound, std::logic_error when the
  /// server is serving, or was stopped.
  void start();
  /// The port that is served, also when port 0 was asked for. Throws std::logic_error before start().
  std::uint16_t port() const;
  /// Stops accepting, lets requests in flight finish for `drain_timeout`, ends streams and runs. Idempotent; from any thread. Returns
  /// when that is done; when a route of one's own calls it, at once.
  void stop();
  /// start(), then blocks until SIGINT or SIGTERM, or until somebody has stopped the server, then stop(). Those signals are taken while it
  /// serves, whatever threads the program has; several servers end at one.
  void serve();
  /// serve() with options from the command line (--help lists them), the environment and a configuration file over those
  /// that the server was made with; returns the exit code.
  int main(int argc, char** argv);

  Runtime& runtime();

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir
