// The event envelope: one way to write it, many ways to read it (contract, chapter 2).
#include <weir/envelope.hpp>

#include <algorithm>

namespace weir {
namespace {

void write_value(JsonWriter& out, const EventBox& event) {
  out.begin_object();
  event.type().encode(event.body(), event.extras(), out);
  out.end_object();
}

Error refuse(std::string message) { return Error{Code::invalid_argument, std::move(message)}; }

Error cannot_deserialize(const Issues& issues, std::string_view type_name) {
  return refuse("Failed to deserialize event: " + issues.text(type_name));
}

std::string text_member(const Value& object, std::string_view key) {
  const auto* found = object.find(key);
  return found && found->is_string() ? found->as_string() : std::string();
}

std::string unknown_type(std::string_view name, const EventRegistry& registry) {
  std::string known;
  for (const auto* type : registry.all()) known += (known.empty() ? "" : ", ") + type->name;
  return "Invalid event type: " + std::string(name) + ". Expected one of " + known;
}

Expected<EventBox> decode_or_refuse(const EventType& type, const Value& value) {
  auto event = decode_event(type, value);
  if (!event) return refuse("Failed to deserialize event: " + event.error().message);
  return event;
}

bool is_bare(const Value& object) { return (!object.find("qualified_name") || !object.find("type")) && !object.find("value"); }

Expected<EventBox> parse_envelope(const Value& object, const EventRegistry& registry) {
  const auto* value = object.find("value");
  if (!value) value = object.find("data");
  if (!value) {
    Issues issues;
    const Issues::Scope scope(issues, "value");
    issues.add("missing", "Field required", object);
    return cannot_deserialize(issues, "EventEnvelope");
  }
  Issues issues;
  for (const auto* name : {"type", "qualified_name"}) {
    const auto* given = object.find(name);
    std::string ignored;
    const Issues::Scope scope(issues, name);
    if (given && !given->is_null()) codec::decode_string(*given, ignored, issues);
  }
  if (!issues.empty()) return cannot_deserialize(issues, "EventEnvelope");
  std::string complaints;
  const auto complain = [&](const std::string& text) { complaints += (complaints.empty() ? "" : " ") + text; };
  if (const auto name = text_member(object, "type"); !name.empty()) {
    if (const auto* type = registry.by_name(name)) return decode_or_refuse(*type, *value);
    complain(unknown_type(name, registry));
  }
  if (const auto name = text_member(object, "qualified_name"); !name.empty()) {
    if (const auto* type = registry.by_qualified_name(name)) return decode_or_refuse(*type, *value);
    complain(name.find('.') == name.npos ? "Qualified name must be in format 'module.attribute'"
                                         : "Invalid client data. Qualified name " + name + " does not correspond to an Event subclass");
  }
  if (complaints.empty()) complain("Invalid client data. Must have a type or a qualified name, got {event}");
  return refuse(complaints);
}

}  // namespace

void write_envelope(JsonWriter& out, const EventBox& event, bool qualified_name) {
  const auto& type = event.type();
  out.begin_object();
  out.key("value");
  write_value(out, event);
  out.key("qualified_name");
  qualified_name ? out.string(type.qualified_name) : out.null();
  out.key("type");
  out.string(type.name);
  out.key("types");
  if (type.parent) {
    out.begin_array();
    for (const auto* ancestor = type.parent; ancestor; ancestor = ancestor->parent) out.string(ancestor->name);
    out.end_array();
  } else {
    out.null();
  }
  out.end_object();
}

std::string envelope_json(const EventBox& event, bool qualified_name, JsonWriter::Escape escape) {
  std::string out;
  out.reserve(256);
  JsonWriter writer(out, escape);
  write_envelope(writer, event, qualified_name);
  return out;
}

void write_wrapped(JsonWriter& out, const EventBox& event) {
  out.begin_object();
  out.key("__is_pydantic");
  out.boolean(true);
  out.key("value");
  write_value(out, event);
  out.key("qualified_name");
  out.string(event.type().qualified_name);
  out.end_object();
}

void EventRegistry::add(const EventType& type) {
  const auto found = std::find_if(types_.begin(), types_.end(), [&](const auto* known) { return known->name == type.name; });
  if (found == types_.end()) types_.push_back(&type);
  else *found = &type;
}

const EventType* EventRegistry::by_name(std::string_view name) const noexcept {
  for (const auto* type : types_)
    if (type->name == name) return type;
  return nullptr;
}

const EventType* EventRegistry::by_qualified_name(std::string_view name) const noexcept {
  for (const auto* type : types_)
    if (type->qualified_name == name) return type;
  for (const auto* type : {&event_type<Event>(), &event_type<StartEvent>(), &event_type<StopEvent>(), &event_type<InputRequiredEvent>(),
                           &event_type<HumanResponseEvent>(), &event_type<StepFailedEvent>(), &event_type<WorkflowFailedEvent>(),
                           &event_type<WorkflowTimedOutEvent>(), &event_type<WorkflowCancelledEvent>(), &event_type<StepStateChanged>(),
                           &event_type<WorkflowIdleEvent>(), &event_type<UnhandledEvent>(), &event_type<RunBudgetExceeded>()})
    if (type->qualified_name == name) return type;
  return nullptr;
}

Expected<EventBox> decode_event(const EventType& type, const Value& value) {
  Issues issues;
  Object extras;
  auto body = type.decode(value, extras, issues);
  if (!body) return refuse(issues.text(type.name));
  return EventBox(type, std::move(body), extras.empty() ? nullptr : std::make_shared<const Object>(std::move(extras)));
}

Expected<EventBox> parse_event(const Value& input, const EventRegistry& registry, const EventType* explicit_type) {
  if (input.is_string()) {
    auto inner = parse_json(input.as_string(), limits_for_strangers);
    if (inner && inner->is_object()) return parse_event(*inner, registry, explicit_type);
  }
  if (!input.is_object()) return refuse("Failed to deserialize event. Must be a json object, or stringified json object");
  if (explicit_type && is_bare(input)) return decode_or_refuse(*explicit_type, input);
  return parse_envelope(input, registry);
}

EventBox unwrap_event(const Value& wrapped, const EventRegistry& registry) {
  const auto* value = wrapped.find("value");
  const auto name = text_member(wrapped, "qualified_name");
  const auto* type = registry.by_qualified_name(name);
  if (!type) type = find_event_type(name);
  if (value && type)
    if (auto event = decode_event(*type, *value)) return std::move(*event);
  return value && value->is_object() ? EventBox(Event(value->as_object())) : EventBox(Event());
}

}  // namespace weir
