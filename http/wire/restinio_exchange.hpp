// An exchange whose answer is written by a RESTinio connection. Responses are written as ready-made bytes: full control over
// every header.
#pragma once

#include "io_thread.hpp"

#include <restinio/all.hpp>

#include <memory>
#include <string>

namespace weir::http {

class RestinioExchange final : public Exchange, public Answering, public std::enable_shared_from_this<RestinioExchange> {
public:
  /// `gate` lives in the connection that `request` keeps alive.
  RestinioExchange(restinio::request_handle_t request, Gate& gate, Arrived&& arrived, std::shared_ptr<IoThread> thread);
  ~RestinioExchange() override;

  std::string_view method() const override { return head_.method(); }
  std::string_view target() const override { return head_.target(); }
  std::string_view body() const override { return body_; }
  bool has_header(std::string_view name) const override { return head_.has_header(name); }
  std::string joined_header(std::string_view name) const override { return head_.joined_header(name); }
  std::string_view header(std::string_view name) const override { return head_.header(name); }
  int version_minor() const override { return head_.version_minor(); }

  void respond(Response response) override;
  void begin_stream(Response head) override;
  void write(std::string chunk, std::function<void(bool)> written) override;
  void end_stream(std::string last) override;
  void on_closed(std::function<void()> closed) override;
  Loop& loop() override { return thread_->loop; }

  void probe() override;

private:
  using Items = restinio::writable_items_container_t;
  enum class Piece { answer, begin, more, last };
  enum class Stage { waiting, streaming, over };

  void owe_nothing();
  void add_cors(Response& response) const;
  void add_chunk(Items& items, std::string chunk) const;
  void send(Piece piece, Items items, std::function<void(bool)> written = nullptr);
  void send_here(Piece piece, Items items, std::function<void(bool)> written);

  restinio::request_handle_t request_;
  Gate& gate_;
  std::shared_ptr<IoThread> thread_;
  RequestHead head_;
  std::string body_;
  Share memory_;
  bool keep_alive_;
  bool chunked_ = false;
  bool comments_ = false;  ///< a stream of server-sent events: comments may stand between them
  bool owed_ = true;
  Stage stage_ = Stage::waiting;  ///< I/O thread only
};

}  // namespace weir::http
