// A server inside a program: two of them on free ports, one with a route of the program's own, both asked by the client.
#include <weir/client.hpp>
#include <weir/weir.hpp>

#include <iostream>

struct Name {
  using kind = weir::StartEvent;
  std::string name;
};
struct Greeting {
  using kind = weir::StopEvent;
  std::string text;
};

struct Greeter : weir::Workflow {
  explicit Greeter(std::string word) : word_(std::move(word)) { step<&Greeter::greet>(); }
  Greeting greet(const Name& name) { return {word_ + ", " + name.name + "!"}; }

private:
  std::string word_;
};

int main() {
  weir::WorkflowServer english{{.port = 0}}, german{{.port = 0}};
  english.add_workflow<Greeter>("greet", "Hello");
  german.add_workflow<Greeter>("greet", "Hallo");
  english.add_route("GET", "/version", [](const weir::RouteRequest&) { return weir::RouteAnswer{.body = R"({"version":"1"})"}; });
  english.start();  // returns: the server has a thread of its own
  german.start();

  for (auto* server : {&english, &german}) {
    const weir::Client client({.url = "http://127.0.0.1:" + std::to_string(server->port())});
    const auto handler = client.run("greet", Name{"Ada"}).get();
    if (!handler) {
      std::cerr << handler.error().message << '\n';
      return 1;
    }
    std::cout << handler->result_as<Greeting>()->text << '\n';
  }
  german.stop();
  english.stop();
}
