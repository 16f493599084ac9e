// Tokens of a model, shown while it speaks: from a job on the blocking pool, from a thread of one's own, from a coroutine.
#include <weir/weir.hpp>

#include <functional>
#include <thread>

namespace {

struct Prompt {
  using kind = weir::StartEvent;
  std::string text = "tea";
  int tokens = 1000;
};
struct Token {
  std::string text;
};
struct Heard {
  int tokens;
};
struct Summary {
  int tokens;
};
struct Answer {
  using kind = weir::StopEvent;
  int tokens;
};

/// Stands for a model's library. Blocks, and calls back for each token for as long as it is told to.
int generate(const Prompt& prompt, const std::function<bool(const std::string&)>& token) {
  int said = 0;
  while (said < prompt.tokens && token(prompt.text + std::to_string(said))) ++said;
  return said;
}

struct TokensFlow : weir::Workflow {
  TokensFlow() {
    step<&TokensFlow::speak>();
    step<&TokensFlow::listen>();
    step<&TokensFlow::count>();
  }

  weir::Task<Heard> speak(weir::Context& ctx, const Prompt& prompt) {
    auto speaking = [&] {
      return generate(prompt, [&](const std::string& token) {
        ctx.write_event_to_stream(Token{token});
        return !ctx.stop_token().stop_requested();
      });
    };
    co_return Heard{co_await ctx.blocking(speaking)};
  }

  weir::Task<Summary> listen(weir::Context& ctx, const Heard& heard) {
    const auto writer = ctx.stream_writer();
    auto listening = [writer, heard] {
      int said = 0;
      std::thread library([&] {
        said = generate({"word", heard.tokens}, [&](const std::string& word) { return writer.write(Token{word}); });
      });
      library.join();
      return said;
    };
    co_return Summary{co_await ctx.blocking(listening)};
  }

  weir::Task<Answer> count(weir::Context& ctx, const Summary& summary) {
    for (int i = 0; i < summary.tokens; ++i) {
      ctx.write_event_to_stream(Token{std::to_string(i)});
      co_await ctx.drain_stream();
    }
    co_return Answer{summary.tokens};
  }
};

}  // namespace

int main(int argc, char** argv) {
  weir::WorkflowServer server;
  server.add_workflow("tokens", std::make_shared<TokensFlow>(), {.additional_events = weir::events<Token>()});
  return server.main(argc, argv);
}
