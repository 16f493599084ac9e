// A server of the tests' own, for what no real one does.
#pragma once

#include <doctest/doctest.h>

#include "talk.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

/// A server that says to each connection what it is told to, and closes it. What it was asked for can be looked at.
class Scripted {
public:
  struct Said {
    Said(std::string given, bool then_holds = false) : text(std::move(given)), holds(then_holds) {}
    std::string text;
    bool holds;  ///< the connection stays open, and nothing more comes
  };

  /// `answer` gets the number of the connection and returns what it is told.
  explicit Scripted(std::function<Said(int)> answer) : answer_(std::move(answer)), socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(socket_, 16) == 0);
    REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { serve(); });
  }
  ~Scripted() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    for (const int held : held_) ::close(held);
    ::close(socket_);
  }
  Scripted(const Scripted&) = delete;
  Scripted& operator=(const Scripted&) = delete;

  const std::string& url() const { return url_; }
  /// The cursors of the requests so far, and nothing else of them.
  std::vector<std::string> cursors() const {
    const std::lock_guard lock(mutex_);
    return cursors_;
  }

private:
  void serve() {
    for (int number = 0;; ++number) {
      const int caller = ::accept(socket_, nullptr, nullptr);
      if (caller < 0) return;
      const auto request = talk::receive(caller, "\r\n\r\n");
      {
        const std::lock_guard lock(mutex_);
        const std::string name = "after_sequence=";
        const auto found = request.find(name), at = found + name.size();
        cursors_.push_back(found == std::string::npos ? "" : request.substr(at, request.find_first_of("& ", at) - at));
      }
      const auto answer = answer_(number);
      std::string_view text = answer.text;
      while (!text.empty()) {
        const auto sent = ::send(caller, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent <= 0) break;
        text.remove_prefix(static_cast<std::size_t>(sent));
      }
      if (answer.holds) held_.push_back(caller);
      else ::close(caller);
    }
  }

  std::function<Said(int)> answer_;
  std::vector<int> held_;
  int socket_;
  std::string url_;
  mutable std::mutex mutex_;
  std::vector<std::string> cursors_;
  std::thread thread_;
};

inline std::string stream_of(const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n" + headers + "\r\n" + body;
}
inline std::string stop_frame(int sequence) {
  return "id: " + std::to_string(sequence) +
         "\ndata: {\"value\":{\"result\":1},\"qualified_name\":\"workflows.events.StopEvent\",\"type\":\"StopEvent\",\"types\":null}\n\n";
}
inline std::string plain_frame(const std::string& id) {
  return id + "data: {\"value\":{},\"qualified_name\":\"workflows.events.Event\",\"type\":\"Event\",\"types\":null}\n\n";
}
