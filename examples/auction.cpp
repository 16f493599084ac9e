// docs/mailboxes.md
#include "auction.hpp"

int main(int argc, char** argv) {
  weir::WorkflowServer server;
  server.add_workflow("auction", std::make_shared<examples::Auction>(), {.additional_events = weir::events<examples::Price>()});
  return server.main(argc, argv);
}
