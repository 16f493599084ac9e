// A language model behind an OpenAI-compatible endpoint: chat completions with tools, streamed.
#pragma once

#include <weir/weir.hpp>

#include <curl/curl.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

namespace examples {

struct ModelOptions {
  std::string base_url = "http://127.0.0.1:11434/v1";
  std::string model = "llama3.1";
  std::string api_key = "";
};

/// What the model said: text, or tools it wants called.
struct ModelAnswer {
  std::string text;
  weir::Value::Array tool_calls;  ///< {"id", "function": {"name", "arguments"}}
};

class ChatModel {
public:
  explicit ChatModel(ModelOptions options) : options_(std::move(options)) {}

  /// Blocks until the answer is complete; `on_token` gets its text piece by piece. Throws std::runtime_error.
  ModelAnswer ask(const weir::Value::Array& messages, const weir::Value::Array& tools,
                  const std::function<void(const std::string&)>& on_token) const {
    Reading reading{{}, on_token, {}};
    const weir::Object request{{"model", options_.model}, {"messages", messages}, {"tools", tools}, {"stream", true}};
    const auto status = post(options_.base_url + "/chat/completions", weir::to_json(request), reading);
    if (status != 200) throw std::runtime_error("the model answered " + std::to_string(status) + ": " + reading.buffer.substr(0, 200));
    return std::move(reading.answer);
  }

private:
  struct Reading {
    ModelAnswer answer;
    std::function<void(const std::string&)> on_token;
    std::string buffer;

    /// One "data: {...}" line of the stream.
    void line(std::string_view text) {
      if (!text.starts_with("data: ") || text == "data: [DONE]") return;
      const auto chunk = weir::parse_json(text.substr(6));
      const auto* choices = chunk ? chunk->find("choices") : nullptr;
      if (!choices || choices->as_array().empty()) return;
      const auto* delta = choices->as_array()[0].find("delta");
      if (!delta) return;
      if (const auto* token = delta->find("content"); token && token->is_string()) {
        answer.text += token->as_string();
        on_token(token->as_string());
      }
      if (const auto* calls = delta->find("tool_calls"); calls && calls->is_array())
        for (const auto& call : calls->as_array()) merge(call);
    }

    /// Calls come in pieces: the first has id and name, the others more of the arguments.
    void merge(const weir::Value& piece) {
      const auto* index = piece.find("index");
      const auto place = index && index->is_integer() ? static_cast<std::size_t>(index->as_integer()) : answer.tool_calls.size();
      if (place >= answer.tool_calls.size()) {
        answer.tool_calls.push_back(
            weir::Object{{"id", ""}, {"type", "function"}, {"function", weir::Object{{"name", ""}, {"arguments", ""}}}});
      }
      auto& call = answer.tool_calls.back().as_object();
      if (const auto* id = piece.find("id"); id && id->is_string()) call.set("id", *id);
      if (const auto* function = piece.find("function"))
        for (const auto& [key, value] : function->as_object())
          if (value.is_string()) call["function"].as_object().set(key, call["function"].find(key)->as_string() + value.as_string());
    }
  };

  static std::size_t receive(char* data, std::size_t, std::size_t size, void* user) {
    auto& reading = *static_cast<Reading*>(user);
    reading.buffer.append(data, size);
    for (auto end = reading.buffer.find('\n'); end != std::string::npos; end = reading.buffer.find('\n')) {
      reading.line(std::string_view(reading.buffer).substr(0, end));
      reading.buffer.erase(0, end + 1);
    }
    return size;
  }

  long post(const std::string& url, const std::string& body, Reading& reading) const {
    const std::unique_ptr<CURL, void (*)(CURL*)> easy(curl_easy_init(), &curl_easy_cleanup);
    curl_slist* list = curl_slist_append(nullptr, "Content-Type: application/json");
    if (!options_.api_key.empty()) list = curl_slist_append(list, ("Authorization: Bearer " + options_.api_key).c_str());
    const std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(list, &curl_slist_free_all);
    curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, &receive);
    curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, static_cast<void*>(&reading));
    curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
    if (const auto code = curl_easy_perform(easy.get()); code != CURLE_OK) throw std::runtime_error(url + ": " + curl_easy_strerror(code));
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
  }

  ModelOptions options_;
};

}  // namespace examples
