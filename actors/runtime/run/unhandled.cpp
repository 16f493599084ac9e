#include "unhandled.hpp"

namespace weir::runtime {
namespace {

Object described(const engine::PublishEvent& told, std::int64_t sequence, Time at) {
  const auto* event = told.event.as<UnhandledEvent>();
  const auto value = told.about->value();
  const auto bytes = to_json(value).size();
  return {{"event_type", event->event_type},
          {"step", event->step_name ? Value(*event->step_name) : Value()},
          {"value", bytes <= unhandled_value_bytes_max ? value : Value()},
          {"value_bytes", static_cast<std::int64_t>(bytes)},
          {"at", codec::time_text(at)},
          {"sequence", sequence}};
}

}  // namespace

std::string with_unhandled(const std::string& known, const engine::PublishEvent& told, std::int64_t sequence, Time at) {
  Value::Array newest{Value(described(told, sequence, at))};
  std::int64_t count = 1;
  const auto before = known.empty() ? Expected<Value>(Value(Object())) : parse_json(known);
  if (before) {
    if (const auto* counted = before->find("count"); counted && counted->is_integer()) count += counted->as_integer();
    if (const auto* earlier = before->find("newest"); earlier && earlier->is_array())
      for (const auto& one : earlier->as_array())
        if (newest.size() < unhandled_events_max) newest.push_back(one);
  }
  return to_json(Value(Object{{"count", count}, {"newest", std::move(newest)}}));
}

}  // namespace weir::runtime
