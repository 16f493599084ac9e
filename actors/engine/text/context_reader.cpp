#include "saved_context.hpp"

#include "actors/engine/reduce/reduce.hpp"
#include "callable.hpp"
#include "named_json.hpp"

#include <weir/codec.hpp>
#include <weir/envelope.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

namespace weir::engine {
namespace {

constexpr std::int64_t version_max = 2;
constexpr std::string_view work_item_prefix = "work_item_";

/// The number of "work_item_7"; 0 for a name of another form.
WorkItem work_item_number(std::string_view text) {
  WorkItem out = 0;
  if (text.starts_with(work_item_prefix)) std::from_chars(text.data() + work_item_prefix.size(), text.data() + text.size(), out);
  return out;
}

/// Models inside state values are known by their fields.
Value without_wrappers(const Value& value) {
  if (value.is_array()) {
    Value::Array out;
    for (const auto& item : value.as_array()) out.push_back(without_wrappers(item));
    return out;
  }
  if (!value.is_object()) return value;
  if (value.find("__is_pydantic") && value.find("value")) return without_wrappers(*value.find("value"));
  Object out;
  for (const auto& [key, item] : value.as_object()) out.set(key, without_wrappers(item));
  return out;
}

/// Goes on after a problem with defaults; the first problem is what is told.
class ContextReader {
public:
  explicit ContextReader(const Plan& plan) : plan_(plan), state_(std::make_shared<State>(initial_state(plan))) {}

  Expected<SavedContext> read(const Value& context) {
    if (!context.is_object()) return refuse("expected an object, got " + std::string(python_type_name(context)));
    if (const auto& version = member(context, "version");
        !version.is_null() && (!version.is_integer() || version.as_integer() > version_max))
      return refuse("Cannot load serialized workflow context with version=" + python_repr(version) +
                    "; this library supports up to version " + std::to_string(version_max) +
                    ". The payload was likely written by a newer version of llama-index-workflows.");
    SavedContext out;
    out.states[std::string()] = store(context, "state");
    for (const auto& [name, state] : object(context, "namespaces")) {
      const Within within(where_, "namespaces");
      out.states[name] = store(member(context, "namespaces"), name);
    }
    state_->started = flag(context, "is_running");
    read_state(context);
    if (state_->started || has_work()) out.state = state_;
    if (!problem_.empty()) return refuse(problem_);
    return out;
  }

private:
  static Error refuse(std::string why) { return {Code::invalid_argument, std::move(why)}; }
  void complain(const std::string& why) {
    if (problem_.empty()) problem_ = why;
  }

  /// Names what is being read for as long as it lives.
  class Within {
  public:
    Within(std::string& where, std::string_view part) : where_(where), length_(where.size()) { (where_ += part) += '.'; }
    ~Within() { where_.resize(length_); }
    Within(const Within&) = delete;
    Within& operator=(const Within&) = delete;

  private:
    std::string& where_;
    std::size_t length_;
  };

  // Members of a kind: absent and null ones are empty, those of another kind a problem.

  void expected(std::string_view kind, std::string_view name, const Value& got) {
    complain(where_ + std::string(name) + ": expected " + std::string(kind) + ", got " + std::string(python_type_name(got)));
  }
  const Object& object(const Value& saved, std::string_view name) {
    const auto& value = member(saved, name);
    if (!value.is_object() && !value.is_null()) expected("an object", name, value);
    return members(value);
  }
  const Value::Array& list(const Value& saved, std::string_view name) {
    const auto& value = member(saved, name);
    if (!value.is_array() && !value.is_null()) expected("a list", name, value);
    return items(value);
  }
  std::string text(const Value& saved, std::string_view name) {
    const auto& value = member(saved, name);
    if (!value.is_string() && !value.is_null()) expected("a text", name, value);
    return text_of(value);
  }
  bool flag(const Value& saved, std::string_view name) {
    const auto& value = member(saved, name);
    bool out = false;
    Issues issues;
    if (!value.is_null() && !codec::decode_bool(value, out, issues)) expected("true or false", name, value);
    return out;
  }
  std::uint64_t count(const Value& saved, std::string_view name, std::int64_t max = std::numeric_limits<std::int64_t>::max()) {
    const auto& value = member(saved, name);
    if (value.is_null()) return 0;
    if (value.is_integer() && value.as_integer() >= 0 && value.as_integer() <= max) return static_cast<std::uint64_t>(value.as_integer());
    if (value.is_number()) complain(where_ + std::string(name) + ": no count is " + to_json(value));
    else expected("a count", name, value);
    return 0;
  }
  std::uint32_t small_count(const Value& saved, std::string_view name) {
    return static_cast<std::uint32_t>(count(saved, name, std::numeric_limits<std::uint32_t>::max()));
  }

