#include "chunked_body.hpp"

#include "grammar.hpp"

#include <algorithm>
#include <charconv>

namespace weir::http {
namespace {

constexpr std::size_t size_digits_max = 16;

void skip_blanks(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

bool take_token(std::string_view& text) {
  std::size_t size = 0;
  while (size < text.size() && grammar::has(grammar::token_characters, text[size])) ++size;
  text.remove_prefix(size);
  return size > 0;
}

bool take_quoted(std::string_view& text) {
  text.remove_prefix(1);
  while (!text.empty() && text.front() != '"') text.remove_prefix(text.front() == '\\' && text.size() > 1 ? 2 : 1);
  if (text.empty()) return false;
  text.remove_prefix(1);
  return true;
}

/// *( BWS ";" BWS name [ BWS "=" BWS value ] )
bool are_extensions(std::string_view text) {
  while (!text.empty()) {
    skip_blanks(text);
    if (!text.starts_with(';')) return false;
    text.remove_prefix(1);
    skip_blanks(text);
    if (!take_token(text)) return false;
    auto value = text;
    skip_blanks(value);
    if (!value.starts_with('=')) continue;
    text = value.substr(1);
    skip_blanks(text);
    if (!(text.starts_with('"') ? take_quoted(text) : take_token(text))) return false;
  }
  return true;
}

/// The size that a chunk's first line gives.
bool read_size(std::string_view line, std::uint64_t& size) {
  const auto digits = std::min(line.find_first_not_of("0123456789abcdefABCDEF"), line.size());
  if (digits == 0 || digits > size_digits_max || !are_extensions(line.substr(digits))) return false;
  return std::from_chars(line.data(), line.data() + digits, size, 16).ec == std::errc();
}

bool is_field(std::string_view line) {
  const auto colon = line.find(':');
  return colon != line.npos && colon > 0 && grammar::all(grammar::token_characters, line.substr(0, colon));
}

}  // namespace

void ChunkedBody::take(char c, const Limits& limits) {
  if (carriage_return_) {
    carriage_return_ = false;
    return c == '\n' ? line_done() : fail();
  }
  if (c == '\r') {
    carriage_return_ = true;
    return;
  }
  if (state_ == State::data_end || !grammar::has(grammar::text_characters, c)) return fail();
  line_ += c;
  const bool counts = state_ == State::trailer || line_.size() > size_digits_max;
  if (counts && ++line_bytes_ > limits.chunk_extras_bytes_max) fail();
}

void ChunkedBody::line_done() {
  switch (state_) {
    case State::size_line:
      if (!read_size(line_, left_)) return fail();
      state_ = left_ > 0 ? State::data : State::trailer;
      break;
    case State::data_end: state_ = State::size_line; break;
    case State::trailer:
      if (line_.empty()) state_ = State::done;
      else if (!is_field(line_)) return fail();
      break;
    default: break;
  }
  line_.clear();
}

}  // namespace weir::http
