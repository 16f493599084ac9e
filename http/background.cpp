#include "background.hpp"

#include <zlib.h>

#include <stdexcept>

namespace weir::http {
namespace {

constexpr std::size_t packed_from = 2048;  ///< bytes: below, packing costs more than it saves

/// Empty when it could not be done.
std::string gzip(const std::string& text) {
  z_stream stream{};
  constexpr int gzip_window = 15 + 16, memory_level = 8, fast = 1;
  if (deflateInit2(&stream, fast, Z_DEFLATED, gzip_window, memory_level, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(done ? stream.total_out : 0);
  deflateEnd(&stream);
  return out;
}

Response packed(Response response, const Exchange& exchange) {
  response.headers.emplace_back("vary", "Accept-Encoding");
  if (response.body.size() < packed_from || !takes_gzip(exchange)) return response;
  if (auto body = gzip(response.body); !body.empty()) {
    response.body = std::move(body);
    response.headers.emplace_back("content-encoding", "gzip");
  }
  return response;
}

}  // namespace

bool takes_gzip(const Exchange& exchange) {
  const auto accepted = exchange.header("Accept-Encoding");
  const auto at = accepted.find("gzip");
  return at != accepted.npos && !accepted.substr(at).starts_with("gzip;q=0");
}

void answer_in_background(const Call& call, std::function<Response()> answer) {
  call.app.service.in_background([exchange = call.exchange, answer = std::move(answer)] {
    try {
      exchange->respond(packed(answer(), *exchange));
    } catch (const std::invalid_argument& error) { exchange->respond(problem(400, error.what())); } catch (const std::exception& error) {
      exchange->respond(problem(500, error.what()));
    }
  });
}

}  // namespace weir::http
