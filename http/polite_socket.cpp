#include "polite_socket.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <memory>

namespace weir::http {
namespace {

namespace asio = restinio::asio_ns;

constexpr std::size_t first_line_kept = 512;

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
         });
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  return begin == text.npos ? std::string_view{} : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// "2, 2" becomes "2   ": the same length, the same meaning.
void merge_repeated_length(char* value, std::size_t size) {
  const std::string_view text(value, size);
  const auto comma = text.find(',');
  if (comma == text.npos) return;
  const auto first = trimmed(text.substr(0, comma));
  if (first.empty() || first != trimmed(text.substr(comma + 1))) return;
  std::fill(value + comma, value + size, ' ');
}

std::string plain_answer(std::string_view status, std::string_view content_type, std::string_view body) {
  std::string out = "HTTP/1.1 ";
  out += status;
  out += "\r\ncontent-type: ";
  out += content_type;
  out += "\r\nConnection: close\r\n\r\n";
  out += body;
  return out;
}

/// What the Python server sends when it gives up in the middle of a body.
std::string chunked_answer(std::string_view status, std::string_view body) {
  std::array<char, 16> size;
  const auto length = std::snprintf(size.data(), size.size(), "%zx", body.size());
  return "HTTP/1.1 " + std::string(status) +
         "\r\ncontent-type: text/plain; charset=utf-8\r\ntransfer-encoding: chunked\r\nConnection: close\r\n\r\n" +
         std::string(size.data(), static_cast<std::size_t>(length)) + "\r\n" + std::string(body) + "\r\n0\r\n\r\n";
}

std::string json_answer(std::string_view status, std::string_view detail) {
  const auto body = "{\"detail\":\"" + std::string(detail) + "\"}";
  return "HTTP/1.1 " + std::string(status) + "\r\ncontent-type: application/json\r\ncontent-length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

bool is_method_token(std::string_view word) {
  return !word.empty() && word.size() <= 32 &&
         std::all_of(word.begin(), word.end(), [](char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '-'; });
}

/// A well-formed request line whose method is one the parser does not know.
bool has_unknown_method(std::string_view line) {
  constexpr std::array known{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"};
  const auto space = line.find(' ');
  const auto last = line.rfind(' ');
  if (space == line.npos || last == space || line.find(' ', space + 1) != last) return false;
  const auto method = line.substr(0, space);
  if (!is_method_token(method) || !line.substr(last + 1).starts_with("HTTP/1.")) return false;
  return std::find(known.begin(), known.end(), method) == known.end();
}

class Lingering : public std::enable_shared_from_this<Lingering> {
public:
  Lingering(const asio::any_io_executor& executor, int connection) : socket_(executor), patience_(executor, std::chrono::seconds(2)) {
    asio::error_code ignored;
    socket_.assign(asio::ip::tcp::v4(), connection, ignored);
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }
  void begin() {
    patience_.async_wait([self = shared_from_this()](const asio::error_code& error) {
      asio::error_code ignored;
      if (!error) self->socket_.close(ignored);
    });
    discard();
  }

private:
  void discard() {
    socket_.async_read_some(asio::buffer(unread_), [self = shared_from_this()](const asio::error_code& error, std::size_t) {
      if (error) self->patience_.cancel();
      else self->discard();
    });
  }

  asio::ip::tcp::socket socket_;
  asio::steady_timer patience_;
  std::array<char, 65536> unread_;
};

}  // namespace

void close_slowly(const restinio::asio_ns::any_io_executor& executor, int connection) {
  std::make_shared<Lingering>(executor, connection)->begin();
}

void OpenSockets::add(PoliteSocket* socket) {
  const std::lock_guard lock(mutex_);
  sockets_.insert(socket);
}

void OpenSockets::remove(PoliteSocket* socket) {
  const std::lock_guard lock(mutex_);
  sockets_.erase(socket);
}

void OpenSockets::close_all() {
  const std::lock_guard lock(mutex_);
  asio::error_code ignored;
  for (auto* socket : sockets_) socket->close(ignored);
}

bool RequestWatch::received(char* bytes, std::size_t count) {
  const std::string_view chunk(bytes, count);
  if (head_done_) {
    body_bytes_ += count;
    return false;
  }
  if (first_line_.size() < first_line_kept && first_line_.find('\n') == first_line_.npos)
    first_line_.append(chunk.substr(0, first_line_kept - first_line_.size()));
  const auto end = chunk.find("\r\n\r\n");
  const auto head_end = end == chunk.npos ? chunk.size() : end;
  head_bytes_ += head_end;

  bool expects_continue = false;
  for (std::size_t begin = 0; begin < head_end;) {
    const auto line_end = std::min(chunk.find("\r\n", begin), head_end);
    const auto line = chunk.substr(begin, line_end - begin);
    if (const auto colon = line.find(':'); colon != line.npos) {
      if (equal_ignoring_case(line.substr(0, colon), "content-length")) {
        merge_repeated_length(bytes + begin + colon + 1, line.size() - colon - 1);
        const auto digits = trimmed(line.substr(colon + 1));
        (void)std::from_chars(digits.data(), digits.data() + digits.size(), declared_bytes_);
      }
      if (equal_ignoring_case(line.substr(0, colon), "expect") && equal_ignoring_case(trimmed(line.substr(colon + 1)), "100-continue"))
        expects_continue = true;
      if (equal_ignoring_case(line.substr(0, colon), "transfer-encoding")) chunked_body_ = true;
    }
    begin = line_end + 2;
  }
  if (end != chunk.npos) {
    head_done_ = true;
    body_bytes_ += count - end - 4;
  } else {
    tail_ += chunk.substr(chunk.size() - std::min<std::size_t>(3, chunk.size()));
    if (tail_.size() > 3) tail_.erase(0, tail_.size() - 3);
  }
  return expects_continue && head_done_ && body_bytes_ == 0;
}

int RequestWatch::version_minor() const { return first_line_.substr(0, first_line_.find('\r')).ends_with(" HTTP/1.0") ? 0 : 1; }

void RequestWatch::answering() { *this = RequestWatch(); }

std::string RequestWatch::last_words(bool while_reading, const Limits& limits) const {
  if (in_flight_ || head_bytes_ + body_bytes_ == 0) return {};
  if (!while_reading) return json_answer("408 Request Timeout", "The request was not complete in time");
  if (head_done_ && std::max(body_bytes_, declared_bytes_) > limits.body_bytes_max)
    return json_answer("413 Content Too Large", "The request body is larger than " + std::to_string(limits.body_bytes_max) + " bytes");
  if (head_bytes_ >= limits.head_bytes_max)
    return json_answer("431 Request Header Fields Too Large",
                       "The request head is larger than " + std::to_string(limits.head_bytes_max) + " bytes");
  if (head_done_ && chunked_body_) return chunked_answer("400 Bad Request", "Invalid HTTP request received.");
  const auto line = std::string_view(first_line_).substr(0, first_line_.find('\r'));
  if (has_unknown_method(line)) return json_answer("405 Method Not Allowed", "Method Not Allowed");
  return plain_answer("400 Bad Request", "text/plain; charset=utf-8", "Invalid HTTP request received.");
}

}  // namespace weir::http
