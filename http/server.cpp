// WorkflowServer: a runtime, a transport and the routes between them.
#include <weir/server.hpp>

#include "app.hpp"
#include "authority.hpp"
#include "main_options.hpp"
#include "transport.hpp"

#include <csignal>
#include <fstream>
#include <future>
#include <stdexcept>

namespace weir {
namespace {

http::DefaultCursor default_cursor(const std::string& word) {
  if (word == "auto") return http::DefaultCursor::automatic;
  if (word == "now") return http::DefaultCursor::now;
  if (word == "start") return http::DefaultCursor::start;
  throw std::invalid_argument("default_cursor must be auto, now or start, got '" + word + "'");
}

/// Every option has a value.
ServerOptions completed(ServerOptions options) {
  if (options.host.empty()) options.host = detail::default_host();
  for (const auto& key : options.api_keys)
    if (key.empty()) throw std::invalid_argument("an API key must not be empty");
  return options;
}

http::Limits limits_of(const ServerOptions& options) {
  http::Limits limits;
  limits.body_bytes_max = options.body_bytes_max;
  limits.connections_max = options.connections_max;
  limits.read_timeout = clamped<std::chrono::milliseconds>(options.read_timeout);
  return limits;
}

http::Callers callers_of(const ServerOptions& options) {
  return {options.allowed_origins, options.allowed_hosts, options.host, !options.api_keys.empty()};
}

/// "127.0.0.1:8080", "[::1]:8080".
std::string address_of(const std::string& host, std::uint16_t port) {
  return (host.find(':') == host.npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

/// As `ps` shows it.
bool key_is_on_the_command_line(const std::vector<std::string>& keys) {
  std::ifstream file("/proc/self/cmdline");
  for (std::string word; std::getline(file, word, '\0');)
    for (const auto& key : keys)
      if (word == key || word == "--api-key=" + key) return true;
  return false;
}

RuntimeOptions runtime_options(const ServerOptions& options) {
  auto out = options.runtime;
  out.store = options.store;
  return out;
}

}  // namespace

struct WorkflowServer::State {
  ServerOptions options;
  Runtime runtime;
  http::App app;
  std::unique_ptr<http::Transport> transport;

  explicit State(ServerOptions given)
      : options(completed(std::move(given))),
        runtime(runtime_options(options)), app{runtime.service(),   options.heartbeat,          default_cursor(options.default_cursor),
                                               limits_of(options),  options.accept_context_api, options.api_keys,
                                               callers_of(options), options.read_only} {}
};

WorkflowServer::WorkflowServer(ServerOptions options) : state_(std::make_unique<State>(std::move(options))) {}
WorkflowServer::~WorkflowServer() { stop(); }

Runtime& WorkflowServer::runtime() { return state_->runtime; }

void WorkflowServer::add_route(std::string method, std::string path, std::function<RouteAnswer(const RouteRequest&)> answer) {
  if (state_->transport) throw std::logic_error("routes are added before the server is started");
  if (!path.starts_with('/')) throw std::invalid_argument("a route's path begins with /, got '" + path + "'");
  state_->app.own_routes.push_back({std::move(method), std::move(path), std::move(answer)});
}

void WorkflowServer::start() {
  if (state_->transport) throw std::logic_error("the server is serving already");
  const auto& options = state_->options;
  if (const auto resumed = state_->runtime.recover())
    state_->runtime.service().log(LogLevel::info, "resumed " + std::to_string(resumed) + " unfinished runs");
  const auto cors = [this](std::string_view origin, std::string_view host) {
    return http::judge(state_->app.callers, {.host = host, .origin = origin}).cors;
  };
  const auto admit = [this](const http::RequestHead& head) { return http::admit(state_->app, head); };
  const auto log = [this](LogLevel level, const std::string& text) { state_->runtime.service().log(level, text); };
  state_->transport =
      std::make_unique<http::Transport>(http::TransportOptions{options.host, options.port, state_->app.limits, cors, admit, log});
}

std::uint16_t WorkflowServer::port() const { return state_->transport->port(); }

void WorkflowServer::stop() {
  if (!state_->transport) return;
  state_->transport->stop_accepting();
  state_->transport->drain(state_->options.drain_timeout);
  state_->app.stop_workers();
  state_->runtime.service().stop();
  state_->transport->stop();
  state_->transport.reset();
}

void WorkflowServer::serve() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // inherited by the threads that start() makes
  start();
  const auto address = address_of(state_->options.host, port());
  const bool open = state_->options.api_keys.empty() && !http::is_loopback(state_->options.host);
  state_->runtime.service().log(open ? LogLevel::warning : LogLevel::info, http::who_may_ask(state_->app.callers, address));
  if (key_is_on_the_command_line(state_->options.api_keys))
    state_->runtime.service().log(LogLevel::warning,
                                  "an API key is on the command line, where every user of this machine can see it: give a "
                                  "file (--api-key-file), or WEIR_API_KEY");
  state_->runtime.service().log(LogLevel::info, "serving on http://" + address);
  int signal = 0;
  sigwait(&signals, &signal);
  state_->runtime.service().log(LogLevel::info, "stopping");
  stop();
}

std::string& detail::default_host() {
  static std::string host = "127.0.0.1";
  return host;
}

int WorkflowServer::main(int argc, char** argv) {
  int exit_code = 0;
  try {
    if (!detail::parse_main_options(state_->options, argc, argv, exit_code)) return exit_code;
    state_->runtime.service().configure(runtime_options(state_->options));
    state_->app.heartbeat = state_->options.heartbeat;
    state_->app.default_cursor = default_cursor(state_->options.default_cursor);
    state_->app.limits = limits_of(state_->options);
    state_->app.accept_context = state_->options.accept_context_api;
    state_->app.api_keys = state_->options.api_keys;
    state_->app.callers = callers_of(state_->options);
    state_->app.read_only = state_->options.read_only;
    serve();
    return 0;
  } catch (const std::exception& error) {
    state_->runtime.service().log(LogLevel::error, error.what());
    return 1;
  }
}

}  // namespace weir
