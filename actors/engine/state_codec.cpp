#include "state_codec.hpp"

#include "named_json.hpp"
#include "reduce.hpp"

#include <algorithm>
#include <charconv>

namespace weir::engine {
namespace {

class StateWriter {
public:
  StateWriter(const Plan& plan, const State& state) : plan_(plan), state_(state) {}

  Object write() const {
    Object steps;
    Value::Array streams;
    for (StepIndex step = 0; step < state_.steps.size(); ++step)
      if (auto written = write(state_.steps[step]); !written.empty()) steps.set(name(step), std::move(written));
    for (const auto& [id, stream] : state_.streams) streams.emplace_back(write(id, stream));
    return {{"started", state_.started},
            {"queued", state_.queued},
            {"held", write_named(plan_, state_.held)},
            {"deadline", write_time(state_.deadline)},
            {"last", Value::Array{state_.work_item_last, state_.stream_last, state_.serial_last, state_.span_last}},
            {"steps", std::move(steps)},
            {"streams", std::move(streams)}};
  }

private:
  const std::string& name(StepIndex step) const { return plan_.steps[step].name; }

  /// What is empty is left out: most of a state is.
  static void add(Object& out, const char* key, Value value) {
    if (value.truthy()) out.set(key, std::move(value));
  }

  Object write(const StepState& step) const {
    Value::Array queue, running, waiters, arrivals;
    for (const auto& attempt : step.queue) queue.emplace_back(write(attempt));
    for (const auto& [slot, invocation] : step.running)
      running.emplace_back(Object{{"slot", slot},
                                  {"serial", invocation.serial},
                                  {"attempt", write(invocation.attempt)},
                                  {"collected", seen(invocation.collected, step.collected)},
                                  {"deadline", write_time(invocation.deadline)}});
    for (const auto& waiter : step.waiters) waiters.emplace_back(write(waiter));
    for (const auto& [type, waiting] : step.arrivals)
      for (const auto& arrival : waiting) arrivals.emplace_back(Object{{"order", arrival.order}, {"event", write_named(arrival.event)}});
    Object collected, recorded, out;
    for (const auto& [item, values] : step.recorded) {
      Object by_name;
      for (const auto& [name, json] : values) by_name.set(name, json);
      recorded.set(std::to_string(item), std::move(by_name));
    }
    for (const auto& [buffer, events] : step.collected) collected.set(buffer, write_named(contents(events)));
    add(out, "queue", std::move(queue));
    add(out, "running", std::move(running));
    add(out, "waiters", std::move(waiters));
    add(out, "arrivals", std::move(arrivals));
    add(out, "collected", std::move(collected));
    add(out, "recorded", std::move(recorded));
    return out;
  }

  /// A buffer that an invocation saw is mostly the beginning of what is there now: then its length says it.
  static Object seen(const Snapshot& snapshot, const Snapshot& present) {
    Object out;
    for (const auto& [name, buffer] : snapshot) {
      const auto length = length_inside(buffer, present, name);
      out.set(name, length ? Value(*length) : Value(write_named(contents(buffer))));
    }
    return out;
  }
  static std::optional<std::size_t> length_inside(const BufferPtr& part, const Snapshot& present, const std::string& name) {
    for (const auto& [known, whole] : present) {
      if (known != name) continue;
      const auto* node = whole.get();
      while (node && node != part.get()) node = node->rest().get();
      if (node != part.get()) return std::nullopt;
      std::size_t length = 0;
      for (; node; node = node->rest().get()) ++length;
      return length;
    }
    return std::nullopt;
  }

  /// Outermost first.
  static Value::Array path(const ScopePtr& scope) {
    auto out = scope ? path(scope->outer) : Value::Array();
    if (scope) out.emplace_back(scope->stream);
    return out;
  }

