// Serves all examples: what ./dev run starts. --base-url URL and --model NAME say where the research agent's model is.
#include "approval.hpp"
#include "auction.hpp"
#include "etl.hpp"
#include "greeting.hpp"
#include "joke.hpp"
#include "long_loop.hpp"
#include "orders.hpp"
#include "research_agent.hpp"
#include "triage.hpp"

#include <cstdlib>

namespace {

/// Takes `--name VALUE` out of the arguments; the rest is for the server.
std::string take(std::vector<char*>& arguments, std::string_view name, std::string fallback) {
  for (std::size_t i = 1; i + 1 < arguments.size(); ++i) {
    if (arguments[i] != name) continue;
    fallback = arguments[i + 1];
    arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.begin() + static_cast<std::ptrdiff_t>(i) + 2);
    break;
  }
  return fallback;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace examples;
  std::vector<char*> arguments(argv, argv + argc);
  ModelOptions model;
  model.base_url = take(arguments, "--base-url", model.base_url);
  model.model = take(arguments, "--model", model.model);
  if (const char* key = std::getenv("OPENAI_API_KEY")) model.api_key = key;
  const auto notes = take(arguments, "--notes", "notes");

  weir::WorkflowServer server;
  server.add_workflow("greeting", std::make_shared<GreetingFlow>(), {.additional_events = weir::events<Progress>()});
  server.add_workflow("joke", std::make_shared<JokeFlow>(), {.additional_events = weir::events<Question, Verdict>()});
  server.add_workflow<ApprovalFlow>("approval");
  server.add_workflow("auction", std::make_shared<Auction>(), {.additional_events = weir::events<Price>()});
  server.add_workflow<TriageFlow>("triage");
  server.add_workflow<OrderFlow>("orders");
  server.add_workflow("research", std::make_shared<ResearchAgent>(model, notes), {.additional_events = weir::events<Token>()});
  server.add_workflow<LongLoop>("loop");
  server.add_workflow<EtlFlow>("etl");
  return server.main(static_cast<int>(arguments.size()), arguments.data());
}
