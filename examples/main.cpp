// Serves all examples: what ./dev run starts.
#include "greeting.hpp"
#include "joke.hpp"
#include "triage.hpp"

int main(int argc, char** argv) {
  weir::WorkflowServer server;
  server.add_workflow("greeting", std::make_shared<examples::GreetingFlow>(), {.additional_events = weir::events<examples::Progress>()});
  server.add_workflow("joke", std::make_shared<examples::JokeFlow>(),
                      {.additional_events = weir::events<examples::Review, examples::Verdict>()});
  server.add_workflow<examples::TriageFlow>("triage");
  return server.main(argc, argv);
}