  Object write(const Attempt& attempt) const {
    Object out{{"event", write_named(attempt.event)}, {"work_item", attempt.work_item}, {"span", attempt.span}}, recoveries;
    for (const auto& [handler, count] : attempt.recoveries) recoveries.set(name(handler), count);
    add(out, "caused_by", attempt.caused_by);
    add(out, "failures", attempt.failures);
    add(out, "first_attempt_at", write_time(attempt.first_attempt_at));
    if (const auto& failure = attempt.last_failure)
      out.set(
          "last_failure",
          Object{{"type", failure->error.exception_type}, {"message", failure->error.exception_message}, {"at", write_time(failure->at)}});
    if (attempt.not_before) out.set("not_before", write_time(attempt.not_before));
    add(out, "retry_timer", attempt.retry_timer);
    add(out, "recoveries", std::move(recoveries));
    add(out, "scope", path(attempt.scope));
    if (const auto& release = attempt.release)
      out.set("release", Object{{"target", name(release->target)}, {"stream", release->stream}, {"events", write_named(release->events)}});
    if (attempt.joined) out.set("joined", write_named(*attempt.joined));
    add(out, "published", attempt.published);
    add(out, "sent", attempt.sent);
    return out;
  }

  Object write(const Waiter& waiter) const {
    return {{"id", waiter.id},
            {"serial", waiter.serial},
            {"type", waiter.type->qualified_name},
            {"requirements", waiter.requirements},
            {"trigger", write(waiter.trigger)},
            {"deadline", write_time(waiter.deadline)},
            {"resolved", waiter.resolved ? Value(write_named(*waiter.resolved)) : Value()},
            {"timed_out", waiter.timed_out}};
  }

  Object write(StreamId id, const Stream& stream) const {
    Object arrivals;
    Value::Array released;
    for (const auto& [target, events] : stream.arrivals) arrivals.set(name(target), write_named(events));
    for (const auto target : stream.released) released.emplace_back(name(target));
    return {{"id", id},
            {"source", name(stream.source)},
            {"scope", path(stream.scope)},
            {"open_work_items", stream.open_work_items},
            {"arrivals", std::move(arrivals)},
            {"released", std::move(released)}};
  }

  const Plan& plan_;
  const State& state_;
};

class StateReader : NamedReader {
public:
  using NamedReader::NamedReader;

  Expected<State> read(const Value& saved) {
    auto state = initial_state(plan_);
    state.started = member(saved, "started").truthy();
    state.queued = member(saved, "queued").truthy();
    state.held = all_sent(member(saved, "held"));
    state.deadline = read_time(member(saved, "deadline"));
    if (const auto& last = items(member(saved, "last")); last.size() >= 3) {
      state.work_item_last = read_number(last[0]);
      state.stream_last = read_number(last[1]);
      state.serial_last = read_number(last[2]);
      if (last.size() > 3) state.span_last = read_number(last[3]);
    }
    for (const auto& [name, step] : members(member(saved, "steps"))) read_step(state.steps[this->step(Value(name))], step);
    for (auto& step : state.steps) read_recorded(step, member(saved, "recorded"));  // older snapshots do not say whose it is
    for (const auto& stream : items(member(saved, "streams")))
      state.streams.emplace(read_number(member(stream, "id")), read_stream(stream));
    if (!problem_.empty()) return Error{Code::failed_precondition, problem_};
    return state;
  }

private:
  void read_step(StepState& step, const Value& saved) {
    for (const auto& attempt : items(member(saved, "queue"))) step.queue.push_back(read_attempt(attempt));
    for (const auto& [name, buffered] : members(member(saved, "collected"))) step.collected.emplace_back(name, buffer(buffered));
    for (const auto& running : items(member(saved, "running")))
      step.running[static_cast<Slot>(read_number(member(running, "slot")))] = {
          .attempt = read_attempt(member(running, "attempt")),
          .serial = read_number(member(running, "serial")),
          .collected = read_seen(member(running, "collected"), step.collected),
          .deadline = read_time(member(running, "deadline"))};
    for (const auto& waiter : items(member(saved, "waiters"))) step.waiters.push_back(read_waiter(waiter));
    for (const auto& arrival : items(member(saved, "arrivals"))) {
      JoinArrival read{read_number(member(arrival, "order")), event(member(arrival, "event"))};
      const auto* type = &read.event.type();
      if (step.arrivals.empty() || !step.arrivals.back().first->same_as(*type)) step.arrivals.emplace_back(type, std::deque<JoinArrival>());
      step.arrivals.back().second.push_back(std::move(read));
    }
    read_recorded(step, member(saved, "recorded"));
  }

  static void read_recorded(StepState& step, const Value& saved) {
    for (const auto& [item, values] : members(saved)) {
      WorkItem number = 0;
      std::from_chars(item.data(), item.data() + item.size(), number);
      for (const auto& [name, json] : members(values)) step.recorded[number][name] = text_of(json);
    }
  }

