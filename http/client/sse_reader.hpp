// Splits a stream of Server-Sent Events into its frames, as the HTML standard says (9.2.6).
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace weir::client {

/// Lines end with CR LF, LF or CR alone; a byte order mark at the beginning, comments and unknown fields are skipped. The parts of a
/// stream may be cut anywhere. Takes time in proportion to what comes, and memory for one frame.
class SseReader {
public:
  /// A frame, or a line, that is longer is not read: see too_long().
  explicit SseReader(std::size_t frame_bytes_max = std::string::npos) : frame_bytes_max_(frame_bytes_max) {}

  /// Calls `frame(id, data)` for every frame with data that the piece completes. `id` is the last one that the stream has set, in
  /// this frame or an earlier one.
  template <class F>
  void feed(std::string_view piece, F&& frame) {
    piece = without_mark(piece);
    while (!too_long_ && !piece.empty()) {
      if (std::exchange(after_cr_, false) && piece.front() == '\n') piece.remove_prefix(1);
      const auto end = piece.find_first_of("\r\n");
      append(line_, piece.substr(0, end));
      if (too_long_ || end == piece.npos) return;
      after_cr_ = piece[end] == '\r';
      piece.remove_prefix(end + 1);
      if (line_.empty()) end_frame(frame);
      else read(line_);
      line_.clear();
    }
  }
  /// Of the last frame that has ended, with data or without. Empty: none, or taken back.
  const std::string& last_id() const noexcept { return id_; }
  /// The stream has set an id, be it to an empty one.
  bool has_id() const noexcept { return has_id_; }
  /// Nothing more is read: a frame is longer than it may be.
  bool too_long() const noexcept { return too_long_; }
  /// Says once that there was a comment.
  bool take_comment() noexcept { return std::exchange(comment_, false); }
  /// How long to wait before the next connection, when the stream has said so.
  std::optional<std::chrono::milliseconds> retry() const noexcept { return retry_; }
  /// Forgets what was begun: for a new connection.
  void clear() { *this = SseReader(frame_bytes_max_); }

private:
  std::string_view without_mark(std::string_view piece) {
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    while (mark_read_ < mark.size() && !piece.empty()) {
      if (piece.front() != mark[mark_read_]) {
        line_ = mark.substr(0, mark_read_);
        mark_read_ = mark.size();
      } else {
        ++mark_read_;
        piece.remove_prefix(1);
      }
    }
    return piece;
  }

  void append(std::string& text, std::string_view piece) {
    too_long_ = too_long_ || piece.size() > frame_bytes_max_ - std::min(frame_bytes_max_, line_.size() + data_.size());
    if (!too_long_) text += piece;
  }

  template <class F>
  void end_frame(F& frame) {
    id_ = next_id_;
    has_id_ = next_has_id_;
    if (has_data_) frame(std::string_view(id_), std::string_view(data_));
    data_.clear();
    has_data_ = false;
  }

  void read(std::string_view line) {
    const auto colon = line.find(':');
    comment_ = comment_ || colon == 0;
    const auto name = line.substr(0, colon);
    auto value = colon == line.npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "id" && value.find('\0') == value.npos) {
      next_id_ = value;
      next_has_id_ = true;
    }
    if (name == "retry") read_retry(value);
    if (name != "data") return;
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  }

  /// Digits and nothing else.
  void read_retry(std::string_view value) {
    std::uint32_t milliseconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), milliseconds);
    if (!value.empty() && error == std::errc() && end == value.data() + value.size()) retry_ = std::chrono::milliseconds(milliseconds);
  }

  std::size_t frame_bytes_max_;
  bool too_long_ = false, comment_ = false;
  std::optional<std::chrono::milliseconds> retry_;
  std::size_t mark_read_ = 0;  ///< bytes of the byte order mark
  bool after_cr_ = false;      ///< a line feed belongs to the line end before it
  std::string line_, id_, next_id_, data_;
  bool has_id_ = false, next_has_id_ = false, has_data_ = false;
};

}  // namespace weir::client
