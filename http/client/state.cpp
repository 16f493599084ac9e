#include "state.hpp"
#include "checks.hpp"

#include <weir/envelope.hpp>
#include <weir/printable.hpp>

#include <cctype>
#include <stdexcept>

namespace weir {
namespace {

Code code_of(int status) {
  switch (status) {
    case 401:
    case 403: return Code::unauthenticated;
    case 404: return Code::not_found;
    case 409: return Code::conflict;
    case 429: return Code::resource_exhausted;
    case 408:
    case 425:
    case 502:
    case 503:
    case 504: return Code::unavailable;
    default: return status >= 500 ? Code::internal : Code::invalid_argument;
  }
}

}  // namespace

detail::ClientState::ClientState(const ClientOptions& given) : options(given), base(client::checked_base(given.url)), transfers(given) {
  client::check_times(given);
  if (const auto wrong = client::check(request("GET", "/"))) throw std::invalid_argument(wrong->message);
}

client::Request detail::ClientState::request(std::string method, const std::string& target) const {
  client::Request out{.method = std::move(method), .url = base + target, .headers = options.headers};
  if (!options.api_key.empty()) out.headers.emplace_back("Authorization", "Bearer " + options.api_key);
  return out;
}

std::string client::percent_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || c == '-' || c == '_' || c == '.' || c == '~') out += c;
    else out.append({'%', digits[byte >> 4], digits[byte & 15]});
  }
  return out;
}

Error client::refusal(const std::string& method, const std::string& url, const Reply& reply) {
  constexpr std::size_t shown_max = 200;
  std::string said = reply.body.substr(0, shown_max);
  if (const auto body = parse_json(reply.body))
    if (const auto* detail = body->find("detail"); detail && detail->is_string()) said = detail->as_string();
  if (said.empty()) said = "no explanation";
  return {code_of(reply.status),
          printable(said) + " (" + method + " " + shown_url(url) + " answered " + std::to_string(reply.status) + ")"};
}

Expected<RemoteEvent> client::read_event(const Value& envelope) {
  const auto *type = envelope.find("type"), *fields = envelope.find("value");
  if (!type || !type->is_string() || !fields) return Error{Code::data_loss, "it has no " + std::string(fields ? "type" : "value")};
  RemoteEvent out;
  const auto text = [&](std::string_view key) {
    const auto* found = envelope.find(key);
    return found && found->is_string() ? found->as_string() : std::string();
  };
  out.type = text("type");
  out.qualified_name = text("qualified_name");
  if (const auto* types = envelope.find("types"); types && types->is_array())
    for (const auto& name : types->as_array())
      if (name.is_string()) out.types.push_back(name.as_string());
  out.value = *fields;
  return out;
}

bool RemoteEvent::is(std::string_view name) const noexcept {
  if (type == name) return true;
  for (const auto& ancestor : types)
    if (ancestor == name) return true;
  return false;
}

Expected<EventBox> RemoteEvent::decode(const EventType& expected) const {
  if (type != expected.name) return Error{Code::invalid_argument, "the event is a " + type + ", no " + expected.name};
  return decode_event(expected, value);
}

Error RemoteHandler::not_completed() const {
  return {Code::failed_precondition,
          "handler '" + handler_id + "' has no result: it is " + std::string(to_string(status)) + (error.empty() ? "" : ", " + error)};
}

}  // namespace weir
