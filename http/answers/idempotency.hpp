// Idempotency-Key: a request that is sent again with the same key does nothing again, and gets the same answer.
#pragma once

#include "http/wire/exchange.hpp"

#include <weir/store.hpp>

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace weir::http {

struct Call;

/// Requests with a key that are being answered: the same one again waits for that answer. Thread-safe.
class RequestsUnderWay {
public:
  enum class Claim {
    first,   ///< go on, and finish() with the answer
    again,   ///< the answer of the first will be sent
    misused  ///< another request has this key
  };
  Claim claim(const IdempotencyKey& key, const ExchangePtr& exchange);
  void finish(const std::string& key, const Response& answer);

private:
  struct Entry {
    std::string fingerprint;
    std::vector<ExchangePtr> waiting;
  };
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

/// Answers the call: at once from what the store knows of its key, else by `act`, which gets the call with the right place for its
/// answer, and the key to be stored with what it does, if the call has one. `repeat` answers a call that was done before, for the run
/// it was about. With a key both may be called on a thread that may wait.
void answer_once(const Call& call, std::function<void(const Call&, std::optional<IdempotencyKey>)> act,
                 std::function<void(const Call&, const HandlerRow&)> repeat);

}  // namespace weir::http
