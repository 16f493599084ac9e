// A run as the program that started it sees it.
#pragma once

#include <weir/event.hpp>
#include <weir/store.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir {

/// One published event, as it was written.
struct StreamedEvent {
  std::int64_t sequence = 0;
  Time at;
  EventBox event;

  template <class T>
  const T* as() const noexcept {
    return event.as<T>();
  }
};

namespace detail {
class RunState;
class EventReader;
}  // namespace detail

/// A range over a run's events, once: `for (const auto& event : run.events())`. Blocks until the next event; ends with
/// the run. Each call of Run::events() begins anew.
class EventRange {
public:
  explicit EventRange(std::unique_ptr<detail::EventReader> reader);
  EventRange(EventRange&&) noexcept;
  ~EventRange();

  /// The next event; nothing when the run is over.
  std::optional<StreamedEvent> next();

  struct End {};
  class Iterator {
  public:
    explicit Iterator(EventRange* range) : range_(range), event_(range->next()) {}
    const StreamedEvent& operator*() const { return *event_; }
    const StreamedEvent* operator->() const { return &*event_; }
    Iterator& operator++() {
      event_ = range_->next();
      return *this;
    }
    bool operator==(End) const { return !event_; }

  private:
    EventRange* range_;
    std::optional<StreamedEvent> event_;
  };
  Iterator begin() { return Iterator(this); }
  End end() const { return {}; }

private:
  std::unique_ptr<detail::EventReader> reader_;
};

struct EventOptions {
  std::int64_t after = -1;        ///< begin after this sequence; -1: from the start
  bool include_internal = false;  ///< also what the engine tells about itself
};

struct SendOptions {
  std::string step = {};  ///< only for the step of that name; empty: for every step that takes the event
  /// Refused with Code::conflict, and nothing has changed, when no step, wait or mailbox of the run takes the event now. Only then is
  /// it known that an event that was accepted is not lost.
  bool strict = false;
};

/// Cheap to copy; thread-safe. The Runtime must outlive it. Do not call the blocking functions from a step.
class Run {
public:
  explicit Run(std::shared_ptr<detail::RunState> state) : state_(std::move(state)) {}

  const std::string& handler_id() const;
  const std::string& run_id() const;

  /// Blocks until the run is over.
  HandlerRow wait() const;
  /// The handler as it is now.
  HandlerRow handler() const;
  /// Blocks until the run is over and returns its stop event as a T, or a plain StopEvent's `result` as a T.
  /// Throws RunFailed when the run did not complete or ended with something else.
  template <class T>
  T result() const {
    const EventBox stop = stop_event();
    if constexpr (reflect::Reflectable<T>) {
      if (const T* typed = stop.as<T>()) return *typed;
    }
    if (const auto* plain = stop.as<StopEvent>()) {
      if (auto value = from_value<T>(plain->result)) return std::move(*value);
    }
    wrong_result(stop);
  }

  EventRange events(EventOptions options = {}) const;

  /// Returns when the event is accepted: true when a step, a wait or a mailbox has it, or the run has yet to begin; false when nothing
  /// takes it. Refused with Code::conflict when the run is over, with Code::not_found or Code::invalid_argument when `step` does not
  /// exist or does not take it, with Code::resource_exhausted when its mailbox is full.
  Expected<bool> send_event(EventBox event, const std::string& step = "") const;
  Expected<bool> send_event(EventBox event, const SendOptions& options) const;
  /// The names of the steps whose bodies run at this moment.
  std::vector<std::string> running_steps() const;
  /// The run as a value, now or at its end: StartOptions::context goes on from it. In the protocol's format.
  Object context() const;
  /// 1 for the run that is admitted next; nothing for one that does not wait among its workflow's concurrent runs.
  std::optional<std::size_t> queue_position() const;

  /// Returns when the run has ended; true when this call ended it.
  bool cancel() const;

private:
  EventBox stop_event() const;
  [[noreturn]] static void wrong_result(const EventBox& stop);

  std::shared_ptr<detail::RunState> state_;
};

}  // namespace weir
