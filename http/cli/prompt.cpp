#include "prompt.hpp"

#include "fields.hpp"

#include <weir/printable.hpp>

#include <iostream>
#include <set>

namespace weir::cli {
namespace {

struct ResponseType {
  std::string name;
  Value schema;
};

std::string text_of(const Value& object, std::string_view key) {
  const auto* found = object.find(key);
  return found && found->is_string() ? found->as_string() : std::string();
}

/// Every event that the workflow's clients may see or send.
std::vector<ResponseType> all_types(const Client& client, const std::string& workflow) {
  std::vector<ResponseType> out;
  for (auto& schema : value_of(client.event_schemas(workflow).get()))
    if (const auto title = text_of(schema, "title"); !title.empty()) out.push_back({title, schema});
  return out;
}

/// The events that may answer. A step that takes one shows it in the graph, with its ancestors. One that awaits it in its body
/// does not: then it is among the events that clients may send and no step declares.
std::vector<ResponseType> response_types(const Client& client, const std::string& workflow, const std::string& prompt) {
  std::vector<ResponseType> out;
  std::set<std::string> declared;
  const auto graph = value_of(client.graph(workflow).get());
  const auto* nodes = graph.find("nodes");
  if (nodes && nodes->is_array())
    for (const auto& node : nodes->as_array()) {
      const auto name = text_of(node, "event_type");
      const auto *types = node.find("event_types"), *schema = node.find("event_schema");
      declared.insert(name);
      if (!types || !types->is_array()) continue;
      for (const auto& type : types->as_array())
        if (type == Value("HumanResponseEvent")) out.push_back({name, schema ? *schema : Value()});
    }
  if (!out.empty()) return out;
  for (auto& type : all_types(client, workflow))
    if (type.name != prompt && !declared.contains(type.name)) out.push_back(std::move(type));
  return out;
}

std::string read_line(const std::string& question) {
  std::cerr << printable(question) << std::flush;
  std::string line;
  if (!std::getline(std::cin, line)) throw std::runtime_error("standard input ended before the answer was complete");
  return line;
}

ResponseType choose(const std::vector<ResponseType>& types) {
  if (types.size() == 1) return types.front();
  while (true) {
    for (std::size_t i = 0; i < types.size(); ++i) std::cerr << "  " << i + 1 << ") " << printable(types[i].name) << '\n';
    const auto line = read_line("Which event answers it? ");
    for (std::size_t i = 0; i < types.size(); ++i)
      if (line == types[i].name || line == std::to_string(i + 1)) return types[i];
    std::cerr << "weir: '" << printable(line) << "' is none of them\n";
  }
}

ResponseType response_type(const Client& client, const RemoteHandler& handler, const std::string& prompt, const std::string& wanted) {
  if (wanted.empty()) {
    const auto types = response_types(client, handler.workflow_name, prompt);
    if (!types.empty()) return choose(types);
    throw std::runtime_error("workflow '" + handler.workflow_name + "' does not say which event answers: name it with --type");
  }
  for (auto& type : all_types(client, handler.workflow_name))
    if (type.name == wanted) return type;
  return {wanted, Value()};
}

bool required(const Value& schema, const std::string& name) {
  const auto* names = schema.find("required");
  if (!names || !names->is_array()) return false;
  for (const auto& entry : names->as_array())
    if (entry == Value(name)) return true;
  return false;
}

/// Asks until there is an answer, or an empty line where the field has a default.
void ask_for(const Value& schema, const std::string& name, Object& fields) {
  const auto property = property_of(schema, name);
  const bool must = required(schema, name);
  std::string question = name;
  if (const auto* description = property.find("description"); description && description->is_string())
    question += " (" + description->as_string() + ")";
  const auto* type = property.find("type");
  const bool yes_or_no = type && *type == Value("boolean");
  if (yes_or_no) question += " [y/n]";
  if (const auto* fallback = property.find("default")) question += " [" + to_json(*fallback) + "]";
  question += ": ";
  while (true) {
    auto line = read_line(question);
    if (line.empty() && !must) return;
    if (line.empty()) continue;
    if (yes_or_no && (line == "y" || line == "yes")) line = "true";
    if (yes_or_no && (line == "n" || line == "no")) line = "false";
    fields.set(name, parse_value(line, property));
    return;
  }
}

}  // namespace

namespace {

Object fields_of(const ResponseType& type, const Answer& answer) {
  auto fields = parse_fields(answer.fields, type.schema);
  if (const auto* properties = type.schema.find("properties"); properties && properties->is_object())
    for (const auto& [name, property] : properties->as_object())
      if (!fields.find(name)) ask_for(type.schema, name, fields);
  return fields;
}

}  // namespace

RemoteEvent answer_prompt(const Client& client, const RemoteHandler& handler, const RemoteEvent& prompt, const Answer& answer) {
  if (!answer.is_shown) std::cerr << printable(prompt.type + " " + to_json(prompt.value)) << '\n';
  const auto type = response_type(client, handler, prompt.type, answer.type);
  while (true) {
    auto fields = fields_of(type, answer);
    const auto sent = client.send_event(handler.handler_id, type.name, fields, answer.step).get();
    // What was given on the command line would be wrong again; who types may try once more.
    const bool asked_again = !sent && sent.error().code == Code::invalid_argument && answer.fields.empty();
    if (asked_again) {
      std::cerr << "weir: " << printable(sent.error().message) << "; once more:\n";
      continue;
    }
    if (!value_of(sent)) std::cerr << "weir: nothing in the run has taken the answer: was the question answered before?\n";
    RemoteEvent out;
    out.type = type.name;
    out.value = std::move(fields);
    return out;
  }
}

void OpenPrompt::see(const RemoteEvent& event) {
  idle_ = event.type == "WorkflowIdleEvent";
  if (event.is("InputRequiredEvent")) asked_ = event;
}

bool OpenPrompt::waits(const EventStream& stream) const {
  return asked_ && !stream.ready_within(std::chrono::milliseconds(idle_ ? 100 : 2000));
}

RemoteEvent OpenPrompt::take() {
  auto out = std::move(*asked_);
  asked_.reset();
  return out;
}

RemoteEvent find_prompt(const Client& client, const std::string& handler_id) {
  auto stream = client.events(handler_id, {.include_internal = true});
  OpenPrompt prompt;
  while (!prompt.waits(stream)) {
    const auto event = stream.next();
    if (const auto error = stream.error()) throw RemoteError(*error);
    if (!event || event->terminal()) throw std::runtime_error("handler '" + handler_id + "' is over: nothing waits for an answer");
    prompt.see(*event);
  }
  return prompt.take();
}

}  // namespace weir::cli
