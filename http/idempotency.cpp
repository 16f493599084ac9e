#include "idempotency.hpp"

#include "app.hpp"
#include "translate.hpp"

#include <weir/printable.hpp>

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace weir::http {
namespace {

constexpr std::size_t key_bytes_max = 255;

Response misused(const std::string& key) {
  return problem(422, "Idempotency-Key '" + key + "' was used for another request: give every new request a new key");
}

std::string sha256(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), bytes.data(), &size, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("SHA-256 is not available");
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (unsigned int i = 0; i < size; ++i) {
    out += digits[bytes[i] >> 4];
    out += digits[bytes[i] & 15];
  }
  return out;
}

/// What makes two requests the same one: where they go and what they say.
std::string fingerprint_of(const Exchange& exchange) {
  std::string out(exchange.method());
  for (const auto part : {exchange.target(), exchange.body()}) {
    out += '\n';
    out += part;
  }
  return sha256(out);
}

using Act = std::function<void(std::optional<IdempotencyKey>, Respond)>;
using Repeat = std::function<void(const HandlerRow&, Respond)>;

/// Of several requests with one key at the same time, the first.
void answer_first(const Store& store, IdempotencyKey key, const Respond& respond, const Act& act, const Repeat& repeat) {
  const auto used = store.find_key(key.key);
  if (!used) return act(std::move(key), respond);
  if (used->fingerprint != key.fingerprint) return respond(misused(key.key));
  const auto row = store.find_run(used->run_id);
  if (!row) return respond(problem(404, "Handler not found"));
  repeat(*row, respond);
}

void answer_with_key(const Call& call, const IdempotencyKey& key, const Act& act, const Repeat& repeat) {
  auto& under_way = call.app.under_way;
  switch (under_way.claim(key, call.exchange)) {
    case RequestsUnderWay::Claim::again: return;
    case RequestsUnderWay::Claim::misused: return call.respond(misused(key.key));
    case RequestsUnderWay::Claim::first: break;
  }
  const Respond respond = [&under_way, exchange = call.exchange, name = key.key](Response response) {
    under_way.finish(name, response);
    exchange->respond(std::move(response));
  };
  try {
    answer_first(call.app.service.store(), key, respond, act, repeat);
  } catch (const std::exception& error) {  // dispatch() tells this client; those who wait must hear it too
    under_way.finish(key.key, problem(500, std::string("Internal server error: ") + error.what()));
    throw;
  }
}

}  // namespace

RequestsUnderWay::Claim RequestsUnderWay::claim(const IdempotencyKey& key, const ExchangePtr& exchange) {
  const std::lock_guard lock(mutex_);
  const auto [found, added] = entries_.try_emplace(key.key, Entry{key.fingerprint, {}});
  if (added) return Claim::first;
  if (found->second.fingerprint != key.fingerprint) return Claim::misused;
  found->second.waiting.push_back(exchange);
  return Claim::again;
}

void RequestsUnderWay::finish(const std::string& key, const Response& answer) {
  std::vector<ExchangePtr> waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    waiting = std::move(found->second.waiting);
    entries_.erase(found);
  }
  for (const auto& exchange : waiting) exchange->respond(answer);
}

void answer_once(const Call& call, const std::function<void(std::optional<IdempotencyKey>, Respond)>& act,
                 const std::function<void(const HandlerRow&, Respond)>& repeat) {
  if (!call.exchange->has_header("Idempotency-Key"))
    return act(std::nullopt, [exchange = call.exchange](Response response) { exchange->respond(std::move(response)); });
  const auto name = call.exchange->header("Idempotency-Key");
  if (!name.empty() && printable(name) != name)
    return call.respond(
        problem(400, "Idempotency-Key must be UTF-8 without control characters, got '" + printable(name.substr(0, key_bytes_max)) + "'"));
  if (name.empty() || name.size() > key_bytes_max)
    return call.respond(
        problem(400, "Idempotency-Key must have 1 to " + std::to_string(key_bytes_max) + " bytes, got " + std::to_string(name.size())));
  answer_with_key(call, {std::string(name), fingerprint_of(*call.exchange)}, act, repeat);
}

}  // namespace weir::http
