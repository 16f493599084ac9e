#include "idempotency.hpp"

#include "app.hpp"
#include "background.hpp"
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

using Act = std::function<void(const Call&, std::optional<IdempotencyKey>)>;
using Repeat = std::function<void(const Call&, const HandlerRow&)>;

/// Of several requests with one key at the same time, the first.
void answer_first(const Call& call, IdempotencyKey key, const Act& act, const Repeat& repeat) {
  const auto& store = call.app.service.store();
  const auto used = store.find_key(key.key);
  if (!used) return act(call, std::move(key));
  if (used->fingerprint != key.fingerprint) return call.respond(misused(key.key));
  const auto row = store.find_run(used->run_id);
  if (!row) return call.respond(problem(404, "Handler not found"));
  repeat(call, *row);
}

/// Whatever the answer is, those who wait for it hear it too, and a request that failed may be sent again.
void answer_with_key(const Call& call, const std::string& name, const Act& act, const Repeat& repeat) {
  const IdempotencyKey key{name, fingerprint_of(*call.exchange)};
  const auto& under_way = call.app.under_way;
  switch (under_way->claim(key, call.exchange)) {
    case RequestsUnderWay::Claim::again: return;
    case RequestsUnderWay::Claim::misused: return call.respond(misused(key.key));
    case RequestsUnderWay::Claim::first: break;
  }
  auto first = call;
  first.answer = [under_way, exchange = call.exchange, name](Response response) {
    under_way->finish(name, response);
    send_answer(exchange, std::move(response));
  };
  do_guarded(first, [&](const Call& taken) { answer_first(taken, key, act, repeat); });
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
  for (const auto& exchange : waiting) send_answer(exchange, answer);
}

void answer_once(const Call& call, Act act, Repeat repeat) {
  if (!call.exchange->has_header("Idempotency-Key")) return with_body(call, [act](const Call& taken) { act(taken, std::nullopt); });
  const std::string name(call.exchange->header("Idempotency-Key"));
  if (printable(name) != name)
    return call.respond(problem(400, "Idempotency-Key must be UTF-8 without control characters, got '" +
                                         printable(std::string_view(name).substr(0, key_bytes_max)) + "'"));
  if (name.empty() || name.size() > key_bytes_max)
    return call.respond(
        problem(400, "Idempotency-Key must have 1 to " + std::to_string(key_bytes_max) + " bytes, got " + std::to_string(name.size())));
  const auto answer = [name, act = std::move(act), repeat = std::move(repeat)](const Call& taken) {
    answer_with_key(taken, name, act, repeat);
  };
  with_body(call, [answer](const Call& taken) { with_store(taken, Work::lookup, answer); });
}

}  // namespace weir::http
