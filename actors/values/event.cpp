// EventBox and the built-in events whose bodies hold free keys.
#include <weir/envelope.hpp>
#include <weir/event.hpp>

#include <algorithm>
#include <stdexcept>

namespace weir {

EventBox EventBox::upcast(const EventType& ancestor) const {
  if (type_->same_as(ancestor)) return *this;
  auto decoded = decode_event(ancestor, value());
  return decoded ? std::move(*decoded) : *this;
}

Value EventBox::value() const {
  std::string text;
  JsonWriter writer(text, JsonWriter::Escape::minimal, JsonWriter::NonFinite::text);
  writer.begin_object();
  type_->encode(body_.get(), extras_.get(), writer);
  writer.end_object();
  return *parse_json(text);
}

Value EventBox::field(std::string_view name) const {
  const auto whole = value();
  if (const auto* found = whole.find(name)) return *found;
  const auto* free_keys = whole.find("_data");
  const auto* found = free_keys ? free_keys->find(name) : nullptr;
  return found ? *found : Value();
}

const Value& DynamicEvent::required(std::string_view key) const {
  if (const auto* found = fields_.find(key)) return *found;
  refuse(key, "it is missing");
}

void DynamicEvent::refuse(std::string_view key, const std::string& why) {
  throw std::invalid_argument("event field '" + std::string(key) + "': " + why);
}

namespace codec {

template <>
void encode(JsonWriter& out, const WrappedEvent& value) {
  if (value.event) write_wrapped(out, value.event);
  else out.null();
}

template <>
bool decode(const Value& in, WrappedEvent& out, Issues&) {
  out.event = unwrap_event(in, EventRegistry());
  return true;
}

void write_extras(const Object* extras, JsonWriter& out) {
  if (!extras || extras->empty()) return;
  out.key("_data");
  out.value(*extras);
}

bool collect_extras(const Value& object, const std::string_view* members, std::size_t count, Object& extras, Issues& issues) {
  if (const auto* data = object.find("_data"); data && !data->is_null()) {
    const Issues::Scope scope(issues, "_data");
    if (!expect_object(*data, "", true, issues)) return false;
    extras = data->as_object();
  }
  for (const auto& [key, value] : object.as_object())
    if (key != "_data" && std::find(members, members + count, key) == members + count) extras.set(key, value);
  return true;
}

EventType make_event_type(std::string_view name, std::string qualified_name, const EventType* parent, Kind kind) {
  EventType type;
  type.name = name;
  type.class_text = "<class '" + qualified_name + "'>";
  type.qualified_name = std::move(qualified_name);
  type.parent = parent;
  type.kind = kind;
  return type;
}

Value builtin_schema(std::string_view name) {
  std::string_view description = "An event with free keys.";
  if (name == "StartEvent") description = "Starts a run. Its keys are the run's input.";
  if (name == "StopEvent") description = "Ends a run. `result` is what the run returns.";
  if (name == "InputRequiredEvent") description = "Asks a person for input; published to the stream.";
  if (name == "HumanResponseEvent") description = "Carries a person's answer into the run.";
  return object_schema(name, description, Object(), {});
}

namespace {

void encode_dynamic(const void* body, const Object*, JsonWriter& out) {
  write_extras(&static_cast<const DynamicEvent*>(body)->fields(), out);
}

template <class T>
std::shared_ptr<const void> decode_dynamic(const Value& object, Object&, Issues& issues) {
  if (!expect_object(object, reflect::type_name<T>(), false, issues)) return nullptr;
  Object fields;
  if (!collect_extras(object, nullptr, 0, fields, issues)) return nullptr;
  return std::make_shared<const T>(std::move(fields));
}

void encode_stop(const void* body, const Object*, JsonWriter& out) {
  const auto& result = static_cast<const StopEvent*>(body)->result;
  if (result.is_null()) return;
  out.key("result");
  out.value(result);
}

std::shared_ptr<const void> decode_stop(const Value& object, Object& extras, Issues& issues) {
  if (!expect_object(object, "StopEvent", false, issues)) return nullptr;
  auto out = std::make_shared<StopEvent>();
  if (const auto* result = object.find("result")) out->result = *result;
  constexpr std::string_view members[] = {"result"};
  if (!collect_extras(object, members, 1, extras, issues)) return nullptr;
  return out;
}

template <class T>
Value schema_of_builtin() {
  return builtin_schema(reflect::type_name<T>());
}

template <class T>
EventType dynamic_type(Kind kind) {
  auto type = make_event_type(reflect::type_name<T>(), qualified_name_of<T>(), nullptr, kind);
  type.dynamic = true;
  type.encode = &encode_dynamic;
  type.decode = &decode_dynamic<T>;
  type.schema = &schema_of_builtin<T>;
  return type;
}

}  // namespace

template <>
EventType describe_event<Event>() {
  return dynamic_type<Event>(Kind::event);
}
template <>
EventType describe_event<StartEvent>() {
  return dynamic_type<StartEvent>(Kind::start);
}
template <>
EventType describe_event<InputRequiredEvent>() {
  return dynamic_type<InputRequiredEvent>(Kind::input_required);
}
template <>
EventType describe_event<HumanResponseEvent>() {
  return dynamic_type<HumanResponseEvent>(Kind::human_response);
}
template <>
EventType describe_event<StopEvent>() {
  auto type = make_event_type("StopEvent", qualified_name_of<StopEvent>(), nullptr, Kind::stop);
  type.encode = &encode_stop;
  type.decode = &decode_stop;
  type.schema = &schema_of_builtin<StopEvent>;
  return type;
}

}  // namespace codec
}  // namespace weir
