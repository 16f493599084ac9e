// One HTTP request and its answer, without the HTTP library. Only transport.cpp knows RESTinio.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Response {
  int status = 200;
  std::string content_type = "application/json";  ///< empty: no such header
  std::string body = {};
  Headers headers = {};
  bool close = false;  ///< the end of the connection ends the body
};

/// The I/O thread. Thread-safe.
class Loop {
public:
  virtual ~Loop() = default;
  virtual void post(std::function<void()> action) = 0;
  /// Runs `action` on the I/O thread after `delay`, unless the returned handle is dropped before.
  [[nodiscard]] virtual std::shared_ptr<void> after(std::chrono::milliseconds delay, std::function<void()> action) = 0;
};

/// Reading is for the I/O thread during the route's call, or any thread that keeps the exchange alive. Either respond()
/// once, or begin_stream(), write()..., end_stream(): from any thread. One that is dropped before its answer is complete
/// closes the connection.
class Exchange {
public:
  virtual ~Exchange() = default;

  virtual std::string_view method() const = 0;
  virtual std::string_view target() const = 0;
  virtual std::string_view body() const = 0;
  /// Empty when absent. Names are compared without case.
  virtual std::string_view header(std::string_view name) const = 0;
  virtual bool has_header(std::string_view name) const = 0;
  virtual int version_minor() const = 0;  ///< of HTTP/1.x

  /// When an answer has begun already it cannot be taken back: the connection is closed, so that the client sees that it
  /// is cut short.
  virtual void respond(Response response) = 0;

  /// Sends the head at once.
  virtual void begin_stream(Response head) = 0;
  /// One write may be outstanding: `written` is called on the I/O thread when it is done, with false when the client
  /// is gone.
  virtual void write(std::string chunk, std::function<void(bool)> written) = 0;
  /// Nothing may follow; `last` is a final piece, in the same write as the end.
  virtual void end_stream(std::string last = {}) = 0;
  /// `closed` is called on the I/O thread when the connection goes away, soon when it has gone. One listener per exchange: the last.
  virtual void on_closed(std::function<void()> closed) = 0;

  virtual Loop& loop() = 0;
};

using ExchangePtr = std::shared_ptr<Exchange>;

/// Answers a request, sooner or later. Called on the I/O thread; must not block. What it throws is answered with 500.
using Answerer = std::function<void(const ExchangePtr&)>;

/// What is to become of a request of which the head is there.
struct Admission {
  Answerer answer;
  bool takes_body = true;  ///< false: answered at once, refused perhaps, and no body is kept
};

/// Where an answer goes.
using Respond = std::function<void(Response)>;
/// Answers; what is large goes out in pieces. Any thread.
void send_answer(const ExchangePtr& exchange, Response response);

/// {"detail":"..."}
Response problem(int status, std::string_view detail);

}  // namespace weir::http
