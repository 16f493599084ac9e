#include "packing.hpp"

#include <zlib.h>

#include <array>
#include <stdexcept>

namespace weir::http {
namespace {

constexpr std::size_t packed_from = 2048;  ///< bytes: below, packing costs more than it saves

}  // namespace

struct Packer::State {
  z_stream stream{};
};

Packer::Packer() : state_(std::make_unique<State>()) {
  constexpr int gzip_window = 15 + 16, memory_level = 8, fast = 1;
  if (deflateInit2(&state_->stream, fast, Z_DEFLATED, gzip_window, memory_level, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("no memory to pack an answer");
}

Packer::~Packer() { deflateEnd(&state_->stream); }

std::string Packer::pack(std::string_view piece, bool last) {
  auto& stream = state_->stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
  stream.avail_in = static_cast<uInt>(piece.size());
  std::string out;
  std::array<char, 16 * 1024> buffer;
  do {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    if (deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR) throw std::runtime_error("an answer could not be packed");
    out.append(buffer.data(), buffer.size() - stream.avail_out);
  } while (stream.avail_out == 0);
  return out;
}

bool takes_gzip(const Exchange& exchange) {
  const auto accepted = exchange.header("Accept-Encoding");
  const auto at = accepted.find("gzip");
  return at != accepted.npos && !accepted.substr(at).starts_with("gzip;q=0");
}

Response packed(Response response, const Exchange& exchange) {
  response.headers.emplace_back("vary", "Accept-Encoding");
  if (response.body.size() < packed_from || !takes_gzip(exchange)) return response;
  response.body = Packer().pack(response.body, true);
  response.headers.emplace_back("content-encoding", "gzip");
  return response;
}

}  // namespace weir::http
