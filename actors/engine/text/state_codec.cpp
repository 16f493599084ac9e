#include "state_codec.hpp"

#include "actors/engine/model/carried.hpp"
#include "actors/engine/reduce/reduce.hpp"
#include "named_json.hpp"

#include <algorithm>
#include <charconv>

namespace weir::engine {
namespace {

/// Members that say nothing are left out: most of a state does.
bool says_nothing(bool x) { return !x; }
bool says_nothing(Status x) { return x == Status::running; }
/// No overload takes an EventBox that is not one: it can be made of any struct.
template <class T>
requires std::same_as<T, EventBox> || std::same_as<T, Limits> || Carries<T>
bool says_nothing(const T&) { return false; }
template <std::integral T>
bool says_nothing(T x) {
  return x == 0;
}
template <class T>
requires requires(const T& x) { x.has_value(); }
bool says_nothing(const T& x) { return !x; }
template <class T>
requires requires(const T& x) { x.get(); }
bool says_nothing(const T& x) { return !x; }
bool says_nothing(const JoinArrivals& x) {
  return std::all_of(x.begin(), x.end(), [](const auto& of_type) { return of_type.second.empty(); });
}
template <class T>
requires requires(const T& x) { x.empty(); }
bool says_nothing(const T& x) { return x.empty(); }

class StateWriter {
public:
  explicit StateWriter(const Plan& plan) : plan_(plan) {}

  template <Carries T>
  Object members_of(const T& x) const {
    Object out;
    for_each_carried(x, [&](const Carried& row, const auto& member) {
      if (!says_nothing(member)) out.set(row.key, write(member));
    });
    return out;
  }

private:
  const std::string& name(StepIndex step) const { return plan_.steps[step].name; }

  static Value write(bool x) { return x; }
  template <std::integral T>
  static Value write(T x) {
    return x;
  }
  static Value write(const std::string& x) { return x; }
  static Value write(const Object& x) { return x; }
  static Value write(Status x) { return std::string(status_name(x)); }
  static Value write(Time x) { return write_time(x); }
  static Value write(const EventType* x) { return x->qualified_name; }
  template <std::same_as<EventBox> T>
  static Value write(const T& x) {
    return write_named(x);
  }
  static Value write(const std::vector<EventBox>& x) { return write_named(x); }
  Value write(const std::vector<Sent>& x) const { return write_named(plan_, x); }
  template <class T>
  Value write(const std::optional<T>& x) const {
    return write(*x);
  }
  template <class T>
  Value write(const std::shared_ptr<const T>& x) const {
    return write(*x);
  }
  static Value write(const Failure& x) {
    return Object{{"type", x.error.exception_type}, {"message", x.error.exception_message}, {"at", write_time(x.at)}};
  }
  template <class T>
  requires std::same_as<T, Attempt> || std::same_as<T, Waiter> Value write(const T& x)
  const { return members_of(x); }
  template <class T>
  requires std::same_as<T, std::deque<Attempt>> || std::same_as<T, std::vector<Waiter>> Value write(const T& x)
  const {
    Value::Array out;
    for (const auto& item : x) out.emplace_back(write(item));
    return out;
  }

  Value write(const std::vector<StepState>& steps) const {
    Object out;
    for (StepIndex step = 0; step < steps.size(); ++step)
      if (auto written = write(steps[step]); !written.empty()) out.set(name(step), std::move(written));
    return out;
  }
  Object write(const StepState& step) const {
    auto out = members_of(step);
    if (auto* running = out.find("running")) *running = write(step.running, step.collected);
    return out;
  }
  static Value write(const std::map<Slot, Running>&) { return {}; }  // see above
  Value write(const std::map<Slot, Running>& running, const Snapshot& present) const {
    Value::Array out;
    for (const auto& [slot, invocation] : running)
      out.emplace_back(Object{{"slot", slot},
                              {"serial", invocation.serial},
                              {"attempt", write(invocation.attempt)},
                              {"collected", seen(invocation.collected, present)},
                              {"deadline", write_time(invocation.deadline)}});
    return out;
  }

