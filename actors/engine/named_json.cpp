#include "named_json.hpp"

#include <weir/envelope.hpp>

namespace weir::engine {

Value write_duration(const std::optional<Duration>& duration) {
  return duration ? Value(static_cast<std::int64_t>(duration->count())) : Value();
}
Value write_time(const std::optional<Time>& time) { return time ? write_duration(time->time_since_epoch()) : Value(); }

Object write_named(const EventBox& event) { return {{"type", event.type().qualified_name}, {"value", event.value()}}; }
Value::Array write_named(const std::vector<EventBox>& events) {
  Value::Array out;
  for (const auto& event : events) out.emplace_back(write_named(event));
  return out;
}
Object write_named(const Plan& plan, const Sent& sent) {
  return {{"event", write_named(sent.event)}, {"target", sent.target ? Value(plan.steps[*sent.target].name) : Value()}};
}
Value::Array write_named(const Plan& plan, const std::vector<Sent>& all) {
  Value::Array out;
  for (const auto& one : all) out.emplace_back(write_named(plan, one));
  return out;
}

std::optional<Duration> read_duration(const Value& saved) {
  return saved.is_integer() ? std::optional(Duration(saved.as_integer())) : std::nullopt;
}
std::optional<Time> read_time(const Value& saved) {
  const auto since = read_duration(saved);
  return since ? std::optional(Time(*since)) : std::nullopt;
}
std::uint64_t read_number(const Value& saved) { return static_cast<std::uint64_t>(integer_of(saved)); }

EventBox with_known_input(const Plan& plan, EventBox event, const Value& value) {
  const auto* failed = event.as<StepFailedEvent>();
  const auto& input = member(value, "input_event");
  const auto* type = failed ? plan.registry.by_qualified_name(text_of(member(input, "qualified_name"))) : nullptr;
  auto decoded = type ? decode_event(*type, member(input, "value")) : Error{Code::not_found, ""};
  if (!decoded) return event;
  auto out = *failed;
  out.input_event.event = std::move(*decoded);
  return out;
}

StepIndex NamedReader::step(const Value& name) {
  if (const auto found = find_step(plan_, text_of(name))) return *found;
  complain("the workflow has no step '" + text_of(name) + "'");
  return 0;
}

const EventType* NamedReader::type(const std::string& qualified_name) {
  if (const auto* known = plan_.registry.by_qualified_name(qualified_name)) return known;
  // What steps only await or publish is not part of the graph.
  if (const auto* mentioned = find_event_type(qualified_name)) return mentioned;
  complain("this program knows no event type '" + qualified_name + "': it was recorded by another build");
  return &event_type<Event>();
}

EventBox NamedReader::event(const Value& saved) {
  auto decoded = decode_event(*type(text_of(member(saved, "type"))), member(saved, "value"));
  if (decoded) return with_known_input(plan_, std::move(*decoded), member(saved, "value"));
  complain(decoded.error().message);
  return Event();
}

std::vector<EventBox> NamedReader::events(const Value& saved) {
  std::vector<EventBox> out;
  for (const auto& item : items(saved)) out.push_back(event(item));
  return out;
}

Sent NamedReader::sent(const Value& saved) {
  const auto& target = member(saved, "target");
  return {event(member(saved, "event")), target.is_null() ? std::nullopt : std::optional(step(target))};
}

std::vector<Sent> NamedReader::all_sent(const Value& saved) {
  std::vector<Sent> out;
  for (const auto& item : items(saved)) out.push_back(sent(item));
  return out;
}

}  // namespace weir::engine
