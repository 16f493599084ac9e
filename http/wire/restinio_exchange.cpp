#include "restinio_exchange.hpp"

#include "response_head.hpp"

#include <array>
#include <cstdio>
#include <utility>

namespace weir::http {
namespace {

constexpr std::size_t copied_bytes_max = 4096;  ///< a larger body is not worth a copy to be in one piece with its head

}  // namespace

RestinioExchange::RestinioExchange(restinio::request_handle_t request, Gate& gate, Arrived&& arrived, std::shared_ptr<IoThread> thread)
    : request_(std::move(request)), gate_(gate), thread_(std::move(thread)), head_(std::move(arrived.head)), body_(std::move(arrived.body)),
      memory_(std::move(arrived.memory)), keep_alive_(!arrived.closes) {
  thread_->add(&IoThread::owed);
  thread_->add(&IoThread::open);
}

RestinioExchange::~RestinioExchange() {
  owe_nothing();
  IoThread::GivenBack last{std::move(request_), stage_ == Stage::over ? nullptr : &gate_};
  if (thread_->is_this_thread()) thread_->take_back(std::move(last));
  else thread_->give_back(std::move(last));
}

void RestinioExchange::respond(Response response) {
  add_cors(response);
  const bool shows_body = has_body(response.status) && method() != "HEAD";
  auto text = head_text(response, keep_alive_ && !response.close);
  if (response.close) keep_alive_ = false;
  else if (has_body(response.status)) append_header(text, "content-length", std::to_string(response.body.size()));
  text += "\r\n";
  const bool apart = shows_body && response.body.size() > copied_bytes_max;
  if (shows_body && !apart) text += response.body;
  Items items;
  items.emplace_back(std::move(text));
  if (apart) items.emplace_back(std::move(response.body));
  send(Piece::answer, std::move(items));
}

void RestinioExchange::begin_stream(Response head) {
  owe_nothing();
  add_cors(head);
  chunked_ = version_minor() > 0;
  comments_ = head.content_type.starts_with("text/event-stream");
  if (!chunked_ || head.close) keep_alive_ = false;
  auto text = head_text(head, keep_alive_);
  if (chunked_) append_header(text, "transfer-encoding", "chunked");
  text += "\r\n";
  Items items;
  items.emplace_back(std::move(text));
  send(method() == "HEAD" ? Piece::answer : Piece::begin, std::move(items));
}

void RestinioExchange::write(std::string chunk, std::function<void(bool)> written) {
  Items items;
  if (!chunk.empty()) add_chunk(items, std::move(chunk));
  send(Piece::more, std::move(items), std::move(written));
}

void RestinioExchange::end_stream(std::string last) {
  Items items;
  if (!last.empty()) add_chunk(items, std::move(last));
  if (chunked_) items.emplace_back(restinio::const_buffer("0\r\n\r\n", 5));
  send(Piece::last, std::move(items));
}

/// At once when it can be: what asio's one thread posts is done behind what other threads post a little later, and the last listener
/// is the one that counts.
void RestinioExchange::on_closed(std::function<void()> closed) {
  auto listen = [self = shared_from_this(), closed = std::move(closed)]() mutable {
    if (self->stage_ != Stage::over) self->gate_.on_closed(std::move(closed));
  };
  if (thread_->is_this_thread()) listen();
  else thread_->loop.post(std::move(listen));
}

void RestinioExchange::probe() {
  if (stage_ == Stage::waiting && version_minor() > 0) gate_.probe();
  if (stage_ != Stage::streaming || !comments_) return;
  Items items;
  add_chunk(items, ":\n\n");
  send_here(Piece::more, std::move(items), nullptr);
}

/// The pieces of one chunk, without copying it.
void RestinioExchange::add_chunk(Items& items, std::string chunk) const {
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

void RestinioExchange::owe_nothing() {
  if (std::exchange(owed_, false)) thread_->subtract(&IoThread::owed);
}

/// The origin echoed (contract 1.1); credentials only for those that somebody has named.
void RestinioExchange::add_cors(Response& response) const {
  const auto origin = header("Origin");
  const auto cors = origin.empty() ? Cors::nothing : thread_->cors(origin, header("Host"));
  if (cors == Cors::nothing) return;
  response.headers.emplace_back("access-control-allow-origin", origin);
  if (cors == Cors::answer_with_credentials) response.headers.emplace_back("access-control-allow-credentials", "true");
  response.headers.emplace_back("vary", "Origin");
}

void RestinioExchange::send(Piece piece, Items items, std::function<void(bool)> written) {
  if (thread_->is_this_thread()) return send_here(piece, std::move(items), std::move(written));
  thread_->post([self = shared_from_this(), piece, items = std::move(items), written = std::move(written)]() mutable {
    self->send_here(piece, std::move(items), std::move(written));
  });
}

void RestinioExchange::send_here(Piece piece, Items items, std::function<void(bool)> written) {
  const bool begins = piece == Piece::answer || piece == Piece::begin;
  if (begins && stage_ == Stage::streaming) gate_.cut();  // there is no second head: the client has to see that this is no answer
  if (begins != (stage_ == Stage::waiting) || stage_ == Stage::over) {
    if (written) thread_->loop.post([written = std::move(written)] { written(false); });
    return;
  }
  const bool final = piece == Piece::answer || piece == Piece::last;
  stage_ = final ? Stage::over : Stage::streaming;
  restinio::write_group_t group(std::move(items));
  if (final) {
    gate_.on_closed(nullptr);
    group.after_write_notificator([gate = &gate_](const asio::error_code& error) {  // lives in the connection, as the gate does
      if (!error) gate->answered();
    });
  } else if (written) {
    group.after_write_notificator([written = std::move(written)](const asio::error_code& error) { written(!error); });
  }
  const restinio::response_output_flags_t flags(
      final ? restinio::response_parts_attr_t::final_parts : restinio::response_parts_attr_t::not_final_parts,
      keep_alive_ ? restinio::response_connection_attr_t::connection_keepalive : restinio::response_connection_attr_t::connection_close);
  auto& connection = restinio::impl::access_req_connection(*request_);
  if (connection) connection->write_response_parts(request_->request_id(), flags, std::move(group));
}

}  // namespace weir::http
