#include "saved_context.hpp"

#include "named_json.hpp"

#include <weir/envelope.hpp>

#include <algorithm>

namespace weir::engine {
namespace {

constexpr std::int64_t format_version = 2;

Value seconds(std::optional<Time> time) { return time ? Value(static_cast<double>(time->time_since_epoch().count()) / 1e6) : Value(); }

/// Events are JSON text inside the JSON.
std::string text(const EventBox& event) {
  std::string out;
  JsonWriter writer(out);
  write_wrapped(writer, event);
  return out;
}
Value text_or_null(const std::optional<EventBox>& event) { return event ? Value(text(*event)) : Value(); }

Value::Array texts(const std::vector<EventBox>& events) {
  Value::Array out;
  for (const auto& event : events) out.emplace_back(text(event));
  return out;
}

std::string stream_name(StreamId id) { return "stream-" + std::to_string(id); }
std::string work_item_name(WorkItem item) { return "work_item_" + std::to_string(item); }

/// Outermost first.
Value::Array scope_path(const ScopePtr& scope) {
  Value::Array out;
  for (auto at = scope; at; at = at->outer) out.emplace_back(stream_name(at->stream));
  std::reverse(out.begin(), out.end());
  return out;
}

class ContextWriter {
public:
  ContextWriter(const Plan& plan, const State& state) : plan_(plan), state_(state) {}

  Object write(const std::map<std::string, Object>& states) const {
    Object out{{"version", format_version}, {"state", Value()}, {"is_running", state_.started && !state_.over()}};
    Object named;
    for (const auto& [name, state] : states) {
      if (name.empty()) out.set("state", store(state));
      else named.set(name, store(state));
    }
    if (out.find("state")->is_null()) out.set("state", store(Object()));
    if (!named.empty()) out.set("namespaces", std::move(named));
    Object workers;
    for (StepIndex step = 0; step < state_.steps.size(); ++step) workers.set(plan_.steps[step].name, worker(step));
    out.set("workers", std::move(workers));
    out.set("stream_seq", state_.stream_last);
    out.set("work_item_seq", state_.work_item_last);
    Object streams, releases;
    for (const auto& [id, stream] : state_.streams) write_stream(id, stream, streams, releases);
    out.set("streams", std::move(streams));
    out.set("collection_release_states", std::move(releases));
    if (auto values = recorded(); !values.empty()) out.set("recorded", std::move(values));
    return out;
  }

private:
  static Object store(const Object& state) {
    Object data;
    for (const auto& [key, value] : state) data.set(key, to_json(value));
    return {{"store_type", "in_memory"},
            {"state_type", "DictState"},
            {"state_module", "workflows.context.state_store"},
            {"state_data", Object{{"_data", std::move(data)}}}};
  }

  Object worker(StepIndex index) const {
    const auto& step = state_.steps[index];
    Value::Array queue, in_progress, joins, waiters;
    for (const auto& attempt : step.queue) queue.emplace_back(write_attempt(attempt));
    for (const auto& [slot, running] : step.running) in_progress.emplace_back(write_attempt(running.attempt));
    for (const auto& event : in_order(step.arrivals)) joins.emplace_back(text(event));
    for (const auto& waiter : step.waiters) waiters.emplace_back(write_waiter(waiter));
    Object collected;
    for (const auto& [name, buffer] : step.collected) collected.set(name, texts(contents(buffer)));
    return {{"queue", std::move(queue)},
            {"in_progress", std::move(in_progress)},
            {"collected_events", std::move(collected)},
            {"static_collect_events", std::move(joins)},
            {"collected_waiters", std::move(waiters)}};
  }

  static std::vector<EventBox> in_order(const JoinArrivals& arrivals) {
    std::map<std::uint64_t, EventBox> sorted;
    for (const auto& [type, events] : arrivals)
      for (const auto& arrival : events) sorted.emplace(arrival.order, arrival.event);
    std::vector<EventBox> out;
    for (auto& [order, event] : sorted) out.push_back(std::move(event));
    return out;
  }

