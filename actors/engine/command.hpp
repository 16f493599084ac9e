// What the engine wants done. Commands are executed after the tick that caused them is durable.
#pragma once

#include "tick.hpp"

#include <variant>

namespace weir::engine {

/// An event a repeated or resumed body is given at once instead of waiting.
struct Answer {
  std::string waiter_id;
  std::optional<EventBox> event;  ///< empty: the wait timed out
};

/// Everything a body needs to run.
struct RunStep {
  InvocationId id;
  EventBox event;
  std::shared_ptr<const Release> release;
  WorkItem work_item = 0;
  std::uint32_t failures = 0;
  Time first_attempt_at;
  std::optional<Failure> last_failure;
  Snapshot collected;
  std::vector<Answer> answers;
  std::map<std::string, std::string> recorded;
};

struct PublishEvent {
  EventBox event;
};

struct SetTimer {
  Time due;
  TimerTick tick;  ///< what to feed back when the time has come
};

/// A run_once result is recorded: its body may go on.
struct AcknowledgeValue {
  InvocationId id;
  std::string name;
};

/// The run is over; the last published event is its terminal event.
struct FinishRun {
  Status status;
  EventBox terminal;
  std::string error;  ///< empty unless failed
};

using Command = std::variant<RunStep, PublishEvent, SetTimer, AcknowledgeValue, FinishRun>;

}  // namespace weir::engine