  static Value write(const Snapshot& buffers) {
    Object out;
    for (const auto& [buffer, events] : buffers) out.set(buffer, write_named(contents(events)));
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

  /// By arrival: the order of the types is of no consequence, and of types that wait for nothing nothing is known.
  static Value write(const JoinArrivals& arrivals) {
    std::map<std::uint64_t, Object> sorted;
    for (const auto& [type, waiting] : arrivals)
      for (const auto& arrival : waiting) sorted.emplace(arrival.order, write_named(arrival.event));
    Value::Array out;
    for (auto& [order, event] : sorted) out.emplace_back(Object{{"order", order}, {"event", std::move(event)}});
    return out;
  }

  static Value write(const std::map<WorkItem, std::map<std::string, std::string>>& recorded) {
    Value::Array out;
    for (const auto& [item, values] : recorded)
      for (const auto& [name, json] : values) out.emplace_back(Value::Array{item, name, json});
    return out;
  }

  template <std::same_as<Limits> T>
  Value write(const T& limits) const {
    return write_limits(plan_, limits);
  }
  static Value write(const Edits& edits) { return write_edits(edits); }
  Value write(const Recoveries& recoveries) const {
    Object out;
    for (const auto& [handler, count] : recoveries) out.set(name(handler), count);
    return out;
  }
  /// Outermost first.
  static Value write(const ScopePtr& scope) {
    Value::Array out;
    for (auto at = scope; at; at = at->outer) out.emplace_back(at->stream);
    std::reverse(out.begin(), out.end());
    return out;
  }
  Value write(const Release& release) const {
    return Object{{"target", name(release.target)}, {"stream", release.stream}, {"events", write_named(release.events)}};
  }

  Value write(const std::map<StreamId, Stream>& streams) const {
    Value::Array out;
    for (const auto& [id, stream] : streams) out.emplace_back(write(id, stream));
    return out;
  }
  Object write(StreamId id, const Stream& stream) const {
    Object arrivals;
    Value::Array released;
    for (const auto& [target, events] : stream.arrivals) arrivals.set(name(target), write_named(events));
    for (const auto target : stream.released) released.emplace_back(name(target));
    return {{"id", id},
            {"source", name(stream.source)},
            {"scope", write(stream.scope)},
            {"open_work_items", stream.open_work_items},
            {"arrivals", std::move(arrivals)},
            {"released", std::move(released)}};
  }

  const Plan& plan_;
};

class StateReader : NamedReader {
public:
  using NamedReader::NamedReader;

  Expected<State> state(const Value& saved) {
    auto state = initial_state(plan_);
    read_members(saved, state);
    read_earlier(saved, state);
    if (!problem_.empty()) return Error{Code::failed_precondition, problem_};
    return state;
  }

private:
  template <Carries T>
  void read_members(const Value& saved, T& x) {
    for_each_carried(x, [&](const Carried& row, auto& member) {
      if (const auto* found = saved.find(row.key); found && !found->is_null()) read(*found, member);
    });
  }

  /// What earlier versions wrote otherwise: the counters in one list, no limits, and run_once results that did not say whose they are.
  void read_earlier(const Value& saved, State& state) {
    if (const auto& last = items(member(saved, "last")); last.size() >= 3) {
      state.work_item_last = read_number(last[0]);
      state.stream_last = read_number(last[1]);
      state.serial_last = read_number(last[2]);
      if (last.size() > 3) state.span_last = read_number(last[3]);
    }
    if (!saved.find("limits")) state.limits.ends_stuck = false;
    if (const auto* recorded = saved.find("recorded"))
      for (auto& step : state.steps) read(*recorded, step.recorded);
  }

  static void read(const Value& saved, bool& x) { x = saved.truthy(); }
  template <std::integral T>
  static void read(const Value& saved, T& x) {
    x = static_cast<T>(integer_of(saved));
  }
  static void read(const Value& saved, std::string& x) { x = text_of(saved); }
  static void read(const Value& saved, Object& x) { x = members(saved); }
  void read(const Value& saved, Status& x) {
    const auto wanted = text_of(saved);
    for (const auto known : {Status::running, Status::completed, Status::failed, Status::cancelled})
      if (status_name(known) == wanted) return void(x = known);
    complain("a run that is '" + wanted + "'");
  }
  static void read(const Value& saved, Time& x) { x = read_time(saved).value_or(Time()); }
  void read(const Value& saved, const EventType*& x) { x = type(text_of(saved)); }
  void read(const Value& saved, EventBox& x) { x = event(saved); }
  void read(const Value& saved, std::vector<EventBox>& x) { x = events(saved); }
  void read(const Value& saved, std::vector<Sent>& x) { x = all_sent(saved); }
  template <class T>
  void read(const Value& saved, std::optional<T>& x) {
    read(saved, x.emplace());
  }
  template <class T>
  void read(const Value& saved, std::shared_ptr<const T>& x) {
    T out{};
    read(saved, out);
    x = std::make_shared<const T>(std::move(out));
  }
  static void read(const Value& saved, Failure& x) {
    x = {{text_of(member(saved, "type")), text_of(member(saved, "message"))}, read_time(member(saved, "at")).value_or(Time())};
  }
  template <class T>
  requires std::same_as<T, Attempt> || std::same_as<T, Waiter>
  void read(const Value& saved, T& x) { read_members(saved, x); }
  template <class T>
  requires std::same_as<T, std::deque<Attempt>> || std::same_as<T, std::vector<Waiter>>
  void read(const Value& saved, T& x) {
    for (const auto& item : items(saved)) read(item, x.emplace_back());
  }

