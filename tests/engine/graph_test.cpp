// Graph validation says what is wrong (contract 5.9, 5.12), in the words of those who write in C++.
#include <doctest/doctest.h>

#include "actors/engine/graph/graph_checks.hpp"
#include "actors/engine/graph/representation.hpp"
#include "tea.hpp"

using namespace tea;

struct OtherStart {
  using kind = StartEvent;
  int n;
};
struct OtherStop {
  using kind = StopEvent;
  int n;
};

static Plan draft(std::vector<StepPlan> steps) {
  Plan out;
  out.class_name = "W";
  out.steps = std::move(steps);
  return out;
}

static std::string problem(Plan candidate) {
  try {
    complete(candidate);
    return "";
  } catch (const WorkflowError& error) { return error.what(); }
}

TEST_CASE("sound graphs pass") {
  CHECK(problem(draft({step("a", types<StartEvent>(), types<StopEvent>())})) == "");
  CHECK(problem(draft({step("a", types<StartEvent>(), types<Ask>()), step("b", types<Ans>(), types<StopEvent>())})) == "");
  auto loop = draft({step("go", types<StartEvent, Water>(), types<Water, StopEvent>())});
  CHECK(problem(loop) == "");
}

TEST_CASE("missing and doubled starts and stops are named") {
  CHECK(problem(draft({})).starts_with("Workflow 'W' has no configured steps."));
  CHECK(problem(draft({step("a", types<Leaf>(), types<StopEvent>())})) ==
        "Workflow 'W' has no step that starts it: one must take an event whose kind is StartEvent, or StartEvent itself.");
  CHECK(problem(draft({step("a", types<StartEvent>(), types<Leaf>())})) ==
        "Workflow 'W' has no step that ends it: one must return an event whose kind is StopEvent, or StopEvent itself.");
  CHECK(problem(draft({step("a", types<StartEvent>(), types<StopEvent>()), step("b", types<OtherStart>(), types<StopEvent>())})) ==
        "Only one type of StartEvent is allowed per workflow, found 2: {OtherStart, StartEvent} in workflow 'W'.");
  CHECK(problem(draft({step("a", types<StartEvent>(), types<StopEvent, OtherStop>())})) ==
        "Only one type of StopEvent is allowed per workflow, found 2: {OtherStop, StopEvent} in workflow 'W'.");
  CHECK(problem(draft({step("a", types<StartEvent>(), types<StopEvent>()), step("a", types<StartEvent>(), types<StopEvent>())})) ==
        "A step a is already part of this workflow, please choose another name.");
}

TEST_CASE("events without producer or consumer are named") {
  CHECK(problem(draft({step("a", types<StartEvent, Leaf>(), types<StopEvent>())})) ==
        "The following events are consumed but never produced: Leaf");
  CHECK(problem(draft({step("a", types<StartEvent>(), types<StopEvent, Leaf, Cup>())})) ==
        "The following events are produced but never consumed: Cup, Leaf");
  CHECK(problem(draft({step("a", types<StartEvent>(), types<StopEvent>()), step("b", types<StopEvent>(), types<Leaf>()),
                       step("c", types<StopEvent>(), {})})) ==
        "Steps 'b', 'c' cannot accept StopEvent. StopEvent signals the end of the workflow. Use a different Event type instead.");
}

TEST_CASE("unreachable steps and dead ends are named unless skipped") {
  auto unreachable = draft({step("a", types<StartEvent>(), types<StopEvent>()), step("b", types<Leaf>(), types<Leaf>())});
  CHECK(
      problem(unreachable) ==
      "Graph validation failed:\n  - [reachability] Unreachable steps: b\n    Steps must be reachable from StartEvent or HumanResponseEvent."
      "\n  - [dead_end] Dead-end steps: b\n    Steps must have a path to StopEvent or InputRequiredEvent.");
  unreachable.skip_reachability = true;
  unreachable.steps[1].skip_dead_end = true;
  CHECK(problem(unreachable) == "");
}

TEST_CASE("error handlers must be unambiguous") {
  const auto handler = [](std::string name, std::vector<std::string> covered) {
    auto out = step(std::move(name), types<StepFailedEvent>(), types<StopEvent>());
    out.is_error_handler = true;
    out.handles_steps = std::move(covered);
    return out;
  };
  const auto a = step("a", types<StartEvent>(), types<StopEvent>());
  CHECK(problem(draft({a, handler("h", {})})) == "");
  CHECK(problem(draft({a, handler("h", {}), handler("k", {})})) ==
        "Only one catch_error<>() may leave out its list of steps, found 2: h, k.");
  CHECK(problem(draft({a, handler("h", {"x"})})) == "catch_error<&W::h>(): the workflow has no step 'x'.");
  CHECK(problem(draft({a, handler("h", {"a"}), handler("k", {"a"})})) ==
        "catch_error<&W::k>(): step 'a' has the error handler 'h' already.");
  CHECK(problem(draft({a, handler("h", {"a"}), handler("k", {"h"})})) == "catch_error<&W::k>(): 'h' is an error handler itself.");
}

