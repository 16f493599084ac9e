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

Object write_edits(const Edits& edits) {
  Object out;
  for (const auto& [store, runs] : edits) out.set(store, Value::Array(runs.begin(), runs.end()));
  return out;
}

Object write_limits(const Plan& plan, const Limits& limits) {
  Object out, steps;
  for (std::size_t i = 0; i < limits.steps.size(); ++i) {
    const auto& step = limits.steps[i];
    if (step != StepLimits())
      steps.set(plan.steps[i].name, Value::Array{step.num_workers, write_duration(step.timeout), step.max_recoveries});
  }
  if (limits.queues) out.set("queues", true);
  if (limits.ends_stuck) out.set("ends_stuck", true);
  if (limits.timeout) out.set("timeout", write_duration(limits.timeout));
  if (!steps.empty()) out.set("steps", std::move(steps));
  Value::Array mailboxes;
  for (const auto& [type, events_max] : limits.mailboxes) mailboxes.emplace_back(Value::Array{type, events_max});
  if (!mailboxes.empty()) out.set("mailboxes", std::move(mailboxes));
  return out;
}

Edits read_edits(const Value& saved) {
  Edits out;
  for (const auto& [store, runs] : members(saved))
    for (const auto& run : items(runs)) out[store].push_back(static_cast<std::uint32_t>(integer_of(run)));
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

Limits NamedReader::limits(const Value& saved) {
  Limits out{.queues = member(saved, "queues").truthy(),
             .ends_stuck = member(saved, "ends_stuck").truthy(),
             .timeout = read_duration(member(saved, "timeout"))};
  out.steps.resize(plan_.steps.size());
  for (const auto& [name, written] : members(member(saved, "steps")))
    if (const auto& row = items(written); row.size() == 3)
      out.steps[step(Value(name))] = {.num_workers = static_cast<std::uint32_t>(integer_of(row[0])),
                                      .timeout = read_duration(row[1]),
                                      .max_recoveries = static_cast<std::uint32_t>(integer_of(row[2]))};
  for (const auto& mailbox : items(member(saved, "mailboxes")))
    if (const auto& row = items(mailbox); row.size() == 2)
      out.mailboxes.push_back({text_of(row[0]), static_cast<std::uint32_t>(integer_of(row[1]))});
  return out;
}

std::vector<Sent> NamedReader::all_sent(const Value& saved) {
  std::vector<Sent> out;
  for (const auto& item : items(saved)) out.push_back(sent(item));
  return out;
}

}  // namespace weir::engine
