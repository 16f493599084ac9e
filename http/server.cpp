// WorkflowServer: a runtime, a transport and the routes between them.
#include <weir/server.hpp>

#include "http/access/authority.hpp"
#include "http/answers/app.hpp"
#include "http/options/main_options.hpp"
#include "http/options/stop_signals.hpp"
#include "http/wire/transport.hpp"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

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

/// Bodies that do not end go on with it: it is never destroyed, and leak checkers find it here.
template <class T>
void leave_behind(std::unique_ptr<T> state) {
  static auto* const left = new std::vector<std::unique_ptr<T>>;
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  left->push_back(std::move(state));
}

RuntimeOptions runtime_options(const ServerOptions& options) {
  auto out = options.runtime;
  out.store = options.store;
  return out;
}

}  // namespace

/// The app is used by callbacks of the runtime until the last of its actors has gone, and so is declared, and destroyed, with both.
struct WorkflowServer::State {
  ServerOptions options;
  std::unique_ptr<Runtime> runtime;
  http::App app;
  std::mutex changing;  ///< of those that start and stop it
  std::unique_ptr<http::Transport> transport;
  std::atomic<http::Transport*> started = nullptr;  ///< the same, for those that only look
  bool stopped = false;
  std::thread stopper;  ///< when a route has asked for it
  std::mutex serving_mutex;
  std::vector<const http::StopSignals*> serving;  ///< of serve(): woken when somebody else has stopped the server

  class Serving {
  public:
    Serving(State& state, const http::StopSignals& signals) : state_(state), signals_(signals) {
      const std::lock_guard lock(state_.serving_mutex);
      state_.serving.push_back(&signals);
    }
    ~Serving() {
      const std::lock_guard lock(state_.serving_mutex);
      std::erase(state_.serving, &signals_);
    }
    Serving(const Serving&) = delete;
    Serving& operator=(const Serving&) = delete;

  private:
    State& state_;
    const http::StopSignals& signals_;
  };

  explicit State(ServerOptions given)
      : options(completed(std::move(given))), runtime(std::make_unique<Runtime>(runtime_options(options))),
        app{runtime->service(),  options.heartbeat,          default_cursor(options.default_cursor),
            limits_of(options),  options.accept_context_api, options.api_keys,
            callers_of(options), options.read_only} {}

  runtime::Service& service() const { return runtime->service(); }

  /// Everything that may wait does so until `drain_timeout` is over.
  void stop() {
    using std::chrono::milliseconds;
    const std::lock_guard lock(changing);
    if (!transport || std::exchange(stopped, true)) return;
    const auto timeout = clamped<milliseconds>(options.drain_timeout);
    const auto for_bodies = std::min(timeout / 4, milliseconds(1000));  // the requests have the rest
    const auto deadline = later(std::chrono::steady_clock::now(), timeout);
    transport->stop_accepting();
    transport->drain(timeout - for_bodies);
    app.stop_workers();
    service().stop(deadline - for_bodies / 2);
    transport->stop(
        std::clamp(std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now()), milliseconds(20), milliseconds(1000)));
    service().all_ended();
    const std::lock_guard serving_lock(serving_mutex);
    for (const auto* signals : serving) signals->wake();
  }
};

WorkflowServer::WorkflowServer(ServerOptions options) : state_(std::make_unique<State>(std::move(options))) {}

WorkflowServer::~WorkflowServer() {
  stop();
  if (state_->stopper.joinable()) state_->stopper.join();
  if (!state_->service().end()) leave_behind(std::move(state_));
}

Runtime& WorkflowServer::runtime() { return *state_->runtime; }

void WorkflowServer::add_route(std::string method, std::string path, std::function<RouteAnswer(const RouteRequest&)> answer) {
  if (state_->started) throw std::logic_error("routes are added before the server is started");
  if (!path.starts_with('/')) throw std::invalid_argument("a route's path begins with /, got '" + path + "'");
  state_->app.own_routes.push_back({std::move(method), std::move(path), std::move(answer)});
}

void WorkflowServer::start() {
  const std::lock_guard lock(state_->changing);
  if (state_->stopped) throw std::logic_error("a server that was stopped cannot be started again: make another one");
  if (state_->transport) throw std::logic_error("the server is serving already");
  const auto& options = state_->options;
  if (const auto resumed = state_->runtime->recover())
    state_->service().log(LogLevel::info, "resumed " + std::to_string(resumed) + " unfinished runs");
  auto* const state = state_.get();
  const auto cors = [state](std::string_view origin, std::string_view host) {
    return http::judge(state->app.callers, {.host = host, .origin = origin}).cors;
  };
  const auto admit = [state](const http::RequestHead& head) { return http::admit(state->app, head); };
  const auto log = [state](LogLevel level, const std::string& text) { state->service().log(level, text); };
  state_->transport =
      std::make_unique<http::Transport>(http::TransportOptions{options.host, options.port, state_->app.limits, cors, admit, log});
  state_->started = state_->transport.get();
}

std::uint16_t WorkflowServer::port() const {
  const auto* transport = state_->started.load();
  if (!transport) throw std::logic_error("the server has no port before start()");
  return transport->port();
}

void WorkflowServer::stop() {
  const auto* transport = state_->started.load();
  const bool by_route = transport && transport->is_its_thread();
  if (!by_route) return state_->stop();
  // It waits for the thread that has called this.
  if (!state_->stopper.joinable()) state_->stopper = std::thread([state = state_.get()] { state->stop(); });
}

void WorkflowServer::serve() {
  const http::StopSignals signals;
  const State::Serving serving(*state_, signals);
  start();
  const auto address = address_of(state_->options.host, port());
  const bool open = state_->options.api_keys.empty() && !http::is_loopback(state_->options.host);
  state_->service().log(open ? LogLevel::warning : LogLevel::info, http::who_may_ask(state_->app.callers, address));
  if (key_is_on_the_command_line(state_->options.api_keys))
    state_->service().log(LogLevel::warning,
                          "an API key is on the command line, where every user of this machine can see it: give a "
                          "file (--api-key-file), or WEIR_API_KEY");
  state_->service().log(LogLevel::info, "serving on http://" + address);
  signals.wait();
  state_->service().log(LogLevel::info, "stopping");
  stop();
}

std::string& detail::default_host() {
  static std::string host = "127.0.0.1";
  return host;
}

void detail::replace_workflows(WorkflowServer& server) { server.runtime().service().replace_workflows(); }

int WorkflowServer::main(int argc, char** argv) {
  int exit_code = 0;
  try {
    if (!detail::parse_main_options(state_->options, argc, argv, exit_code)) return exit_code;
    state_->service().configure(runtime_options(state_->options));
    state_->app.heartbeat = state_->options.heartbeat;
    state_->app.default_cursor = default_cursor(state_->options.default_cursor);
    state_->app.limits = limits_of(state_->options);
    state_->app.accept_context = state_->options.accept_context_api;
    state_->app.api_keys = state_->options.api_keys;
    state_->app.callers = callers_of(state_->options);
    state_->app.read_only = state_->options.read_only;
    serve();
    return 0;
  } catch (const std::exception& error) { state_->service().log(LogLevel::error, error.what()); } catch (...) {
    state_->service().log(LogLevel::error, "an exception that is no std::exception was thrown");
  }
  return 1;
}

}  // namespace weir