TEST_CASE("two steps that take the same event and both may end the run are hinted at") {
  const auto hinted = [](std::vector<StepPlan> steps) {
    auto sound = draft(std::move(steps));
    complete(sound);
    return hints(sound);
  };
  auto broad = step("broad", types<Leaf>(), types<StopEvent>());
  broad.accept_subclasses = true;
  const auto a = step("a", types<StartEvent>(), types<Leaf, Green>());
  CHECK(
      hinted({a, step("b", types<Leaf>(), types<StopEvent>()), step("c", types<Leaf, Green>(), types<StopEvent, Leaf>())}) ==
      std::vector<std::string>{"steps 'b' and 'c' both take Leaf, and both may end the run: the first that returns its StopEvent does, and "
                               "the other is dropped"});
  CHECK(hinted({a, broad, step("c", types<Green>(), types<StopEvent>())}).at(0).starts_with("steps 'broad' and 'c' both take Green,"));
  CHECK(hinted({a, step("b", types<Leaf>(), types<StopEvent>()), step("c", types<Leaf, Green>(), types<Leaf>())}).empty());
  CHECK(hinted({a, step("b", types<Leaf>(), types<StopEvent>()), step("c", types<Green>(), types<StopEvent>()),
                error_handler("fix", types<StopEvent>())})
            .empty());
}

TEST_CASE("collect steps need a fan-out that reaches them, through ordinary and nested steps") {
  auto collect = step("tray", types<Cup>(), types<StopEvent>());
  collect.input = Input::collect;
  CHECK(problem(draft({step("a", types<StartEvent>(), types<Cup>()), collect})) ==
        "Step 'tray' collects a std::vector of Cup, but no step that returns a std::vector leads to such events.");
  auto lay = step("lay", types<StartEvent>(), {});
  lay.returns_in_list = types<Leaf>();
  auto sound = draft({lay, step("make", types<Leaf>(), types<Cup>()), collect});
  complete(sound);
  REQUIRE(sound.bindings.size() == 1);
  CHECK(sound.bindings[0].source == 0);
  CHECK(sound.bindings[0].target == 2);
}

TEST_CASE("events route by exact type unless the step asks for descendants") {
  auto exact = step("b", types<Leaf>(), types<StopEvent>());
  auto broad = exact;
  broad.accept_subclasses = true;
  CHECK_FALSE(accepts(exact, event_type<Green>()));
  CHECK(accepted_as(broad, event_type<Green>()) == &event_type<Leaf>());
}

TEST_CASE("the representation lists nodes and edges in the protocol's order") {
  auto hitl = draft({step("ask", types<StartEvent>(), types<Ask>()), step("finish", types<Ans>(), types<StopEvent>())});
  complete(hitl);
  const auto graph = *parse_json(representation_json(hitl));
  std::string nodes, edges;
  for (const auto& node : graph.find("graph")->find("nodes")->as_array()) nodes += node.find("id")->as_string() + " ";
  for (const auto& edge : graph.find("graph")->find("edges")->as_array())
    edges += edge.find("source")->as_string() + ">" + edge.find("target")->as_string() + " ";
  CHECK(nodes == "ask StartEvent Ask external_step finish Ans StopEvent ");
  CHECK(edges == "ask>Ask Ask>external_step StartEvent>ask finish>StopEvent Ans>finish external_step>Ans ");
}

TEST_CASE("in detail the representation says which steps return lists, collect and join; the protocol's does not") {
  auto split = step("split", types<StartEvent>(), {});
  split.returns_in_list = types<Leaf>();
  auto collect = step("collect", types<Leaf>(), types<Ask>());
  collect.input = Input::collect;
  collect.take = 2;
  auto join = step("join", types<Ask, Ans>(), types<StopEvent>());
  join.input = Input::join;
  join.slots = types<Ask, Ans>();
  const auto listed = [](const std::string& json) {
    const auto parsed = *parse_json(json);
    std::string out;
    for (const auto& node : parsed.find("graph")->find("nodes")->as_array())
      if (const auto* input = node.find("input"))
        out += node.find("id")->as_string() + ":" + input->as_string() + (node.find("take") ? to_json(*node.find("take")) : "") + " ";
    for (const auto& edge : parsed.find("graph")->find("edges")->as_array())
      if (edge.find("list")) out += edge.find("source")->as_string() + ">" + edge.find("target")->as_string() + " ";
    return out;
  };
  auto plan = draft({collect, join, split});
  complete(plan);
  CHECK(listed(detailed_representation_json(plan)) == "collect:collect2 join:join split>Leaf ");
  CHECK(listed(representation_json(plan)).empty());
}
