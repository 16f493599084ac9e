// The debugger's files, and what it asks about the server. Conditional and range requests as static files answer them.
#include "http/answers/app.hpp"
#include "http/answers/packing.hpp"
#include "http/answers/pieces.hpp"
#include "http/answers/translate.hpp"
#include "http/wire/target.hpp"

#include "ui/assets.hpp"

#include <weir/version.hpp>

#include <ctime>

namespace weir::http {
namespace {

const std::time_t started_at = std::time(nullptr);

std::string http_date(std::time_t time) {
  char buffer[40];
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::strftime(buffer, sizeof buffer, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return buffer;
}

bool is_unchanged(const Exchange& exchange, std::string_view tag) {
  if (const auto wanted = exchange.header("If-None-Match"); !wanted.empty()) return wanted == "*" || wanted.find(tag) != wanted.npos;
  const auto since = std::string(exchange.header("If-Modified-Since"));
  std::tm parts{};
  return !since.empty() && strptime(since.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) && timegm(&parts) >= started_at;
}

struct Range {
  std::size_t first, last;
};

enum class RangeKind { whole, part, impossible };

/// One range of the form a-b, a- or -n; anything else means the whole.
RangeKind parse_range(std::string_view header, std::size_t size, Range& range) {
  if (!header.starts_with("bytes=") || header.find(',') != header.npos) return RangeKind::whole;
  header.remove_prefix(6);
  const auto dash = header.find('-');
  if (dash == header.npos) return RangeKind::whole;
  const auto first = python_integer(header.substr(0, dash));
  const auto last = python_integer(header.substr(dash + 1));
  if (!first && !last) return RangeKind::whole;
  if (!first) range = {size - std::min(size, static_cast<std::size_t>(*last)), size - 1};
  else range = {static_cast<std::size_t>(*first), last ? std::min(static_cast<std::size_t>(*last), size - 1) : size - 1};
  return range.first < size && range.first <= range.last ? RangeKind::part : RangeKind::impossible;
}

/// Nothing from elsewhere, nothing inline, nobody around it (style attributes set by scripts are not inline styles).
constexpr std::string_view content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

const ui::Asset* find(std::string_view path) {
  if (path == "/") path = "/index.html";
  for (const auto& asset : ui::assets())
    if (asset.path == path) return &asset;
  return nullptr;
}

std::string tag_of(const ui::Asset& asset, bool packed) { return '"' + std::string(asset.hash) + (packed ? "-gz\"" : "\""); }

Headers headers_of(const ui::Asset& asset, const std::string& tag) {
  Headers out{{"accept-ranges", "bytes"},
              {"last-modified", http_date(started_at)},
              {"etag", tag},
              {"cache-control", asset.immutable ? "public, max-age=31536000, immutable" : "no-cache"},
              {"vary", "Accept-Encoding"},
              {"x-content-type-options", "nosniff"}};
  if (asset.path == "/index.html") {
    out.emplace_back("content-security-policy", content_security_policy);
    out.emplace_back("referrer-policy", "no-referrer");
  }
  return out;
}

Response part_of(const ui::Asset& asset, const std::string& tag, const Range& range) {
  const auto content = asset.plain.view();
  Response response{.status = 206, .content_type = std::string(asset.type), .headers = headers_of(asset, tag)};
  response.body = content.substr(range.first, range.last - range.first + 1);
  response.headers.emplace_back(
      "content-range", "bytes " + std::to_string(range.first) + "-" + std::to_string(range.last) + "/" + std::to_string(content.size()));
  return response;
}

}  // namespace

bool is_page(std::string_view path) { return find(path) != nullptr; }

void get_page(const Call& call) {
  const auto& exchange = *call.exchange;
  const auto* asset = find(exchange.target().substr(0, exchange.target().find('?')));
  if (!asset) return call.respond(problem(404, "Not Found"));
  Range range{};
  const auto size = asset->plain.view().size();
  const auto wanted = parse_range(exchange.header("Range"), size, range);
  const bool packed = wanted == RangeKind::whole && takes_gzip(exchange);
  const auto tag = tag_of(*asset, packed);
  if (is_unchanged(exchange, tag)) return call.respond({.status = 304, .content_type = "", .headers = {{"etag", tag}}});
  if (wanted == RangeKind::part) return call.respond(part_of(*asset, tag, range));
  if (wanted == RangeKind::impossible)
    return call.respond(
        {.status = 416, .content_type = "text/plain; charset=utf-8", .headers = {{"content-range", "bytes */" + std::to_string(size)}}});
  Response response{.content_type = std::string(asset->type), .headers = headers_of(*asset, tag)};
  if (packed) response.headers.emplace_back("content-encoding", "gzip");
  send_static(call.exchange, std::move(response), packed ? asset->gzip.view() : asset->plain.view());
}

void get_ui_config(const Call& call) {
  Value::Array capabilities{"pages", "detail", "metadata", "stream", "rerun", "state", "export", "statistics"};
  if (call.app.service.store().durable()) capabilities.emplace_back("fork");
  call.respond(json(to_json(Value(Object{
      {"server", "weir"},
      {"version", WEIR_VERSION},
      {"needs_api_key", !call.app.api_keys.empty()},
      {"read_only", call.app.read_only},
      {"body_bytes_max", static_cast<std::int64_t>(call.app.limits.body_bytes_max)},
      {"capabilities", std::move(capabilities)},
  }))));
}

}  // namespace weir::http
