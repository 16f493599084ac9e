// A loop with a person in it: write a draft, ask for a verdict, write again until it is liked.
#pragma once

#include <weir/weir.hpp>

namespace examples {

struct Topic {
  using kind = weir::StartEvent;
  std::string subject;
};
struct Draft {
  std::string text;
};
struct Question {
  using kind = weir::InputRequiredEvent;
  std::string text;
};
struct Verdict {
  using kind = weir::HumanResponseEvent;
  bool approved;
  std::string note = "something else";
};
struct Joke {
  using kind = weir::StopEvent;
  std::string text;
  int rounds;
};
struct Tally {
  int rounds = 0;
};

struct JokeFlow : weir::Workflow {
  JokeFlow() {
    using namespace std::chrono_literals;
    step<&JokeFlow::write>().retry({.max_attempts = 5, .initial = 1s});
    step<&JokeFlow::judge>().num_workers(2);
    timeout(1h);
    description("Writes a joke, asks a person for a verdict, and writes another until one is approved.");
  }

  weir::Task<Draft> write(weir::Context& ctx, const Topic& topic) {
    auto text = co_await ctx.run_once("draft", [&] { return call_model(topic.subject); });
    ctx.write_event_to_stream(Draft{text});
    co_return Draft{text};
  }

  weir::Task<std::variant<Topic, Joke>> judge(weir::Context& ctx, const Draft& draft) {
    const weir::WaitOptions asking{.publish = Question{draft.text}, .timeout = std::chrono::hours(24)};
    auto verdict = co_await ctx.wait_for_event<Verdict>(asking);
    int rounds = 0;
    ctx.store().edit<Tally>([&](Tally& tally) { rounds = ++tally.rounds; });
    if (verdict.approved) co_return Joke{draft.text, rounds};
    co_return Topic{verdict.note};
  }

private:
  /// Stands for a call of a language model.
  static std::string call_model(const std::string& subject) {
    return "Why did the " + subject + " cross the road? To get to the other side.";
  }
};

}  // namespace examples