  /// Seconds since 1970.
  std::optional<Time> time_of(const Value& saved, const char* name) {
    const auto& value = member(saved, name);
    if (!value.is_number() && !value.is_null()) expected("a time in seconds", name, value);
    if (!value.is_number()) return std::nullopt;
    const auto microseconds = value.as_double() * 1e6;
    constexpr auto last = static_cast<double>(Time::max().time_since_epoch().count());
    constexpr double rounding = 1 + 1e-9;
    if (std::fabs(microseconds) > last * rounding) complain(std::string(name) + ": there is no such time as " + to_json(value));
    else if (std::fabs(microseconds) < last / rounding) return Time(Duration(std::llround(microseconds)));
    return microseconds < 0 ? Time::min() : Time::max();
  }

  Value parsed(const Value& text, std::string_view what) {
    if (!text.is_string()) return text;
    auto value = parse_json(text.as_string(), limits_for_strangers);
    if (value) return std::move(*value);
    complain(std::string(what) + ": " + value.error().message);
    return {};
  }

  /// What is not text is what it is.
  Value parsed_member(const Value& saved, std::string_view name) {
    const auto& value = member(saved, name);
    return value.is_string() ? parsed(value, where_ + std::string(name)) : value;
  }

  Object store(const Value& stores, std::string_view name) {
    object(stores, name);
    const auto& saved = member(stores, name);
    const Within within(where_, name);
    if (const auto type = text(saved, "store_type"); !type.empty() && type != "in_memory") {
      complain("its state is in a '" + type + "' store of the server that wrote it: only 'in_memory' states travel with a context");
      return {};
    }
    const auto data = parsed_member(saved, "state_data");
    if (!data.is_object() && !data.is_null()) expected("an object", "state_data", data);
    if (!data.find("_data")) return members(without_wrappers(data));
    Object out;
    const Within inside(where_, "state_data");
    for (const auto& [key, value] : object(data, "_data")) {
      if (!value.is_string()) expected("JSON text", "_data." + key, value);
      out.set(key, without_wrappers(parsed(value, "state key '" + key + "'")));
    }
    return out;
  }

  /// Of a run that had ended, or has not begun: something to go on with.
  bool has_work() const {
    return !state_->early.empty() || !state_->mail.empty() || std::any_of(state_->steps.begin(), state_->steps.end(), [](const auto& step) {
      return !step.queue.empty() || !step.waiters.empty() || !step.collected.empty() || !step.arrivals.empty();
    });
  }

  void read_state(const Value& context) {
    state_->work_item_last = count(context, "work_item_seq");
    count(context, "stream_seq");  // streams get numbers here
    read_streams(context);
    for (const auto& [name, worker] : object(context, "workers")) {
      const Within within(where_, "workers");
      object(member(context, "workers"), name);
      if (const auto step = find_step(plan_, name)) read_worker(*step, worker);
    }
    for (const auto& [name, text] : object(context, "queues")) {  // format 0
      const auto queue = parsed(text, "queue of step '" + name + "'");
      if (const auto step = find_step(plan_, name)) read_queue(*step, Object{{"queue", queue}}, "queue");
    }
    state_->early = events(context, "early");
    state_->mail = events(context, "mail");
    for (const auto& [name, by_item] : object(context, "recorded")) {
      if (const auto step = find_step(plan_, name)) read_recorded(state_->steps[*step], by_item);
      else if (work_item_number(name) > 0)  // older contexts do not say whose it is
        for (auto& each : state_->steps) read_recorded(each, Object{{name, by_item}});
    }
  }

