// RESTinio lives here and nowhere else. Responses are written as ready-made bytes: full control over every header, one
// buffer per answer.
#include "transport.hpp"

#include "polite_socket.hpp"

#include <restinio/all.hpp>

#if __has_include(<http_parser.h>)
#include <http_parser.h>  // RESTinio 0.6; later releases use llhttp, which has no such limit
#define WEIR_HTTP_PARSER 1
#endif

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdio>
#include <future>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <unordered_map>
#include <vector>

namespace weir::http {
namespace {

namespace asio = restinio::asio_ns;

/// Who wants to know that a connection is gone. I/O thread only.
class Listeners {
public:
  void set(std::uint64_t connection, std::function<void()> closed) { closed_[connection] = std::move(closed); }
  void clear(std::uint64_t connection) { closed_.erase(connection); }
  void notify(std::uint64_t connection) {
    const auto found = closed_.find(connection);
    if (found == closed_.end()) return;
    auto closed = std::move(found->second);
    closed_.erase(found);
    closed();
  }
  /// Streams that nothing has ended hold their exchanges, which would keep both for ever.
  void notify_all() {
    for (auto& [connection, closed] : std::exchange(closed_, {})) closed();
  }

private:
  std::unordered_map<std::uint64_t, std::function<void()>> closed_;
};

class StateListener {
public:
  explicit StateListener(std::shared_ptr<Listeners> listeners) : listeners_(std::move(listeners)) {}
  void state_changed(const restinio::connection_state::notice_t& notice) noexcept {
    if (restinio::holds_alternative<restinio::connection_state::closed_t>(notice.cause())) listeners_->notify(notice.connection_id());
  }

private:
  std::shared_ptr<Listeners> listeners_;
};

struct Traits : restinio::traits_t<restinio::asio_timer_manager_t, restinio::null_logger_t,
                                   std::function<restinio::request_handling_status_t(restinio::request_handle_t)>, restinio::noop_strand_t,
                                   PoliteSocket> {
  using connection_state_listener_t = StateListener;
  static constexpr bool use_connection_count_limiter = true;
};

class AsioLoop final : public Loop {
public:
  explicit AsioLoop(asio::io_context& context) : context_(context) {}
  void post(std::function<void()> action) override { asio::post(context_, std::move(action)); }
  std::shared_ptr<void> after(std::chrono::milliseconds delay, std::function<void()> action) override {
    auto timer = std::make_shared<asio::steady_timer>(context_, delay);
    timer->async_wait([action = std::move(action)](const asio::error_code& error) {
      if (!error) action();
    });
    return timer;
  }

private:
  asio::io_context& context_;
};

struct Shared {
  asio::io_context context{1};
  AsioLoop loop{context};
  std::shared_ptr<Listeners> listeners = std::make_shared<Listeners>();
  std::shared_ptr<OpenSockets> open_sockets = std::make_shared<OpenSockets>();
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work = asio::make_work_guard(context);
  std::function<Cors(std::string_view origin, std::string_view host)> cors;
  std::promise<void> ran_out;  ///< the I/O thread has nothing left to do
  std::mutex mutex;
  std::condition_variable idle;
  std::size_t owed = 0;          ///< plain answers that have not been given
  std::size_t open = 0;          ///< exchanges, streams among them
  std::shared_ptr<void> server;  ///< outlives every request, whose connection refers to it
  std::mutex given_back_mutex;
  std::vector<restinio::request_handle_t> given_back;

  bool on_io_thread() { return context.get_executor().running_in_this_thread(); }

  /// A request may hold the last reference to a connection, which is for the I/O thread alone. Taken there in one go with
  /// those that others give back meanwhile.
  void give_back(restinio::request_handle_t request) {
    {
      const std::lock_guard lock(given_back_mutex);
      given_back.push_back(std::move(request));
      if (given_back.size() > 1) return;
    }
    asio::post(context, [this] {
      std::vector<restinio::request_handle_t> taken;
      {
        const std::lock_guard lock(given_back_mutex);
        taken.swap(given_back);
      }
      for (auto& last : taken) {
        last.reset();
        subtract(&Shared::open);
      }
    });
  }

  void add(std::size_t Shared::*count) {
    const std::lock_guard lock(mutex);
    ++(this->*count);
  }
  void subtract(std::size_t Shared::*count) {
    const std::lock_guard lock(mutex);
    if (--(this->*count) == 0) idle.notify_all();
  }
  void wait_for_none(std::size_t Shared::*count, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex);
    idle.wait_for(lock, patience, [&] { return this->*count == 0; });
  }
  /// Returns when what was posted to the I/O thread before has been done.
  void catch_up() {
    auto done = std::make_shared<std::promise<void>>();
    loop.post([done] { done->set_value(); });
    done->get_future().wait_for(std::chrono::seconds(1));
  }
};

std::string_view reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 416: return "Range Not Satisfiable";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    default: return "Unknown";
  }
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

