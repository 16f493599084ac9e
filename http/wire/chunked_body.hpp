// Takes the chunked transfer coding off a body that comes piece by piece, strictly (RFC 9112, 7.1). Pure.
#pragma once

#include "fault.hpp"

#include "limits.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::http {

class ChunkedBody {
public:
  enum class State { size_line, data, data_end, trailer, done, fault };

  /// Looks at some more bytes and says how many belong to the body. `data` is called with each piece of content and may
  /// refuse it by returning false, which stops the reading.
  template <class Data>
  std::size_t feed(std::string_view bytes, const Limits& limits, Data&& data) {
    std::size_t at = 0;
    while (at < bytes.size() && state_ != State::done && state_ != State::fault) {
      if (state_ == State::data) {
        const auto piece = bytes.substr(at, static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - at)));
        if (!data(piece)) return at;
        at += piece.size();
        left_ -= piece.size();
        if (left_ == 0) state_ = State::data_end;
      } else {
        take(bytes[at++], limits);
      }
    }
    return at;
  }
  State state() const { return state_; }

private:
  void take(char c, const Limits& limits);
  void line_done();
  void fail() { state_ = State::fault; }

  State state_ = State::size_line;
  std::uint64_t left_ = 0;      ///< of the current chunk's content
  std::string line_;            ///< a size line or a line of the trailer, as far as it came
  std::size_t line_bytes_ = 0;  ///< of all size lines' extensions and of the trailer
  bool carriage_return_ = false;
};

}  // namespace weir::http