  static void read_recorded(StepState& step, const Value& by_item) {
    for (const auto& [item, values] : members(by_item))
      for (const auto& [name, json] : members(values)) step.recorded[work_item_number(item)][name] = text_of(json);
  }

  EventBox event(const Value& saved) {
    const auto wrapped = parsed(saved, where_ + "event");
    if (!wrapped.is_object() && problem_.empty()) expected("an event as JSON text", "event", wrapped);
    const auto name = text_of(member(wrapped, "qualified_name"));
    const auto* type = plan_.registry.by_qualified_name(name);
    if (!type) type = find_event_type(name);
    if (!type) type = plan_.registry.by_name(name.substr(name.rfind('.') + 1));
    if (!type) {
      complain("workflow '" + plan_.class_name + "' knows no event type '" + name + "'");
      return Event();
    }
    auto decoded = decode_event(*type, member(wrapped, "value"));
    if (decoded) return with_known_input(plan_, std::move(*decoded), member(wrapped, "value"));
    complain(decoded.error().message);
    return Event();
  }

  std::vector<EventBox> events(const Value& saved, std::string_view name) {
    const auto& all = list(saved, name);
    const Within within(where_, name);
    std::vector<EventBox> out;
    for (const auto& item : all) out.push_back(event(item));
    return out;
  }

  /// Ours are numbers; those of other writers get numbers here.
  StreamId stream_id(const std::string& name) {
    const auto [found, added] = stream_ids_.try_emplace(name, 0);
    if (added) found->second = ++state_->stream_last;
    return found->second;
  }
  ScopePtr scope(const Value& saved) {
    ScopePtr out;
    for (const auto& name : list(saved, "scope_path")) out = std::make_shared<const Scope>(Scope{stream_id(text_of(name)), out});
    return out;
  }

  std::optional<Binding> binding(const std::string& name) const {
    for (const auto& known : plan_.bindings)
      if (binding_id(plan_, known.source, known.target) == name) return known;
    return std::nullopt;
  }

  void read_streams(const Value& context) {
    for (const auto& [name, saved] : object(context, "streams")) {
      const Within streams(where_, "streams"), within(where_, name);
      const auto source = find_step(plan_, text_of(member(saved, "source_step")));
      if (!source) {
        complain("stream '" + name + "' was opened by step '" + text_of(member(saved, "source_step")) +
                 "', which the workflow does not have");
        continue;
      }
      const auto id = stream_id(name);
      const auto open = count(saved, "open_work_items");
      if (open == 0) complain(where_ + "open_work_items: a stream that is open has some");
      Stream stream{.source = *source,
                    .scope = std::make_shared<const Scope>(Scope{id, scope(saved)}),
                    .open_work_items = static_cast<std::int64_t>(open),
                    .arrivals = {},
                    .released = {}};
      state_->streams.emplace(id, std::move(stream));
    }
    for (const auto& [key, saved] : object(context, "collection_release_states")) {
      const Within releases(where_, "collection_release_states"), within(where_, key);
      const auto bound = binding(text(saved, "binding_id"));
      const auto stream = state_->streams.find(stream_id(text(saved, "stream_id")));
      if (!bound || stream == state_->streams.end()) continue;
      stream->second.arrivals[bound->target] = events(saved, "buffer");
      check_members(bound->target, stream->second.arrivals[bound->target]);
      if (flag(saved, "released")) stream->second.released.push_back(bound->target);
    }
  }

