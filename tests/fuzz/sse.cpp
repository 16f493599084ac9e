// Frames of server-sent events: however a stream is cut, the same comes of it, and no more than may.
#include "target.hpp"

#include "http/client/sse_reader.hpp"

#include <weir/assert.hpp>

namespace {

constexpr std::size_t frame_bytes_max = 512;

struct Read {
  std::string frames;
  bool too_long = false;
};

Read read(std::string_view text, std::size_t piece) {
  weir::client::SseReader reader(frame_bytes_max);
  Read out;
  const auto frame = [&](std::string_view id, std::string_view data) {
    WEIR_ASSERT(data.size() <= frame_bytes_max, "a frame is longer than it may be");
    out.frames += std::to_string(id.size()) + ":" + std::string(id) + "=" + std::string(data) + ";";
  };
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) reader.feed(text.substr(0, piece), frame);
  out.too_long = reader.too_long();
  out.frames += "last " + std::string(reader.has_id() ? reader.last_id() : "none");
  return out;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  const auto whole = read(text, std::string::npos);
  for (const std::size_t piece : {1u, 2u, 3u, 7u}) {
    const auto cut = read(text, piece);
    WEIR_ASSERT(cut.too_long == whole.too_long && cut.frames == whole.frames, "a stream that is cut says something else");
  }
  return 0;
}

std::vector<std::string> fuzz::seeds() {
  return {"id: 1\ndata: {\"a\":1}\n\n", ": heartbeat\n\n",
          "\xEF\xBB\xBF"
          "data: a\r\n\r\nid\rdata: b\r\r",
          "retry: 10\nevent: x\ndata\ndata:\n\n"};
}
std::vector<std::string> fuzz::words() {
  return {"\n",
          "\r",
          "\r\n",
          "\n\n",
          "data:",
          "data: ",
          "id:",
          "id: 7",
          "retry: 99999999999",
          ":",
          std::string(1, '\0'),
          "\xEF\xBB\xBF",
          "\xFF",
          std::string(600, 'x')};
}
