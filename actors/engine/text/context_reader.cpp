#include "saved_context.hpp"

#include "actors/engine/reduce/reduce.hpp"
#include "named_json.hpp"

#include <weir/envelope.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace weir::engine {
namespace {

constexpr std::int64_t version_max = 2;

/// The number of "work_item_7"; 0 for a name of another form.
WorkItem work_item_number(std::string_view text) {
  constexpr std::string_view prefix = "work_item_";
  WorkItem out = 0;
  if (text.starts_with(prefix)) std::from_chars(text.data() + prefix.size(), text.data() + text.size(), out);
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
    out.states[std::string()] = store(member(context, "state"));
    for (const auto& [name, state] : members(member(context, "namespaces"))) out.states[name] = store(state);
    if (member(context, "is_running").truthy()) {
      read_state(context);
      out.state = state_;
    }
    if (!problem_.empty()) return refuse(problem_);
    return out;
  }

private:
  static Error refuse(std::string why) { return {Code::invalid_argument, std::move(why)}; }
  void complain(const std::string& why) {
    if (problem_.empty()) problem_ = why;
  }

  /// Seconds since 1970.
  std::optional<Time> time_of(const Value& saved, const char* name) {
    const auto& value = member(saved, name);
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

  Object store(const Value& saved) {
    if (saved.is_null()) return {};
    if (const auto type = text_of(member(saved, "store_type")); !type.empty() && type != "in_memory") {
      complain("its state is in a '" + type + "' store of the server that wrote it: only 'in_memory' states travel with a context");
      return {};
    }
    const auto data = parsed(member(saved, "state_data"), "state_data");
    if (!data.find("_data")) return members(without_wrappers(data));
    Object out;
    for (const auto& [key, value] : members(*data.find("_data"))) out.set(key, without_wrappers(parsed(value, "state key '" + key + "'")));
    return out;
  }

  void read_state(const Value& context) {
    state_->started = true;
    if (const auto& seq = member(context, "work_item_seq"); seq.is_integer())
      state_->work_item_last = static_cast<WorkItem>(seq.as_integer());
    read_streams(context);
    for (const auto& [name, worker] : members(member(context, "workers")))
      if (const auto step = find_step(plan_, name)) read_worker(*step, worker);
    for (const auto& [name, text] : members(member(context, "queues"))) {  // format 0
      const auto queue = parsed(text, "queue of step '" + name + "'");
      if (const auto step = find_step(plan_, name))
        for (const auto& event : items(queue)) state_->steps[*step].queue.push_back(attempt_of(event));
    }
    for (const auto& [name, by_item] : members(member(context, "recorded"))) {
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
    const auto wrapped = parsed(saved, "event");
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

  std::vector<EventBox> events(const Value& saved) {
    std::vector<EventBox> out;
    for (const auto& item : items(saved)) out.push_back(event(item));
    return out;
  }

  /// Ours are numbers; those of other writers get numbers here.
  StreamId stream_id(const std::string& name) {
    const auto [found, added] = stream_ids_.try_emplace(name, 0);
    if (added) found->second = ++state_->stream_last;
    return found->second;
  }
  ScopePtr scope(const Value& path) {
    ScopePtr out;
    for (const auto& name : items(path)) out = std::make_shared<const Scope>(Scope{stream_id(text_of(name)), out});
    return out;
  }

  std::optional<Binding> binding(const std::string& name) const {
    for (const auto& known : plan_.bindings)
      if (binding_id(plan_, known.source, known.target) == name) return known;
    return std::nullopt;
  }

  void read_streams(const Value& context) {
    for (const auto& [name, saved] : members(member(context, "streams"))) {
      const auto source = find_step(plan_, text_of(member(saved, "source_step")));
      if (!source) {
        complain("stream '" + name + "' was opened by step '" + text_of(member(saved, "source_step")) +
                 "', which the workflow does not have");
        continue;
      }
      const auto id = stream_id(name);
      const auto& open = member(saved, "open_work_items");
      Stream stream{.source = *source,
                    .scope = std::make_shared<const Scope>(Scope{id, scope(member(saved, "scope_path"))}),
                    .open_work_items = integer_of(open),
                    .arrivals = {},
                    .released = {}};
      state_->streams.emplace(id, std::move(stream));
    }
    for (const auto& [key, saved] : members(member(context, "collection_release_states"))) {
      const auto bound = binding(text_of(member(saved, "binding_id")));
      const auto stream = state_->streams.find(stream_id(text_of(member(saved, "stream_id"))));
      if (!bound || stream == state_->streams.end()) continue;
      stream->second.arrivals[bound->target] = events(member(saved, "buffer"));
      if (member(saved, "released").truthy()) stream->second.released.push_back(bound->target);
    }
  }

  void read_worker(StepIndex index, const Value& saved) {
    auto& step = state_->steps[index];
    for (const auto& attempt : items(member(saved, "in_progress"))) step.queue.push_back(attempt_of(attempt));
    for (const auto& attempt : items(member(saved, "queue"))) step.queue.push_back(attempt_of(attempt));
    for (const auto& [name, buffered] : members(member(saved, "collected_events"))) {
      BufferPtr buffer;
      for (auto& item : events(buffered)) buffer = std::make_shared<const Buffer>(buffer, std::move(item));
      step.collected.emplace_back(name, std::move(buffer));
    }
    std::uint64_t order = 0;  // only later arrivals have to be later
    for (auto& item : events(member(saved, "static_collect_events"))) {
      auto found =
          std::find_if(step.arrivals.begin(), step.arrivals.end(), [&](const auto& entry) { return entry.first->same_as(item.type()); });
      if (found == step.arrivals.end()) found = step.arrivals.insert(found, {&item.type(), {}});
      found->second.push_back({++order, std::move(item)});
    }
    state_->work_item_last = std::max(state_->work_item_last, order);
    for (const auto& waiter : items(member(saved, "collected_waiters"))) read_waiter(step, waiter);
  }

  /// Format 1 may have plain event texts where format 2 has objects.
  Attempt attempt_of(const Value& saved) {
    Attempt out;
    out.span = ++state_->span_last;
    if (!saved.find("event")) {
      out.event = event(saved);
      out.work_item = ++state_->work_item_last;
      return out;
    }
    out.event = event(member(saved, "event"));
    if (const auto& bound = member(saved, "bound_events"); !members(bound).empty()) {
      std::vector<EventBox> joined;
      for (const auto& [parameter, item] : bound.as_object()) joined.push_back(event(item));
      out.joined = std::make_shared<const std::vector<EventBox>>(std::move(joined));
    }
    if (const auto& failures = member(saved, "attempts"); failures.is_integer())
      out.failures = static_cast<std::uint32_t>(failures.as_integer());
    out.first_attempt_at = time_of(saved, "first_attempt_at");
    if (const auto& error = member(saved, "last_exception"); error.is_object())
      out.last_failure = Failure{{text_of(member(error, "exception_type")), text_of(member(error, "exception_message"))},
                                 time_of(saved, "last_failed_at").value_or(Time())};
    for (const auto& [handler, count] : members(member(saved, "recovery_counts")))
      if (const auto step = find_step(plan_, handler); step && count.is_integer())
        out.recoveries[*step] = static_cast<std::uint32_t>(count.as_integer());
    if (const auto& count = member(saved, "published"); count.is_integer()) out.published = static_cast<std::uint32_t>(count.as_integer());
    if (const auto& count = member(saved, "sent"); count.is_integer()) out.sent = static_cast<std::uint32_t>(count.as_integer());
    out.edits = read_edits(member(saved, "edits"));
    out.not_before = time_of(saved, "not_before");
    out.scope = scope(member(saved, "scope_path"));
    read_release(out, member(saved, "collection_release_payload"));
    out.work_item = work_item_number(text_of(member(saved, "work_item_id")));
    if (out.work_item == 0) out.work_item = ++state_->work_item_last;
    return out;
  }

  void read_release(Attempt& attempt, const Value& payload) {
    if (!payload.is_object()) return;
    const auto bound = binding(text_of(member(payload, "binding_id")));
    if (!bound) return complain("collection binding '" + text_of(member(payload, "binding_id")) + "' is not one of the workflow's");
    attempt.release = std::make_shared<const Release>(
        Release{bound->target, stream_id(text_of(member(payload, "stream_id"))), events(member(payload, "events"))});
  }

  void read_waiter(StepState& step, const Value& saved) {
    Waiter out;
    out.id = text_of(member(saved, "waiter_id"));
    const auto wanted = text_of(member(saved, "waiting_for_event"));
    out.type = plan_.registry.by_qualified_name(wanted);
    if (!out.type) out.type = find_event_type(wanted);
    if (!out.type) out.type = plan_.registry.by_name(wanted.substr(wanted.rfind('.') + 1));
    if (!out.type)
      return complain("workflow '" + plan_.class_name + "' knows no event type '" + wanted +
                      "', which a step waits for: list it in additional_events");
    out.requirements = members(member(saved, "requirements"));
    const auto& whole = member(saved, "trigger");
    out.trigger = attempt_of(whole.is_object() ? whole : saved);
    if (const auto& resolved = member(saved, "resolved_event"); !resolved.is_null()) out.resolved = event(resolved);
    out.timed_out = member(saved, "timed_out").truthy();
    out.deadline = time_of(saved, "deadline");
    // The Python library does not write what a wait requires: the step runs again and says it.
    if (out.pending() && member(saved, "has_requirements").truthy() && out.requirements.empty())
      step.queue.push_back(std::move(out.trigger));
    else step.waiters.push_back(std::move(out));
  }

  const Plan& plan_;
  std::shared_ptr<State> state_;
  std::map<std::string, StreamId> stream_ids_;
  std::string problem_;
};

}  // namespace

Expected<SavedContext> read_context(const Plan& plan, const Value& context) { return ContextReader(plan).read(context); }

}  // namespace weir::engine