  void read_worker(StepIndex index, const Value& saved) {
    const Within within(where_, plan_.steps[index].name);
    auto& step = state_->steps[index];
    read_queue(index, saved, "in_progress");
    read_queue(index, saved, "queue");
    for (const auto& [name, buffered] : object(saved, "collected_events")) {
      const Within buffers(where_, "collected_events");
      BufferPtr buffer;
      for (auto& item : events(member(saved, "collected_events"), name)) buffer = std::make_shared<const Buffer>(buffer, std::move(item));
      step.collected.emplace_back(name, std::move(buffer));
    }
    std::uint64_t order = 0;  // only later arrivals have to be later
    for (auto& item : events(saved, "static_collect_events")) {
      if (plan_.steps[index].input != Input::join) complain(where_ + "static_collect_events: the step joins no events");
      auto found =
          std::find_if(step.arrivals.begin(), step.arrivals.end(), [&](const auto& entry) { return entry.first->same_as(item.type()); });
      if (found == step.arrivals.end()) found = step.arrivals.insert(found, {&item.type(), {}});
      found->second.push_back({++order, std::move(item)});
    }
    state_->work_item_last = std::max(state_->work_item_last, order);
    asked_again_.clear();
    for (const auto& waiter : list(saved, "collected_waiters")) read_waiter(index, waiter);
    queue_again(step);
  }

  void read_queue(StepIndex index, const Value& saved, std::string_view name) {
    const auto& all = list(saved, name);
    const Within within(where_, name);
    for (const auto& attempt : all) state_->steps[index].queue.push_back(attempt_of(index, attempt));
  }

  /// Format 1 may have plain event texts where format 2 has objects.
  Attempt attempt_of(StepIndex index, const Value& saved) {
    Attempt out;
    out.span = ++state_->span_last;
    if (!saved.find("event")) {
      out.event = event(saved);
      out.work_item = new_work_item();
      check_input(index, out);
      return out;
    }
    out.event = event(member(saved, "event"));
    if (const auto& bound = object(saved, "bound_events"); !bound.empty()) {
      std::vector<EventBox> joined;
      for (const auto& [parameter, item] : bound) joined.push_back(event(item));
      out.joined = std::make_shared<const std::vector<EventBox>>(std::move(joined));
    }
    out.failures = small_count(saved, "attempts");
    out.first_attempt_at = time_of(saved, "first_attempt_at");
    if (const auto& error = member(saved, "last_exception"); error.is_object())
      out.last_failure =
          Failure{{text(error, "exception_type"), text(error, "exception_message")}, time_of(saved, "last_failed_at").value_or(Time())};
    for (const auto& [handler, tried] : object(saved, "recovery_counts"))
      if (const auto step = find_step(plan_, handler)) out.recoveries[*step] = small_count(member(saved, "recovery_counts"), handler);
    out.published = small_count(saved, "published");
    out.sent = small_count(saved, "sent");
    object(saved, "edits");
    out.edits = read_edits(member(saved, "edits"));
    out.not_before = time_of(saved, "not_before");
    out.scope = scope(saved);
    read_release(out, saved);
    out.work_item = work_item_number(text(saved, "work_item_id"));
    if (out.work_item == 0) out.work_item = new_work_item();
    state_->work_item_last = std::max(state_->work_item_last, out.work_item);
    check_input(index, out);
    return out;
  }

  WorkItem new_work_item() { return *nameless_.insert(++state_->work_item_last).first; }

  void read_release(Attempt& attempt, const Value& saved) {
    if (object(saved, "collection_release_payload").empty()) return;
    const auto& payload = member(saved, "collection_release_payload");
    const Within within(where_, "collection_release_payload");
    const auto name = text(payload, "binding_id");
    const auto bound = binding(name);
    if (!bound) return complain("collection binding '" + name + "' is not one of the workflow's");
    const auto stream = stream_id(text(payload, "stream_id"));
    attempt.release = std::make_shared<const Release>(Release{bound->target, stream, events(payload, "events")});
  }

  void check_input(StepIndex index, const Attempt& attempt) { complain_of(problem_with(plan_, index, attempt)); }
  void check_members(StepIndex index, const std::vector<EventBox>& events) { complain_of(problem_with(plan_.steps[index], events)); }
  void complain_of(const std::string& problem) {
    if (!problem.empty()) complain(where_ + problem);
  }

