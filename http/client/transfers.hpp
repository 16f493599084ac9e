// HTTP requests on one thread: libcurl behind a narrow door.
#pragma once

#include <weir/client.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::client {

/// The head of an answer, while it is looked at.
class Head {
public:
  explicit Head(void* easy) : easy_(easy) {}
  int status() const;
  /// The media type without its parameters, in small letters.
  std::string content_type() const;
  std::optional<std::string> header(const char* name) const;

private:
  void* easy_;
};

struct Request {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::optional<Duration> timeout = {};  ///< of the whole request; empty: none. Less than a millisecond counts as one
  std::stop_token stop = {};             ///< aborts it
  /// Gets the head of the answer, on the I/O thread, before any of the body; true: on_data is to have the body. Empty: the body is
  /// gathered in Reply::body.
  std::function<bool(const Head&)> on_head = {};
  /// Gets the body piece by piece, on the I/O thread; false: not now, offer it again after unpause().
  std::function<bool(std::string_view)> on_data = {};
};

struct Reply {
  int status = 0;  ///< 0: there was no answer, see `error`
  /// At most ClientOptions::body_bytes_max: what is longer is an error. Of a refusal that is no JSON the beginning is enough.
  std::string body = {};
  std::optional<Duration> retry_after = {};  ///< when the server wants to be asked again
  std::optional<Error> error = {};
};

/// Thread-safe. Callbacks come on its thread and must not block; all requests still open at its end are answered as cancelled.
class Transfers {
public:
  using Id = std::uint64_t;

  explicit Transfers(const ClientOptions& options);
  ~Transfers();
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;

  Id begin(Request request, std::function<void(Reply)> done);
  /// Its reply, if it has had none, is Code::cancelled.
  void abort(Id id);
  void unpause(Id id);
  /// Calls `action` on the I/O thread when the time has passed; never when this object ends before.
  void after(std::chrono::milliseconds delay, std::function<void()> action);

private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace weir::client
