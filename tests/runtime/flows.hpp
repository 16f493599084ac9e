// Workflows that the runtime tests run.
#pragma once

#include <weir/weir.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

namespace flows {

using namespace std::chrono_literals;
using weir::Context;
using weir::HandlerStatus;
using weir::Runtime;
using weir::StartEvent;
using weir::StopEvent;
using weir::Task;

struct Topic {
  using kind = weir::StartEvent;
  std::string subject = "tea";
  int count = 3;
};
struct Draft {
  std::string text;
};
struct Note {
  int n;
};
struct Review {
  using kind = weir::InputRequiredEvent;
  std::string text;
};
struct Verdict {
  using kind = weir::HumanResponseEvent;
  bool approved;
  std::string note = "";
};
struct Joke {
  using kind = weir::StopEvent;
  std::string text;
};

struct Greeting : weir::Workflow {
  Greeting() { step<&Greeting::greet>(); }
  Joke greet(weir::Context& ctx, const Topic& topic) {
    for (int i = 0; i < topic.count; ++i) ctx.write_event_to_stream(Note{i});
    return {"Hello, " + topic.subject};
  }
};

struct Tally {
  int rounds = 0;
};

/// Writes, asks, and writes again until a person approves.
struct JokeFlow : weir::Workflow {
  std::atomic<int> model_calls = 0;

  JokeFlow() {
    step<&JokeFlow::write>();
    step<&JokeFlow::judge>();
  }
  weir::Task<Draft> write(weir::Context& ctx, const Topic& topic) {
    auto text = co_await ctx.run_once("draft", [&] { return topic.subject + " #" + std::to_string(++model_calls); });
    co_return Draft{text};
  }
  weir::Task<std::variant<Topic, Joke>> judge(weir::Context& ctx, const Draft& draft) {
    const weir::WaitOptions asking{.publish = Review{draft.text}, .timeout = 24h};
    auto verdict = co_await ctx.wait_for_event<Verdict>(asking);
    ctx.store().edit<Tally>([](Tally& tally) { ++tally.rounds; });
    if (verdict.approved) co_return Joke{draft.text + " in " + std::to_string(ctx.store().get<int>("rounds"))};
    co_return Topic{verdict.note, 1};
  }
};

/// Calls `body` as its only step: for tests of one behaviour.
struct Plain : weir::Workflow {
  std::function<weir::StopEvent(weir::Context&)> body;
  explicit Plain(std::function<weir::StopEvent(weir::Context&)> given) : body(std::move(given)) { step<&Plain::run>(); }
  weir::StopEvent run(weir::Context& ctx, const weir::StartEvent&) { return body(ctx); }
};

struct Blocking : weir::Workflow {
  std::function<weir::StopEvent(weir::Context&)> body;
  explicit Blocking(std::function<weir::StopEvent(weir::Context&)> given) : body(std::move(given)) { step<&Blocking::run>().blocking(); }
  weir::StopEvent run(weir::Context& ctx, const weir::StartEvent&) { return body(ctx); }
};

struct Coroutine : weir::Workflow {
  std::function<weir::Task<weir::StopEvent>(weir::Context&)> body;
  explicit Coroutine(std::function<weir::Task<weir::StopEvent>(weir::Context&)> given, std::optional<weir::Retry> retry = {},
                     std::optional<weir::Duration> limit = {})
      : body(std::move(given)) {
    auto built = step<&Coroutine::run>();
    if (retry) built.retry(*retry);
    if (limit) timeout(*limit);
  }
  weir::Task<weir::StopEvent> run(weir::Context& ctx, const weir::StartEvent&) { return body(ctx); }
};

/// Collects log lines.
struct Log {
  std::mutex mutex;
  std::vector<std::string> lines;
  std::function<void(weir::LogLevel, std::string_view)> sink() {
    return [this](weir::LogLevel, std::string_view text) {
      const std::lock_guard lock(mutex);
      lines.emplace_back(text);
    };
  }
  /// How many lines hold the text.
  std::size_t count(std::string_view text) {
    const std::lock_guard lock(mutex);
    return static_cast<std::size_t>(
        std::count_if(lines.begin(), lines.end(), [&](const std::string& line) { return line.find(text) != line.npos; }));
  }
  bool has(std::string_view text) { return count(text) > 0; }
};

}  // namespace flows
