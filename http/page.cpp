// The built-in page: what runs here and where the API is. Conditional and range requests as static files answer them.
#include "app.hpp"
#include "page_html.hpp"
#include "target.hpp"

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

/// FNV-1a of the content, quoted.
std::string entity_tag(std::string_view content) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (char c : content) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return "\"" + std::to_string(hash) + "\"";
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

}  // namespace

void get_page(const Call& call) {
  static const std::string tag = entity_tag(page_html());
  const auto& exchange = *call.exchange;
  const auto content = page_html();
  if (is_unchanged(exchange, tag)) return call.respond({.status = 304, .content_type = "", .headers = {{"etag", tag}}});
  Range range{};
  const auto total = std::to_string(content.size());
  switch (parse_range(exchange.header("Range"), content.size(), range)) {
    case RangeKind::impossible:
      return call.respond({.status = 416, .content_type = "text/plain; charset=utf-8", .headers = {{"content-range", "bytes */" + total}}});
    case RangeKind::part: {
      Response response{.status = 206, .content_type = "text/html; charset=utf-8"};
      response.body = content.substr(range.first, range.last - range.first + 1);
      response.headers = {{"accept-ranges", "bytes"},
                          {"last-modified", http_date(started_at)},
                          {"etag", tag},
                          {"content-range", "bytes " + std::to_string(range.first) + "-" + std::to_string(range.last) + "/" + total}};
      return call.respond(std::move(response));
    }
    case RangeKind::whole: break;
  }
  Response response{.content_type = "text/html; charset=utf-8", .body = std::string(content)};
  response.headers = {{"accept-ranges", "bytes"}, {"last-modified", http_date(started_at)}, {"etag", tag}};
  call.respond(std::move(response));
}

}  // namespace weir::http