  BufferPtr buffer(const Value& saved) {
    BufferPtr out;
    for (const auto& item : items(saved)) out = std::make_shared<const Buffer>(out, event(item));
    return out;
  }

  Snapshot read_seen(const Value& saved, const Snapshot& present) {
    Snapshot out;
    for (const auto& [name, seen] : members(saved))
      out.emplace_back(name, seen.is_integer() ? beginning(present, name, seen) : buffer(seen));
    return out;
  }
  static BufferPtr beginning(const Snapshot& present, const std::string& name, const Value& length) {
    for (const auto& [known, whole] : present) {
      if (known != name) continue;
      std::uint64_t surplus = 0;
      for (const auto* node = whole.get(); node; node = node->rest().get()) ++surplus;
      surplus -= std::min(surplus, read_number(length));
      auto out = whole;
      for (; surplus > 0; --surplus) out = BufferPtr(out->rest());
      return out;
    }
    return nullptr;
  }

  static ScopePtr scope(const Value& path) {
    ScopePtr out;
    for (const auto& stream : items(path)) out = std::make_shared<const Scope>(Scope{read_number(stream), out});
    return out;
  }

  Attempt read_attempt(const Value& saved) {
    Attempt out;
    out.event = event(member(saved, "event"));
    out.work_item = read_number(member(saved, "work_item"));
    out.span = read_number(member(saved, "span"));
    out.caused_by = read_number(member(saved, "caused_by"));
    out.failures = static_cast<std::uint32_t>(read_number(member(saved, "failures")));
    out.first_attempt_at = read_time(member(saved, "first_attempt_at"));
    if (const auto& failure = member(saved, "last_failure"); failure.is_object())
      out.last_failure = Failure{{text_of(member(failure, "type")), text_of(member(failure, "message"))},
                                 read_time(member(failure, "at")).value_or(Time())};
    out.not_before = read_time(member(saved, "not_before"));
    out.retry_timer = read_number(member(saved, "retry_timer"));
    for (const auto& [handler, count] : members(member(saved, "recoveries")))
      out.recoveries[step(Value(handler))] = static_cast<std::uint32_t>(read_number(count));
    out.scope = scope(member(saved, "scope"));
    if (const auto& release = member(saved, "release"); release.is_object())
      out.release = std::make_shared<const Release>(
          Release{step(member(release, "target")), read_number(member(release, "stream")), events(member(release, "events"))});
    if (const auto& joined = member(saved, "joined"); joined.is_array())
      out.joined = std::make_shared<const std::vector<EventBox>>(events(joined));
    out.published = static_cast<std::uint32_t>(read_number(member(saved, "published")));
    out.sent = static_cast<std::uint32_t>(read_number(member(saved, "sent")));
    return out;
  }

  Waiter read_waiter(const Value& saved) {
    Waiter out;
    out.id = text_of(member(saved, "id"));
    out.serial = read_number(member(saved, "serial"));
    out.type = type(text_of(member(saved, "type")));
    out.requirements = members(member(saved, "requirements"));
    out.trigger = read_attempt(member(saved, "trigger"));
    out.deadline = read_time(member(saved, "deadline"));
    if (const auto& resolved = member(saved, "resolved"); !resolved.is_null()) out.resolved = event(resolved);
    out.timed_out = member(saved, "timed_out").truthy();
    return out;
  }

  Stream read_stream(const Value& saved) {
    Stream out{.source = step(member(saved, "source")),
               .scope = scope(member(saved, "scope")),
               .open_work_items = integer_of(member(saved, "open_work_items")),
               .arrivals = {},
               .released = {}};
    for (const auto& [target, members] : members(member(saved, "arrivals"))) out.arrivals[step(Value(target))] = events(members);
    for (const auto& target : items(member(saved, "released"))) out.released.push_back(step(target));
    return out;
  }
};

}  // namespace

std::string encode_state(const Plan& plan, const State& state) { return to_json(StateWriter(plan, state).write()); }

Expected<State> decode_state(const Plan& plan, std::string_view text) {
  const auto saved = parse_json(text);
  if (!saved) return Error{Code::failed_precondition, "a snapshot that is no JSON: " + saved.error().message};
  return StateReader(plan).read(*saved);
}

}  // namespace weir::engine