  void read_waiter(StepIndex index, const Value& saved) {
    const Within within(where_, "collected_waiters");
    auto& step = state_->steps[index];
    Waiter out;
    out.id = text(saved, "waiter_id");
    const auto wanted = text(saved, "waiting_for_event");
    out.type = plan_.registry.by_qualified_name(wanted);
    if (!out.type) out.type = find_event_type(wanted);
    if (!out.type) out.type = plan_.registry.by_name(wanted.substr(wanted.rfind('.') + 1));
    if (!out.type)
      return complain("workflow '" + plan_.class_name + "' knows no event type '" + wanted +
                      "', which a step waits for: list it in additional_events");
    out.requirements = object(saved, "requirements");
    const auto& whole = member(saved, "trigger");
    const auto& trigger = whole.is_object() ? whole : saved;
    out.trigger = attempt_of(index, trigger);
    if (const auto& resolved = member(saved, "resolved_event"); !resolved.is_null()) out.resolved = event(resolved);
    if (out.resolved && !out.resolved->type().is_a(*out.type))
      complain(where_ + "resolved_event: " + out.resolved->type().name + " is no " + out.type->name);
    out.timed_out = flag(saved, "timed_out");
    out.deadline = time_of(saved, "deadline");
    out.receives = flag(saved, "receives");
    if (nameless_.contains(out.trigger.work_item)) out.trigger.work_item = work_item_of(step, out.trigger);
    out.id = waiter_id(std::move(out.id), wanted, out);
    // The Python library does not write what a wait requires: the body runs again and says it.
    if (out.pending() && flag(saved, "has_requirements") && out.requirements.empty()) asked_again_.insert(out.trigger.work_item);
    step.waiters.push_back(std::move(out));
  }

  /// Older contexts do not say which piece of work waits: the one of this step that is about the same event.
  WorkItem work_item_of(const StepState& step, const Attempt& trigger) const {
    const auto same = [&](const Attempt& other) {
      return nameless_.contains(other.work_item) && other.event.type().same_as(trigger.event.type()) &&
             other.event.value() == trigger.event.value();
    };
    for (const auto& attempt : step.queue)
      if (same(attempt)) return attempt.work_item;
    for (const auto& waiter : step.waiters)
      if (same(waiter.trigger)) return waiter.trigger.work_item;
    return trigger.work_item;
  }

  /// An id that is made of the type and the piece of work is the one that the body will make here.
  std::string waiter_id(std::string id, const std::string& wanted, const Waiter& waiter) const {
    const auto prefix = "waiter_" + wanted + "_";
    if (!id.starts_with(prefix)) return id;
    auto rest = id.substr(prefix.size());
    if (nameless_.contains(waiter.trigger.work_item)) {
      rest.resize(std::min(rest.rfind("_work_item_"), rest.size()));
      rest += "_" + std::string(work_item_prefix) + std::to_string(waiter.trigger.work_item);
    }
    return "waiter_" + waiter.type->qualified_name + "_" + rest;
  }

  /// Bodies that have to run again though no queue says so.
  void queue_again(StepState& step) {
    const auto has_work = [&](WorkItem item) {
      return std::any_of(step.queue.begin(), step.queue.end(), [&](const Attempt& attempt) { return attempt.work_item == item; });
    };
    const auto waits = [&](WorkItem item) {
      return std::any_of(step.waiters.begin(), step.waiters.end(),
                         [&](const Waiter& waiter) { return waiter.pending() && waiter.trigger.work_item == item; });
    };
    for (const auto& waiter : step.waiters) {
      const auto item = waiter.trigger.work_item;
      const bool is_answered = !waiter.pending() && nameless_.contains(item) && !waits(item);
      if ((is_answered || asked_again_.contains(item)) && !has_work(item)) step.queue.push_back(waiter.trigger);
    }
  }

  const Plan& plan_;
  std::shared_ptr<State> state_;
  std::map<std::string, StreamId> stream_ids_;
  std::set<WorkItem> nameless_;     ///< numbers that were given here
  std::set<WorkItem> asked_again_;  ///< of the step that is being read
  std::string where_;               ///< "workers.steep."
  std::string problem_;
};

}  // namespace

Expected<SavedContext> read_context(const Plan& plan, const Value& context) { return ContextReader(plan).read(context); }

}  // namespace weir::engine
