// weir-bench-server: the workflows of the comparison behind HTTP.
#include "workflows.hpp"

#include <weir/weir.hpp>

#include <cstdlib>

int main(int argc, char** argv) {
  weir::WorkflowServer server;
  bench_workflows::add_all(server);
  if (const char* ledger = std::getenv("WEIR_LEDGER")) bench_workflows::add_ledger_workflows(server, ledger);
  return server.main(argc, argv);
}
