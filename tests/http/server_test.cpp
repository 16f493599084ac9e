// WorkflowServer in a program of its own: free ports, several servers, stopping and starting.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/weir.hpp>

#include <string>

namespace {

struct Ping {
  using kind = weir::StartEvent;
  int n = 0;
};
struct Pong {
  using kind = weir::StopEvent;
  int n;
};
struct PingFlow : weir::Workflow {
  PingFlow() { step<&PingFlow::answer>(); }
  Pong answer(const Ping& ping) { return {ping.n + 1}; }
};

std::string talk(std::uint16_t port, const std::string& request) {
  const int connection = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::send(connection, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::recv(connection, buffer, sizeof buffer, 0)) > 0;)
    answer.append(buffer, static_cast<std::size_t>(count));
  ::close(connection);
  return answer;
}

std::string run_ping(std::uint16_t port) {
  const std::string body = R"({"start_event":{"n":41}})";
  return talk(port, "POST /workflows/ping/run HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
                        "\r\n\r\n" + body);
}

}  // namespace

TEST_CASE("several servers live in one process, each on a free port with its own workflows") {
  weir::WorkflowServer one{{.port = 0}}, two{{.port = 0}};
  one.add_workflow<PingFlow>("ping");
  one.start();
  two.start();
  CHECK(one.port() != two.port());
  CHECK(run_ping(one.port()).find("\"value\":{\"n\":42}") != std::string::npos);
  CHECK(run_ping(two.port()).starts_with("HTTP/1.1 404 "));
  one.stop();
  one.stop();
  CHECK(run_ping(two.port()).starts_with("HTTP/1.1 404 "));
}

TEST_CASE("a port that is taken is named, and the server can go away") {
  weir::WorkflowServer one{{.port = 0}};
  one.start();
  weir::WorkflowServer two{{.port = one.port()}};
  CHECK_THROWS_WITH_AS(two.start(), doctest::Contains(("127.0.0.1:" + std::to_string(one.port())).c_str()), std::runtime_error);
}

TEST_CASE("an option that makes no sense is refused with what is allowed") {
  CHECK_THROWS_WITH(weir::WorkflowServer{{.default_cursor = "tomorrow"}}, "default_cursor must be auto, now or start, got 'tomorrow'");
}
