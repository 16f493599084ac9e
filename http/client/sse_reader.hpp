// Splits a stream of Server-Sent Events into its frames.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace weir::client {

/// Understands what the protocol uses: `id:` and `data:` lines, comments, LF and CRLF. Other fields are skipped.
class SseReader {
public:
  /// Calls `frame(id, data)` for every frame that the piece completes.
  template <class F>
  void feed(std::string_view piece, F&& frame) {
    buffer_ += piece;
    std::size_t begin = 0;
    for (auto end = buffer_.find('\n'); end != std::string::npos; end = buffer_.find('\n', begin)) {
      auto line = std::string_view(buffer_).substr(begin, end - begin);
      begin = end + 1;
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (!line.empty()) {
        read(line);
      } else {
        if (has_data_) frame(std::string_view(id_), std::string_view(data_));
        data_.clear();
        has_data_ = false;
      }
    }
    buffer_.erase(0, begin);
  }
  /// Forgets what was begun: for a new connection.
  void clear() { *this = {}; }

private:
  void read(std::string_view line) {
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    auto value = colon == line.npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "id") id_ = value;
    if (name != "data") return;
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  }

  std::string buffer_, id_, data_;
  bool has_data_ = false;
};

}  // namespace weir::client
