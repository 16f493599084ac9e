// Runs a workflow in a test: on virtual time, with scripted answers, without threads, server or sleeping. What takes a
// day in production takes no time here, and comes out the same every time.
//
//   weir::testing::WorkflowTest test(std::make_shared<JokeFlow>());
//   test.answer<Question>([](const Question& question) { return Verdict{.approved = question.text.size() > 10}; });
//   const auto run = test.run(Topic{"cats"});
//   CHECK(run.result<Joke>().text == "...");
//   CHECK(run.count<Draft>() == 2);
#pragma once

#include <weir/run.hpp>
#include <weir/workflow.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::testing {

/// A run that has ended, or waits for something that the test does not script.
class TestRun {
public:
  HandlerStatus status = HandlerStatus::running;
  std::string error;                     ///< empty unless failed
  std::vector<StreamedEvent> events;     ///< everything published, the engine's own events among them; `at` is virtual
  std::vector<std::string> waiting_for;  ///< of a run that has not ended: the event types its steps wait for
  NamedStates states;                    ///< what `ctx.store()` held at the end
  Duration elapsed = Duration::zero();   ///< virtual time from start to end

  /// The published events that are exactly an E, in order.
  template <class E>
  std::vector<E> all() const {
    std::vector<E> out;
    for (const auto& entry : events)
      if (const auto* event = entry.as<E>()) out.push_back(*event);
    return out;
  }
  template <class E>
  std::size_t count() const {
    return all<E>().size();
  }
  /// How often each type was published, by wire name; the engine's own types are not counted.
  std::map<std::string, int> type_counts() const;
  /// How often the step's body was started.
  int times_run(std::string_view step) const;

  /// The stop event, or a plain StopEvent's `result`, as a T. Throws RunFailed that says why there is none.
  template <class T>
  T result() const {
    const auto stop = stop_event();
    if constexpr (reflect::Reflectable<T>) {
      if (const T* typed = stop.template as<T>()) return *typed;
    }
    if (const auto* plain = stop.template as<StopEvent>()) {
      if (auto value = from_value<T>(plain->result)) return std::move(*value);
    }
    throw RunFailed("the run ended with another kind of result than the test asks for");
  }
  /// A value of the run's state store, by path.
  template <class T>
  T state(std::string_view path) const {
    const auto main = states.find(std::string());
    return StateStore(main == states.end() ? Object() : main->second).get<T>(path);
  }

private:
  EventBox stop_event() const;
};

/// Not thread-safe. `.blocking()` bodies and ctx.blocking() run on the calling thread; child workflows run on the same
/// virtual clock, their questions are answered by the same scripts.
class WorkflowTest {
public:
  /// Throws WorkflowError when the workflow's graph cannot work.
  template <class W>
  explicit WorkflowTest(std::shared_ptr<W> workflow) : WorkflowTest(std::string(reflect::type_name<W>()), std::move(workflow)) {}
  WorkflowTest(WorkflowTest&&) noexcept;
  ~WorkflowTest();

  /// Whenever a run publishes a Q, `reply(q)` is sent into it `after` that long. The reply is an event, or a std::optional
  /// of one: nothing is sent then.
  template <class Q, class F>
  WorkflowTest& answer(F reply, Duration after = Duration::zero()) {
    return add_answer(
        event_type<Q>(),
        [reply = std::move(reply)](const EventBox& question) -> std::optional<EventBox> {
          auto event = reply(*question.as<Q>());
          if constexpr (codec::is_optional<decltype(event)>) {
            if (!event) return std::nullopt;
            return EventBox(std::move(*event));
          } else {
            return EventBox(std::move(event));
          }
        },
        after);
  }
  /// Sends the event into the run that long after its start.
  WorkflowTest& send_at(Duration after_start, EventBox event);
  WorkflowTest& cancel_at(Duration after_start);
  /// What `ctx.store()` holds when the run starts.
  WorkflowTest& with_state(Object state);

  /// Runs to the end, or until nothing is left to happen. May be called again: runs are independent. Throws
  /// std::runtime_error when the run goes on for more than `ticks_max` ticks.
  TestRun run(EventBox start, std::size_t ticks_max = 1000000);

private:
  using Reply = std::function<std::optional<EventBox>(const EventBox&)>;

  WorkflowTest(std::string class_name, std::shared_ptr<Workflow> workflow);
  WorkflowTest& add_answer(const EventType& question, Reply reply, Duration after);

  struct Script;
  std::unique_ptr<Script> script_;
};

}  // namespace weir::testing