std::string head_text(const Response& response, bool keep_alive) {
  std::string out;
  out.reserve(256 + response.body.size());
  out += "HTTP/1.1 ";
  out += std::to_string(response.status);
  out += ' ';
  out += reason(response.status);
  out += "\r\n";
  if (!response.content_type.empty()) append_header(out, "content-type", response.content_type);
  for (const auto& [name, value] : response.headers) append_header(out, name, value);
  if (!keep_alive) append_header(out, "connection", "close");
  return out;
}

bool has_body(int status) { return status != 204 && status != 304; }

class RestinioExchange final : public Exchange, public std::enable_shared_from_this<RestinioExchange> {
public:
  RestinioExchange(restinio::request_handle_t request, std::shared_ptr<Shared> shared, int version_minor)
      : request_(std::move(request)), shared_(std::move(shared)), method_(request_->header().method().c_str()),
        version_minor_(version_minor), keep_alive_(request_->header().should_keep_alive()) {
    shared_->add(&Shared::owed);
    shared_->add(&Shared::open);
  }
  ~RestinioExchange() override {
    owe_nothing();
    if (shared_->on_io_thread()) {
      request_.reset();
      shared_->subtract(&Shared::open);
    } else {
      shared_->give_back(std::move(request_));
    }
  }

  std::string_view method() const override { return method_; }
  std::string_view target() const override { return request_->header().request_target(); }
  std::string_view body() const override { return request_->body(); }
  bool has_header(std::string_view name) const override { return request_->header().has_field(view(name)); }
  std::string_view header(std::string_view name) const override {
    const auto found = request_->header().opt_value_of(view(name));
    return found ? std::string_view(found->data(), found->size()) : std::string_view();
  }
  int version_minor() const override { return version_minor_; }

  void respond(Response response) override {
    add_cors(response);
    if (response.close) keep_alive_ = false;
    auto text = head_text(response, keep_alive_);
    if (has_body(response.status) && !response.close) append_header(text, "content-length", std::to_string(response.body.size()));
    text += "\r\n";
    if (has_body(response.status) && method_ != "HEAD") text += response.body;
    write_bytes(std::move(text), true, nullptr);
  }

  void begin_stream(Response head) override {
    owe_nothing();
    add_cors(head);
    chunked_ = version_minor_ > 0;
    auto text = head_text(head, keep_alive_ && chunked_);
    if (!chunked_) keep_alive_ = false;
    if (chunked_) append_header(text, "transfer-encoding", "chunked");
    text += "\r\n";
    write_bytes(std::move(text), method_ == "HEAD", nullptr);
  }

  void write(std::string chunk, std::function<void(bool)> written) override {
    restinio::writable_items_container_t items;
    add_chunk(items, std::move(chunk));
    write_items(std::move(items), false, [written = std::move(written)](const asio::error_code& error) { written(!error); });
  }

  void end_stream(std::string last) override {
    on_closed(nullptr);
    restinio::writable_items_container_t items;
    if (!last.empty()) add_chunk(items, std::move(last));
    if (chunked_) items.emplace_back(restinio::const_buffer("0\r\n\r\n", 5));
    write_items(std::move(items), true, nullptr);
  }

  void on_closed(std::function<void()> closed) override {
    shared_->loop.post([self = shared_from_this(), closed = std::move(closed)]() mutable {
      const auto id = self->request_->connection_id();
      if (closed) self->shared_->listeners->set(id, std::move(closed));
      else self->shared_->listeners->clear(id);
    });
  }

  Loop& loop() override { return shared_->loop; }

private:
  /// The pieces of one chunk, without copying it.
  void add_chunk(restinio::writable_items_container_t& items, std::string chunk) const {
    if (!chunked_) {
      items.emplace_back(std::move(chunk));
      return;
    }
    std::array<char, 24> size;
    const auto length = std::snprintf(size.data(), size.size(), "%zx\r\n", chunk.size());
    items.emplace_back(std::string(size.data(), static_cast<std::size_t>(length)));
    items.emplace_back(std::move(chunk));
    items.emplace_back(restinio::const_buffer("\r\n", 2));
  }

  void owe_nothing() {
    if (std::exchange(owed_, false)) shared_->subtract(&Shared::owed);
  }

  static restinio::string_view_t view(std::string_view text) { return {text.data(), text.size()}; }

  /// The origin echoed (contract 1.1); credentials only for those that somebody has named.
  void add_cors(Response& response) const {
    const auto origin = header("Origin");
    const auto cors = origin.empty() ? Cors::nothing : shared_->cors(origin, header("Host"));
    if (cors == Cors::nothing) return;
    response.headers.emplace_back("access-control-allow-origin", origin);
    if (cors == Cors::answer_with_credentials) response.headers.emplace_back("access-control-allow-credentials", "true");
    response.headers.emplace_back("vary", "Origin");
  }

  void write_bytes(std::string bytes, bool final, restinio::write_status_cb_t written) {
    restinio::writable_items_container_t items;
    if (!bytes.empty()) items.emplace_back(std::move(bytes));
    write_items(std::move(items), final, std::move(written));
  }

