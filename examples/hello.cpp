#include <weir/weir.hpp>

struct Topic    { using kind = weir::StartEvent; std::string subject; };
struct Draft    { std::string text; };
struct Question { using kind = weir::InputRequiredEvent; std::string text; };
struct Verdict  { using kind = weir::HumanResponseEvent; bool approved; };
struct Joke     { using kind = weir::StopEvent; std::string text; };

struct JokeFlow : weir::Workflow {
  JokeFlow() { step<&JokeFlow::write>(); step<&JokeFlow::judge>(); }

  Draft write(const Topic& topic) { return {"A " + topic.subject + " walks into a bar."}; }

  weir::Task<std::variant<Topic, Joke>> judge(weir::Context& ctx, const Draft& draft) {
    const weir::WaitOptions asking{.publish = Question{draft.text + " Good?"}};
    auto verdict = co_await ctx.wait_for_event<Verdict>(asking);  // holds no thread
    if (verdict.approved) co_return Joke{draft.text};
    co_return Topic{"better joke"};
  }
};

int main(int argc, char** argv) {
  weir::WorkflowServer server;
  server.add_workflow("joke", std::make_shared<JokeFlow>(), {.additional_events = weir::events<Question, Verdict>()});
  return server.main(argc, argv);
}
