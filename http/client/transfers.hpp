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

struct Request {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::optional<Duration> timeout = {};  ///< of the whole request; empty: none
  std::stop_token stop = {};             ///< aborts it
  /// Gets the body of a 200 piece by piece, on the I/O thread; false: not now, offer it again after unpause(). Empty: gathered
  /// in Reply::body.
  std::function<bool(std::string_view)> on_data = {};
  std::string header = {};  ///< in small letters; of a 200 that has it, `on_header` gets the value, before any of the body
  std::function<void(std::string_view)> on_header = {};
};

struct Reply {
  int status = 0;  ///< 0: there was no answer, see `error`
  std::string body = {};
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