  void write_items(restinio::writable_items_container_t items, bool final, restinio::write_status_cb_t written) {
    restinio::write_group_t group(std::move(items));
    if (written) group.after_write_notificator(std::move(written));
    const restinio::response_output_flags_t flags(
        final ? restinio::response_parts_attr_t::final_parts : restinio::response_parts_attr_t::not_final_parts,
        keep_alive_ ? restinio::response_connection_attr_t::connection_keepalive : restinio::response_connection_attr_t::connection_close);
    auto& connection = restinio::impl::access_req_connection(*request_);
    if (connection) connection->write_response_parts(request_->request_id(), flags, std::move(group));
  }

  restinio::request_handle_t request_;
  std::shared_ptr<Shared> shared_;
  std::string method_;
  int version_minor_;  ///< RESTinio does not tell
  bool keep_alive_;
  bool chunked_ = false;
  bool owed_ = true;
};

void tune_socket(restinio::socket_options_t& options) { options.set_option(asio::ip::tcp::no_delay(true)); }

}  // namespace

struct Transport::State {
  using Server = restinio::http_server_t<Traits>;

  std::shared_ptr<Shared> shared = std::make_shared<Shared>();
  std::shared_ptr<Server> server;
  std::uint16_t port = 0;
  std::thread thread;
};

Transport::Transport(const TransportOptions& options, std::function<void(ExchangePtr)> handle) : state_(std::make_unique<State>()) {
  const auto shared = state_->shared;
  shared->cors = options.cors;
  // Not the owning pointer: the context owns its connections, they own the settings, the settings own this.
  auto on_request = [shared = std::weak_ptr<Shared>(shared), handle = std::move(handle)](restinio::request_handle_t request) {
    auto* socket = PoliteSocket::current();
    if (socket) socket->request_dispatched();
    handle(std::make_shared<RestinioExchange>(std::move(request), shared.lock(), socket ? socket->version_minor() : 1));
    return restinio::request_accepted();
  };
  const auto& limits = options.limits;
#ifdef WEIR_HTTP_PARSER
  http_parser_set_max_header_size(static_cast<std::uint32_t>(limits.head_bytes_max));  // 80 KB otherwise, process-wide
#endif
  constexpr auto for_ever = std::chrono::hours(24 * 365);
  restinio::server_settings_t<Traits> settings;
  settings.address(options.host)
      .port(options.port)
      .buffer_size(4096)
      .max_pipelined_requests(2)  // a second read is always pending, so a client that leaves is noticed
      .concurrent_accepts_count(4)
      .max_parallel_connections(limits.connections_max)
      .read_next_http_message_timelimit(limits.read_timeout)
      .write_http_response_timelimit(limits.write_timeout)
      .handle_request_timeout(for_ever)  // runs and streams may take as long as they like
      .socket_options_setter(tune_socket)
      .acceptor_post_bind_hook([this](asio::ip::tcp::acceptor& acceptor) { state_->port = acceptor.local_endpoint().port(); })
      .incoming_http_msg_limits(restinio::incoming_http_msg_limits_t{}
                                    .max_url_size(limits.head_bytes_max)
                                    .max_field_name_size(limits.head_bytes_max)
                                    .max_field_value_size(limits.head_bytes_max)
                                    .max_field_count(1000)
                                    .max_body_size(limits.body_bytes_max))
      .connection_state_listener(std::make_shared<StateListener>(shared->listeners))
      .request_handler(std::move(on_request));
  try {
    state_->server = std::make_shared<State::Server>(restinio::external_io_context(shared->context), std::move(settings));
    shared->server = state_->server;
    std::promise<void> opened;
    asio::post(shared->context, [&] {
      try {
        PoliteSocket::surroundings() = {limits, shared->open_sockets};
        state_->server->open_sync();
        opened.set_value();
      } catch (...) { opened.set_exception(std::current_exception()); }
    });
    state_->thread = std::thread([shared] {
      shared->context.run();
      shared->ran_out.set_value();
    });
    opened.get_future().get();
  } catch (const std::exception& error) {
    stop();
    throw std::runtime_error("cannot listen on " + options.host + ":" + std::to_string(options.port) + ": " + error.what());
  }
}

Transport::~Transport() { stop(); }

std::uint16_t Transport::port() const { return state_->port; }
Loop& Transport::loop() { return state_->shared->loop; }

void Transport::drain(std::chrono::seconds patience) {
  state_->shared->wait_for_none(&Shared::owed, patience);
  state_->shared->catch_up();
}

void Transport::stop_accepting() {
  asio::post(state_->shared->context, [this] { state_->server->close_sync(); });
}

void Transport::stop() {
  if (!state_->thread.joinable()) return;
  state_->shared->wait_for_none(&Shared::open, std::chrono::seconds(1));  // streams that are being ended
  state_->shared->catch_up();
  asio::post(state_->shared->context, [listeners = state_->shared->listeners] { listeners->notify_all(); });
  // With its sockets closed the context runs out of work.
  asio::post(state_->shared->context, [this] {
    if (state_->server) state_->server->close_sync();
    state_->shared->open_sockets->close_all();
    state_->shared->work.reset();
  });
  if (state_->shared->ran_out.get_future().wait_for(std::chrono::seconds(3)) != std::future_status::ready) state_->shared->context.stop();
  state_->thread.join();
}

}  // namespace weir::http
