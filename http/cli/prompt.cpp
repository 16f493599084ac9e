#include "prompt.hpp"

#include "fields.hpp"

#include <weir/printable.hpp>

#include <algorithm>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <set>

namespace weir::cli {
namespace {

struct ResponseType {
  std::string name;
  Value schema;
};
/// Types by name, each with its ancestors.
using Lineages = std::map<std::string, std::set<std::string>>;

/// Every event that the workflow's clients may see or send.
std::vector<ResponseType> all_types(const Client& client, const std::string& workflow) {
  std::vector<ResponseType> out;
  for (auto& schema : value_of(client.event_schemas(workflow).get()))
    if (const auto title = text_of(schema, "title"); !title.empty()) out.push_back({title, schema});
  return out;
}

/// Of the events that steps take or return.
Lineages declared(const Client& client, const std::string& workflow) {
  Lineages out;
  const auto graph = value_of(client.graph(workflow).get());
  const auto* nodes = graph.find("nodes");
  if (!nodes || !nodes->is_array()) return out;
  for (const auto& node : nodes->as_array()) {
    const auto* types = node.find("event_types");
    if (!types || !types->is_array()) continue;
    auto& lineage = out[text_of(node, "event_type")];
    for (const auto& type : types->as_array())
      if (type.is_string()) lineage.insert(type.as_string());
  }
  return out;
}

std::vector<ResponseType> those_of(const std::vector<ResponseType>& types, const std::function<bool(const std::string&)>& wanted) {
  std::vector<ResponseType> out;
  std::copy_if(types.begin(), types.end(), std::back_inserter(out), [&](const auto& type) { return wanted(type.name); });
  return out;
}

/// The events that may answer: those that the run waits for, and what descends from them. Of a run that does not say what it waits for,
/// those that steps take from people; without any, what no step declares: bodies may await it.
std::vector<ResponseType> response_types(const Client& client, const RemoteHandler& handler, const std::string& prompt) {
  const auto types = all_types(client, handler.workflow_name);
  const auto lineages = declared(client, handler.workflow_name);
  const auto descends = [&](const std::string& type, const std::string& from) {
    const auto found = lineages.find(type);
    return found != lineages.end() && found->second.contains(from);
  };
  const auto& waits = handler.waiting_for;
  const auto awaited = those_of(types, [&](const std::string& type) {
    return std::any_of(waits.begin(), waits.end(), [&](const auto& wait) { return wait.type == type || descends(type, wait.type); });
  });
  if (!awaited.empty()) return awaited;
  const auto from_people = those_of(types, [&](const std::string& type) { return descends(type, "HumanResponseEvent"); });
  if (!from_people.empty()) return from_people;
  return those_of(types, [&](const std::string& type) { return type != prompt && !lineages.contains(type); });
}

/// What the answer must carry so that it answers this question and no other: of several waits for the type, that one's which requires what
/// the question says of itself.
Object requirements(const RemoteHandler& handler, const std::string& type, const RemoteEvent& prompt) {
  std::vector<const RemoteWait*> waits;
  for (const auto& wait : handler.waiting_for)
    if (wait.type == type) waits.push_back(&wait);
  if (waits.size() == 1) return waits.front()->requirements;
  const auto says_all = [&](const RemoteWait* wait) {
    return std::all_of(wait->requirements.begin(), wait->requirements.end(), [&](const auto& field) {
      const auto* said = prompt.value.find(field.first);
      return said && *said == field.second;
    });
  };
  const auto found = std::find_if(waits.begin(), waits.end(), says_all);
  return found == waits.end() ? Object() : (*found)->requirements;
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
    const auto types = response_types(client, handler, prompt);
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

Object fields_of(const ResponseType& type, const Answer& answer, const Object& required) {
  auto fields = parse_fields(answer.fields, type.schema);
  for (const auto& [name, value] : required) {
    if (fields.find(name)) continue;
    std::cerr << printable(name + ": " + to_json(value) + " (as the question requires)") << '\n';
    fields.set(name, value);
  }
  if (const auto* properties = type.schema.find("properties"); properties && properties->is_object())
    for (const auto& [name, property] : properties->as_object())
      if (!fields.find(name)) ask_for(type.schema, name, fields);
  return fields;
}

}  // namespace

RemoteEvent answer_prompt(const Client& client, const std::string& handler_id, const RemoteEvent& prompt, const Answer& answer) {
  const auto handler = value_of(client.handler_detail(handler_id).get());  // what it waits for now, not when the answer is complete
  if (!answer.is_shown) std::cerr << printable(prompt.type + " " + to_json(prompt.value)) << '\n';
  const auto type = response_type(client, handler, prompt.type, answer.type);
  const auto required = requirements(handler, type.name, prompt);
  while (true) {
    auto fields = fields_of(type, answer, required);
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
