// Ends in order with runtimes and servers of static storage, made and used in many ways: `weir-static-storage N`.
#include <weir/weir.hpp>

#include <cstdlib>
#include <memory>
#include <thread>

namespace {

struct Echo : weir::Workflow {
  Echo() { step<&Echo::echo>(); }
  weir::StopEvent echo(const weir::StartEvent&) { return weir::StopEvent(weir::Value(7)); }
};

weir::Runtime& static_runtime() {
  static weir::Runtime runtime;
  return runtime;
}
weir::WorkflowServer& static_server() {
  static weir::WorkflowServer server(weir::ServerOptions{.host = "127.0.0.1", .port = 0});
  return server;
}

bool runs(weir::Runtime& runtime) {
  runtime.add_workflow<Echo>("echo");
  return runtime.start("echo", weir::StartEvent()).wait().status == weir::HandlerStatus::completed;
}

bool play(int way) {
  switch (way) {
    case 0: static_runtime(); return true;
    case 1: return runs(static_runtime());
    case 2: std::thread([] { static_runtime(); }).join(); return runs(static_runtime());
    case 3: static_server(); return true;
    case 4: static_server().start(); return static_server().port() != 0;
    case 5:
      static_server().start();
      static_server().stop();
      return true;
    case 6: std::thread([] { static_server().start(); }).join(); return runs(static_runtime());
    case 7: {
      bool ran = false;
      std::thread([&] { ran = runs(static_runtime()); }).join();
      return ran;
    }
    default: return false;
  }
}

}  // namespace

int main(int, char** arguments) { return play(std::atoi(arguments[1])) ? EXIT_SUCCESS : EXIT_FAILURE; }
