// A research agent: the model may look things up in a folder of notes, several at once, until it can answer.
#pragma once

#include "chat_model.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace examples {

struct Inquiry {
  using kind = weir::StartEvent;
  std::string text;
};
/// The model's turn; the conversation is in the run's state.
struct AskModel {};
struct Token {
  std::string text;
};
struct LookUp {
  std::string call_id;
  std::string topic;
};
struct Found {
  std::string call_id;
  std::string text;
};
struct Researched {
  using kind = weir::StopEvent;
  std::string text;
  int look_ups;
};

struct ResearchAgent : weir::Workflow {
  ResearchAgent(ModelOptions model, std::string notes) : model_(std::move(model)), notes_(std::move(notes)) {
    using namespace std::chrono_literals;
    step<&ResearchAgent::begin>();
    step<&ResearchAgent::think>().blocking().retry({.max_attempts = 3, .initial = 1s});
    step<&ResearchAgent::look_up>().blocking().num_workers(4);
    step<&ResearchAgent::remember>();
    timeout(10min);
    description("Answers a question with what it finds in a folder of notes.");
  }

  AskModel begin(weir::Context& ctx, const Inquiry& inquiry) {
    const weir::Value::Array messages{message("system", "Answer with the notes. Look a topic up before you answer."),
                                      message("user", inquiry.text)};
    ctx.store().set("messages", weir::Value(messages));
    return {};
  }

  std::variant<std::vector<LookUp>, Researched> think(weir::Context& ctx, const AskModel&) {
    auto messages = ctx.store().get<weir::Value>("messages").as_array();
    const auto answer = model_.ask(messages, tools(), [&](const std::string& token) { ctx.write_event_to_stream(Token{token}); });
    if (answer.tool_calls.empty()) return Researched{answer.text, ctx.store().get("look_ups", 0)};
    messages.push_back(weir::Object{{"role", "assistant"}, {"content", answer.text}, {"tool_calls", answer.tool_calls}});
    ctx.store().set("messages", weir::Value(messages));
    std::vector<LookUp> out;
    for (const auto& call : answer.tool_calls) {
      const auto arguments = weir::parse_json(call.find("function")->find("arguments")->as_string());
      const auto* topic = arguments ? arguments->find("topic") : nullptr;
      out.push_back({call.find("id")->as_string(), topic && topic->is_string() ? topic->as_string() : ""});
    }
    return out;
  }

  Found look_up(weir::Context& ctx, const LookUp& wanted) {
    ctx.write_event_to_stream(wanted);
    const auto name = std::filesystem::path(wanted.topic).filename();  // never outside the folder
    std::ifstream file(std::filesystem::path(notes_) / (name.string() + ".txt"));
    if (!file) return {wanted.call_id, "There is no note about " + wanted.topic};
    return {wanted.call_id, std::string(std::istreambuf_iterator<char>(file), {})};
  }

  AskModel remember(weir::Context& ctx, const std::vector<Found>& all) {
    auto messages = ctx.store().get<weir::Value>("messages").as_array();
    for (const auto& found : all)
      messages.push_back(weir::Object{{"role", "tool"}, {"tool_call_id", found.call_id}, {"content", found.text}});
    ctx.store().set("messages", weir::Value(messages));
    ctx.store().set("look_ups", ctx.store().get("look_ups", 0) + static_cast<int>(all.size()));
    return {};
  }

private:
  static weir::Object message(const char* role, const std::string& content) { return {{"role", role}, {"content", content}}; }

  static weir::Value::Array tools() {
    static const auto described = weir::parse_json(R"([{"type": "function", "function": {
      "name": "look_up", "description": "Reads the note about a topic",
      "parameters": {"type": "object", "properties": {"topic": {"type": "string"}}, "required": ["topic"]}}}])");
    return described->as_array();
  }

  ChatModel model_;
  std::string notes_;
};

}  // namespace examples
