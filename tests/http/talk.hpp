// HTTP requests, each on a connection of its own.
#pragma once

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace talk {

/// A connection on which `text` has been sent.
inline int send(std::uint16_t port, const std::string& text) {
  const int connection = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::send(connection, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  return connection;
}
/// What comes on it up to its end, or until `word` has come.
inline std::string receive(int connection, std::string_view word = "") {
  std::string answer;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::recv(connection, buffer, sizeof buffer, 0)) > 0;) {
    answer.append(buffer, static_cast<std::size_t>(count));
    if (!word.empty() && answer.find(word) != std::string::npos) break;
  }
  return answer;
}

inline std::string request(std::uint16_t port, const std::string& text) {
  const int connection = send(port, text);
  auto answer = receive(connection);
  ::close(connection);
  return answer;
}

inline std::string post_text(const std::string& path, const std::string& body, const std::string& headers = "") {
  return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
inline std::string get_text(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"; }
inline std::string post(std::uint16_t port, const std::string& path, const std::string& body, const std::string& headers = "") {
  return request(port, post_text(path, body, headers));
}
inline std::string get(std::uint16_t port, const std::string& path) { return request(port, get_text(path)); }
inline int status(const std::string& answer) { return std::stoi(answer.substr(9, 3)); }
inline weir::Value json_body(const std::string& answer) {
  auto out = weir::parse_json(std::string_view(answer).substr(answer.find("\r\n\r\n") + 4));
  REQUIRE_MESSAGE(out.ok(), answer);
  return std::move(*out);
}

}  // namespace talk