  /// What attempts and waiters have in common, in the protocol's order.
  void write_input(Object& out, const Attempt& attempt) const {
    out.set("event", text(attempt.event));
    Object bound;
    for (std::size_t i = 0; attempt.joined && i < attempt.joined->size(); ++i) bound.set(std::to_string(i), text((*attempt.joined)[i]));
    out.set("bound_events", attempt.joined ? Value(std::move(bound)) : Value());
  }
  void write_place(Object& out, const Attempt& attempt) const {
    out.set("scope_path", scope_path(attempt.scope));
    out.set("collection_release_payload", attempt.release ? Value(payload(attempt)) : Value());
    out.set("work_item_id", work_item_name(attempt.work_item));
  }

  Object payload(const Attempt& attempt) const {
    return {{"binding_id", attempt.event.as<CollectionReleaseEvent>()->binding_id},
            {"stream_id", stream_name(attempt.release->stream)},
            {"events", texts(attempt.release->events)},
            {"output_scope_path", scope_path(attempt.scope)}};
  }

  Object recoveries(const Attempt& attempt) const {
    Object out;
    for (const auto& [handler, count] : attempt.recoveries) out.set(plan_.steps[handler].name, count);
    return out;
  }

  Object write_attempt(const Attempt& attempt) const {
    Object out;
    write_input(out, attempt);
    const auto& last = attempt.last_failure;
    out.set("attempts", attempt.failures == 0 ? Value() : Value(attempt.failures));
    out.set("first_attempt_at", seconds(attempt.first_attempt_at));
    out.set("last_exception",
            last ? Value(Object{{"exception_type", last->error.exception_type}, {"exception_message", last->error.exception_message}})
                 : Value());
    out.set("last_failed_at", last ? seconds(last->at) : Value());
    out.set("recovery_counts", recoveries(attempt));
    out.set("not_before", seconds(attempt.not_before));
    write_place(out, attempt);
    if (attempt.published > 0) out.set("published", attempt.published);
    if (attempt.sent > 0) out.set("sent", attempt.sent);
    if (!attempt.edits.empty()) out.set("edits", write_edits(attempt.edits));
    return out;
  }

  Object write_waiter(const Waiter& waiter) const {
    Object out{{"waiter_id", waiter.id}};
    write_input(out, waiter.trigger);
    out.set("waiting_for_event", waiter.type->qualified_name);
    out.set("has_requirements", !waiter.requirements.empty());
    out.set("resolved_event", text_or_null(waiter.resolved));
    write_place(out, waiter.trigger);
    out.set("requirements", waiter.requirements);
    out.set("timed_out", waiter.timed_out);
    out.set("deadline", seconds(waiter.deadline));
    out.set("trigger", write_attempt(waiter.trigger));
    return out;
  }

  void write_stream(StreamId id, const Stream& stream, Object& streams, Object& releases) const {
    Value::Array bindings;
    for (const auto& binding : plan_.bindings) {
      if (binding.source != stream.source) continue;
      const auto name = binding_id(plan_, binding.source, binding.target);
      bindings.emplace_back(name);
      const auto arrivals = stream.arrivals.find(binding.target);
      const bool released = std::find(stream.released.begin(), stream.released.end(), binding.target) != stream.released.end();
      releases.set(stream_name(id) + ":" + name,
                   Object{{"binding_id", name},
                          {"stream_id", stream_name(id)},
                          {"buffer", arrivals == stream.arrivals.end() ? Value::Array() : texts(arrivals->second)},
                          {"released", released}});
    }
    streams.set(stream_name(id), Object{{"stream_id", stream_name(id)},
                                        {"source_step", plan_.steps[stream.source].name},
                                        {"scope_path", scope_path(stream.scope->outer)},
                                        {"open_work_items", stream.open_work_items},
                                        {"accepting_binding_ids", std::move(bindings)}});
  }

  Object recorded() const {
    Object out;
    for (StepIndex step = 0; step < state_.steps.size(); ++step) {
      Object by_item;
      for (const auto& [item, values] : state_.steps[step].recorded) {
        Object by_name;
        for (const auto& [name, json] : values) by_name.set(name, json);
        by_item.set(work_item_name(item), std::move(by_name));
      }
      if (!by_item.empty()) out.set(plan_.steps[step].name, std::move(by_item));
    }
    return out;
  }

  const Plan& plan_;
  const State& state_;
};

}  // namespace

Object save_context(const Plan& plan, const State& state, const std::map<std::string, Object>& states) {
  return ContextWriter(plan, state).write(states);
}

}  // namespace weir::engine