  void read(const Value& saved, std::vector<StepState>& steps) {
    for (const auto& [name, written] : members(saved)) {
      auto& step = steps[this->step(Value(name))];
      read_members(written, step);
      for (const auto& running : items(member(written, "running"))) read_running(running, step);
    }
  }
  static void read(const Value&, std::map<Slot, Running>&) {}  // see above
  void read_running(const Value& saved, StepState& step) {
    auto& running = step.running[static_cast<Slot>(read_number(member(saved, "slot")))];
    read(member(saved, "attempt"), running.attempt);
    running.serial = read_number(member(saved, "serial"));
    running.collected = read_seen(member(saved, "collected"), step.collected);
    running.deadline = read_time(member(saved, "deadline"));
  }

  void read(const Value& saved, Snapshot& buffers) {
    for (const auto& [name, written] : members(saved)) buffers.emplace_back(name, buffer(written));
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

  void read(const Value& saved, JoinArrivals& arrivals) {
    for (const auto& written : items(saved)) {
      JoinArrival arrival{read_number(member(written, "order")), event(member(written, "event"))};
      const auto* type = &arrival.event.type();
      auto found = std::find_if(arrivals.begin(), arrivals.end(), [&](const auto& entry) { return entry.first->same_as(*type); });
      if (found == arrivals.end()) found = arrivals.insert(found, {type, {}});
      found->second.push_back(std::move(arrival));
    }
  }

  static void read(const Value& saved, std::map<WorkItem, std::map<std::string, std::string>>& recorded) {
    for (const auto& entry : items(saved))
      if (const auto& row = items(entry); row.size() == 3) recorded[read_number(row[0])][text_of(row[1])] = text_of(row[2]);
    for (const auto& [item, values] : members(saved)) {  // earlier versions
      WorkItem number = 0;
      std::from_chars(item.data(), item.data() + item.size(), number);
      for (const auto& [name, json] : members(values)) recorded[number][name] = text_of(json);
    }
  }

  void read(const Value& saved, Limits& x) { x = limits(saved); }
  static void read(const Value& saved, Edits& edits) { edits = read_edits(saved); }
  void read(const Value& saved, Recoveries& recoveries) {
    for (const auto& [handler, count] : members(saved)) recoveries[step(Value(handler))] = static_cast<std::uint32_t>(read_number(count));
  }
  static void read(const Value& saved, ScopePtr& scope) {
    for (const auto& stream : items(saved)) scope = std::make_shared<const Scope>(Scope{read_number(stream), scope});
  }
  void read(const Value& saved, Release& release) {
    release = {step(member(saved, "target")), read_number(member(saved, "stream")), events(member(saved, "events"))};
  }

  void read(const Value& saved, std::map<StreamId, Stream>& streams) {
    for (const auto& written : items(saved)) streams.emplace(read_number(member(written, "id")), read_stream(written));
  }
  Stream read_stream(const Value& saved) {
    Stream out{.source = step(member(saved, "source")),
               .scope = nullptr,
               .open_work_items = integer_of(member(saved, "open_work_items")),
               .arrivals = {},
               .released = {}};
    read(member(saved, "scope"), out.scope);
    for (const auto& [target, members] : members(member(saved, "arrivals"))) out.arrivals[step(Value(target))] = events(members);
    for (const auto& target : items(member(saved, "released"))) out.released.push_back(step(target));
    return out;
  }
};

}  // namespace

Object write_state(const Plan& plan, const State& state) { return StateWriter(plan).members_of(state); }
Expected<State> read_state(const Plan& plan, const Value& saved) { return StateReader(plan).state(saved); }

std::string encode_state(const Plan& plan, const State& state) { return to_json(write_state(plan, state)); }

Expected<State> decode_state(const Plan& plan, std::string_view text) {
  const auto saved = parse_json(text);
  if (!saved) return Error{Code::failed_precondition, "a snapshot that is no JSON: " + saved.error().message};
  return read_state(plan, *saved);
}

}  // namespace weir::engine
