// The vocabulary of what is stored: events, steps and invocations as JSON, by their wire names, so that another build of
// the same workflow can read them. What the workflow does not have is told once, in words.
#pragma once

#include "actors/engine/model/tick.hpp"
#include "actors/values/json_access.hpp"

#include <weir/error.hpp>

#include <optional>
#include <string>
#include <vector>

namespace weir::engine {

Value write_duration(const std::optional<Duration>& duration);  ///< microseconds, or null
Value write_time(const std::optional<Time>& time);              ///< microseconds since 1970, or null
Object write_named(const EventBox& event);
Value::Array write_named(const std::vector<EventBox>& events);
Object write_named(const Plan& plan, const Sent& sent);
Value::Array write_named(const Plan& plan, const std::vector<Sent>& all);

Object write_edits(const Edits& edits);
/// What is as it is by default is left out.
Object write_limits(const Plan& plan, const Limits& limits);

Edits read_edits(const Value& saved);
std::optional<Duration> read_duration(const Value& saved);
std::optional<Time> read_time(const Value& saved);
std::uint64_t read_number(const Value& saved);

/// An event that was read by itself, with the events inside it as the workflow knows them: a StepFailedEvent's input.
EventBox with_known_input(const Plan& plan, EventBox event, const Value& value);

/// Goes on after a problem with defaults; the first problem is what is told.
class NamedReader {
public:
  explicit NamedReader(const Plan& plan) : plan_(plan) {}

protected:
  void complain(const std::string& why) {
    if (problem_.empty()) problem_ = why;
  }
  StepIndex step(const Value& name);
  const EventType* type(const std::string& qualified_name);
  EventBox event(const Value& saved);
  std::vector<EventBox> events(const Value& saved);
  Sent sent(const Value& saved);
  Limits limits(const Value& saved);
  std::vector<Sent> all_sent(const Value& saved);

  const Plan& plan_;
  std::string problem_;
};

}  // namespace weir::engine
