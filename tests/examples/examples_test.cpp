// The examples, tested as their authors would: with weir/testing.hpp.
#include <doctest/doctest.h>

#include "../../examples/greeting.hpp"
#include "../../examples/joke.hpp"
#include "../../examples/triage.hpp"

#include <weir/testing.hpp>

using namespace examples;
using namespace std::chrono_literals;
using weir::testing::WorkflowTest;

TEST_CASE("greeting: progress first, then a greeting by name") {
  WorkflowTest test(std::make_shared<GreetingFlow>());
  const auto run = test.run(Name{"Ada"});
  CHECK(run.result<examples::Greeting>().text == "Hello, Ada!");
  CHECK(run.all<Progress>().at(0).percent == 50);
}

TEST_CASE("joke: a reader who is hard to please gets another draft each time, and nobody waits for him longer than an hour") {
  WorkflowTest test(std::make_shared<JokeFlow>());
  int asked = 0;
  test.answer<Review>([&](const Review&) { return Verdict{++asked == 3, "cat"}; }, 10min);
  const auto run = test.run(Topic{"chicken"});
  CHECK(run.result<Joke>().text == "Why did the cat cross the road? To get to the other side.");
  CHECK(run.result<Joke>().rounds == 3);
  CHECK(run.elapsed == 30min);
  WorkflowTest silent(std::make_shared<JokeFlow>());
  CHECK(silent.run(Topic{"chicken"}).error == "Workflow timed out after 3600.0s");
}

TEST_CASE("triage: every line is classified once and counted") {
  WorkflowTest test(std::make_shared<TriageFlow>());
  const auto run = test.run(Document{{"urgent: fire", "what time is it?", "hello", "urgent!"}});
  CHECK(run.result<Report>().counts == std::map<std::string, int>{{"note", 1}, {"question", 1}, {"urgent", 2}});
  CHECK(run.times_run("classify") == 4);
  CHECK(run.count<Finding>() == 4);
  CHECK(test.run(Document{}).result<Report>().counts.empty());
}
