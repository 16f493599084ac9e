// weir-bench-server: the workflows of the comparison behind HTTP.
#include "workflows.hpp"

#include <weir/weir.hpp>

int main(int argc, char** argv) {
  weir::WorkflowServer server;
  bench_workflows::add_all(server);
  return server.main(argc, argv);
}
