// Puts the wire together: listener, connections, and RESTinio's connection for each of them.
#include "transport.hpp"

#include "connections.hpp"
#include "listener.hpp"
#include "open_files.hpp"
#include "restinio_exchange.hpp"

#include <weir/store.hpp>

#include <restinio/all.hpp>

#include <algorithm>
#include <future>
#include <stdexcept>
#include <thread>
#include <utility>

namespace weir::http {
namespace {

/// Time limits and the count of connections are the gates' business.
struct Traits
    : restinio::traits_t<restinio::null_timer_manager_t, restinio::null_logger_t,
                         std::function<restinio::request_handling_status_t(restinio::request_handle_t)>, restinio::noop_strand_t, Gate> {};

using ConnectionFactory = restinio::impl::connection_factory_t<Traits>;
using ConnectionSettings = restinio::impl::connection_settings_t<Traits>;
using LifetimeMonitor = restinio::connection_count_limit_types<Traits>::lifetime_monitor_t;

/// The one boundary around what routes do at once: whatever they throw is answered with 500.
void answer(const Answerer& answerer, const ExchangePtr& exchange, const TransportOptions& options) {
  std::string reason = "an exception that is no std::exception";
  try {
    return answerer(exchange);
  } catch (const std::exception& error) { reason = error.what(); } catch (...) {
  }
  options.log(LogLevel::error, "request failed: " + reason);
  exchange->respond(problem(500, "Internal server error: " + reason));
}

std::shared_ptr<ConnectionFactory> connection_factory(const std::shared_ptr<IoThread>& thread, const TransportOptions& options) {
  // Not the owning pointer: the context owns its connections, they own the settings, the settings own this.
  auto on_request = [weak = std::weak_ptr<IoThread>(thread), options](restinio::request_handle_t request) {
    auto* gate = Gate::current();
    auto arrived = gate->take();
    const auto answerer = std::move(arrived.answer);
    const auto exchange = std::make_shared<RestinioExchange>(std::move(request), *gate, std::move(arrived), weak.lock());
    gate->at_work(exchange);
    answer(answerer, exchange, options);
    return restinio::request_accepted();
  };
  restinio::server_settings_t<Traits> settings;
  settings
      .buffer_size(64)            // holds what the gate hands over
      .max_pipelined_requests(2)  // a second read is always pending, by which the gate tells that a client has gone
      .request_handler(std::move(on_request));
  auto timers = settings.timer_factory()->create(thread->context);
  auto setter = settings.socket_options_setter();
  auto parser = restinio::impl::create_parser_settings<Traits::http_methods_mapper_t>();
  return std::make_shared<ConnectionFactory>(std::make_shared<ConnectionSettings>(std::move(settings), parser, std::move(timers)),
                                             std::move(setter));
}

/// A head that cannot be judged is answered like a route that throws.
std::function<Admission(const RequestHead&)> guarded(const TransportOptions& options) {
  return [admit = options.admit](const RequestHead& head) -> Admission {
    try {
      return admit(head);
    } catch (...) {
      return {[thrown = std::current_exception()](const ExchangePtr&) { std::rethrow_exception(thrown); }, false};
    }
  };
}

/// As many connections as the process may have.
Limits within_open_files(const TransportOptions& options) {
  auto limits = options.limits;
  const auto files = raise_open_files();
  limits.connections_max = connections_within(files, limits.connections_max);
  if (limits.connections_max < options.limits.connections_max)
    options.log(LogLevel::info, std::to_string(limits.connections_max) + " connections at most, of " +
                                    std::to_string(options.limits.connections_max) + ": only " + std::to_string(files) +
                                    " files may be open (ulimit -n)");
  return limits;
}

}  // namespace

struct Transport::State {
  std::shared_ptr<IoThread> thread = std::make_shared<IoThread>();
  std::shared_ptr<Connections> connections;
  std::shared_ptr<Listener> listener;
  std::thread running;

  void open(const TransportOptions& options) {
    const auto limits = within_open_files(options);
    connections = std::make_shared<Connections>(thread->context,
                                                IntakeOptions{limits, guarded(options), std::make_shared<Budget>(limits.heads_bytes_max),
                                                              std::make_shared<Budget>(limits.bodies_bytes_max)});
    listener = std::make_shared<Listener>(connections, options.log,
                                          [factory = connection_factory(thread, options)](Gate gate, const asio::ip::tcp::endpoint& from) {
                                            factory->create_new_connection(std::move(gate), from, LifetimeMonitor(nullptr))->init();
                                          });
    std::promise<void> opened;
    asio::post(thread->context, [&] {
      try {
        listener->open(options.host, options.port);
        opened.set_value();
      } catch (...) { opened.set_exception(std::current_exception()); }
    });
    running = std::thread([thread = thread, log = options.log] {
      forbid_blocking_here();
      thread->run(log);
    });
    opened.get_future().get();
  }
};

Transport::Transport(const TransportOptions& options) : state_(std::make_unique<State>()) {
  state_->thread->cors = options.cors;
  try {
    state_->open(options);
  } catch (const std::exception& error) {
    stop();
    const auto host = options.host.find(':') == std::string::npos ? options.host : '[' + options.host + ']';
    throw std::runtime_error("cannot listen on " + host + ":" + std::to_string(options.port) + ": " + error.what());
  }
}

Transport::~Transport() { stop(); }

std::uint16_t Transport::port() const { return state_->listener->port(); }
Loop& Transport::loop() { return state_->thread->loop; }

bool Transport::is_its_thread() const { return state_->thread->is_this_thread(); }

void Transport::drain(std::chrono::milliseconds timeout) {
  state_->thread->wait_for_none(&IoThread::owed, clamped<Duration>(timeout));
  state_->thread->catch_up();
}

void Transport::stop_accepting() {
  asio::post(state_->thread->context, [listener = state_->listener] { listener->close(); });
}

void Transport::stop(std::chrono::milliseconds timeout) {
  if (!state_->running.joinable()) return;
  auto& thread = *state_->thread;
  thread.wait_for_none(&IoThread::open, timeout);  // streams that are being ended
  thread.catch_up();
  asio::post(thread.context, [connections = state_->connections] { connections->notify_all(); });
  // With its sockets closed the context runs out of work.
  asio::post(thread.context, [this, &thread] {
    state_->listener->close();
    state_->connections->close_all();
    thread.work.reset();
  });
  if (thread.ran_out.get_future().wait_for(std::chrono::seconds(10)) != std::future_status::ready) thread.context.stop();
  state_->running.join();
  thread.ended = true;
  thread.drain();
}

}  // namespace weir::http
