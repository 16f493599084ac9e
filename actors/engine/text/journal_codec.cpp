#include "journal_codec.hpp"

#include "named_json.hpp"
#include "saved_context.hpp"
#include "state_codec.hpp"

#include <algorithm>
#include <map>

namespace weir::engine {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

class TickWriter {
public:
  explicit TickWriter(const Plan& plan) : plan_(plan) {}

  Object operator()(const RunStarted& t) const {
    return {{"tick", "run_started"}, {"event", write_named(t.start)}, {"limits", limits(t.limits)}};
  }
  Object operator()(const RunRestored& t) const {
    return {{"tick", "run_restored"}, {"state", write_state(plan_, *t.state)}, {"limits", limits(t.limits)}};
  }
  Object operator()(const RunAdmitted& t) const {
    Object out{{"tick", "run_admitted"}};
    if (t.keeps_early) out.set("keeps_early", true);
    return out;
  }
  Object operator()(const EventArrived& t) const { return {{"tick", "event_arrived"}, {"sent", write_named(plan_, t.sent)}}; }
  Object operator()(const StepProgressed& t) const {
    return with_edits(
        {{"tick", "step_progressed"}, {"id", id(t.id)}, {"published", write_named(t.published)}, {"sent", write_named(plan_, t.sent)}},
        t.edits);
  }
  Object operator()(const ValueRecorded& t) const {
    return {{"tick", "value_recorded"}, {"id", id(t.id)}, {"name", t.name}, {"json", t.json}};
  }
  Object operator()(const StepEnded& t) const {
    Value::Array collects, answered;
    for (const auto& call : t.collects) collects.emplace_back(collect(call));
    for (const auto& waiter : t.answered_waiters) answered.emplace_back(waiter);
    return with_edits({{"tick", "step_ended"},
                       {"id", id(t.id)},
                       {"published", write_named(t.published)},
                       {"sent", write_named(plan_, t.sent)},
                       {"collects", std::move(collects)},
                       {"answered", std::move(answered)},
                       {"ending", ending(t.ending)}},
                      t.edits);
  }
  Object operator()(const StepTimedOut& t) const {
    return {{"tick", "step_timed_out"}, {"id", id(t.id)}, {"retry_after", write_duration(t.retry_after)}};
  }
  Object operator()(const WaiterTimedOut& t) const {
    return {{"tick", "waiter_timed_out"}, {"step", plan_.steps[t.step].name}, {"waiter", t.waiter_id}};
  }
  Object operator()(const RetryDue& t) const { return {{"tick", "retry_due"}, {"due", write_time(t.due)}}; }
  Object operator()(const RunTimedOut&) const { return {{"tick", "run_timed_out"}}; }
  Object operator()(const CancelRequested&) const { return {{"tick", "cancel_requested"}}; }
  Object operator()(const LimitsChanged& t) const { return {{"tick", "limits_changed"}, {"limits", write_limits(plan_, t.limits)}}; }
  Object operator()(const BudgetExceeded& t) const {
    return {{"tick", "budget_exceeded"}, {"limit", t.limit}, {"max", t.max}, {"step_name", t.step_name}};
  }
  Object operator()(const StateEdited& t) const {
    Value::Array edits;
    for (const auto& [invocation, done] : t.edits) edits.emplace_back(with_edits({{"id", id(invocation)}}, done));
    return {{"tick", "state_edited"}, {"since", t.since}, {"invocations", std::move(edits)}};
  }

private:
  Object limits(const std::optional<Limits>& limits) const { return write_limits(plan_, limits ? *limits : limits_of(plan_)); }
  static Object with_edits(Object out, const Edits& edits) {
    if (!edits.empty()) out.set("edits", write_edits(edits));
    return out;
  }
  Object id(const InvocationId& id) const { return {{"step", plan_.steps[id.step].name}, {"slot", id.slot}, {"serial", id.serial}}; }
  static Object collect(const CollectCall& call) {
    Value::Array expected;
    for (const auto& [type, count] : call.expected) expected.emplace_back(Object{{"type", type->qualified_name}, {"count", count}});
    return {{"buffer", call.buffer},
            {"event", write_named(call.event)},
            {"expected", std::move(expected)},
            {"outcome", static_cast<int>(call.outcome)}};
  }
  static Object ending(const Ending& ending) {
    return std::visit(Overloaded{
                          [](const Returned& e) -> Object {
                            return {{"returned", write_named(e.events)}, {"fanned_out", e.fanned_out}};
                          },
                          [](const Failed& e) -> Object {
                            return {{"failed", Object{{"type", e.error.exception_type}, {"message", e.error.exception_message}}},
                                    {"retry_after", write_duration(e.retry_after)}};
                          },
                          [](const Suspended& e) -> Object {
                            Object out{{"suspended", e.waiter_id},
                                       {"type", e.type->qualified_name},
                                       {"requirements", e.requirements},
                                       {"publish", e.publish ? write_named(*e.publish) : Value()},
                                       {"timeout", write_duration(e.timeout)}};
                            if (e.receives) out.set("receives", true);
                            return out;
                          },
                      },
                      ending);
  }

  const Plan& plan_;
};

class TickReader : NamedReader {
public:
  using NamedReader::NamedReader;

  Expected<Tick> read(const Value& saved) {
    auto tick = read_kind(text_of(member(saved, "tick")), saved);
    if (!problem_.empty()) return Error{Code::failed_precondition, problem_};
    return tick;
  }

private:
  Tick read_kind(const std::string& kind, const Value& saved) {
    if (kind == "run_started") return RunStarted{event(member(saved, "event")), begun_with(saved)};
    if (kind == "run_restored") return restored(saved);
    if (kind == "run_admitted") return RunAdmitted{member(saved, "keeps_early").truthy()};
    if (kind == "event_arrived") return EventArrived{sent(member(saved, "sent"))};
    if (kind == "step_progressed") return step_progressed(saved);
    if (kind == "value_recorded") return ValueRecorded{id(saved), text_of(member(saved, "name")), text_of(member(saved, "json"))};
    if (kind == "step_ended") return step_ended(saved);
    if (kind == "step_timed_out") return StepTimedOut{id(saved), read_duration(member(saved, "retry_after"))};
    if (kind == "waiter_timed_out") return WaiterTimedOut{step(member(saved, "step")), text_of(member(saved, "waiter"))};
    if (kind == "retry_due") return RetryDue{Time(Duration(integer_of(member(saved, "due"))))};
    if (kind == "run_timed_out") return RunTimedOut();
    if (kind == "cancel_requested") return CancelRequested();
    if (kind == "state_edited") return state_edited(saved);
    if (kind == "limits_changed") return LimitsChanged{limits(member(saved, "limits"))};
    if (kind == "budget_exceeded")
      return BudgetExceeded{text_of(member(saved, "limit")), integer_of(member(saved, "max")), text_of(member(saved, "step_name"))};
    complain("a tick of the unknown kind '" + kind + "': it was recorded by another version of Weir");
    return CancelRequested();
  }

  InvocationId id(const Value& saved) {
    const auto& at = member(saved, "id");
    return {step(member(at, "step")), static_cast<Slot>(integer_of(member(at, "slot"))), read_number(member(at, "serial"))};
  }
  /// Journals of earlier versions say nothing: those had no mailboxes, and let a run be in which nothing could happen.
  std::optional<Limits> begun_with(const Value& saved) {
    if (const auto* written = saved.find("limits")) return limits(*written);
    auto out = limits_of(plan_);
    out.mailboxes.clear();
    out.ends_stuck = false;
    return out;
  }
  RunRestored restored(const Value& saved) {
    const auto* whole = saved.find("state");
    if (!whole) return restored_context(member(saved, "context"));
    auto read = read_state(plan_, *whole);
    if (read) return {std::make_shared<const State>(std::move(*read)), begun_with(saved)};
    complain(read.error().message);
    return {nullptr};
  }
  /// As earlier versions recorded it: without the numbers that only the run knows.
  RunRestored restored_context(const Value& context) {
    auto read = read_context(plan_, context);
    if (read && read->state) return {read->state, begun_with(Object())};
    complain(read ? "a restored run without a state" : read.error().message);
    return {nullptr};
  }
  CollectCall collect(const Value& saved) {
    CollectCall out{
        text_of(member(saved, "buffer")), event(member(saved, "event")), {}, static_cast<Collected>(integer_of(member(saved, "outcome")))};
    for (const auto& item : items(member(saved, "expected")))
      out.expected.emplace_back(type(text_of(member(item, "type"))), static_cast<std::uint32_t>(integer_of(member(item, "count"))));
    return out;
  }
  StepProgressed step_progressed(const Value& saved) {
    return {.id = id(saved),
            .published = events(member(saved, "published")),
            .sent = all_sent(member(saved, "sent")),
            .edits = read_edits(member(saved, "edits"))};
  }
  StateEdited state_edited(const Value& saved) {
    StateEdited out{.since = read_number(member(saved, "since")), .edits = {}};
    for (const auto& one : items(member(saved, "invocations"))) out.edits.emplace_back(id(one), read_edits(member(one, "edits")));
    return out;
  }
  StepEnded step_ended(const Value& saved) {
    StepEnded out{.id = id(saved),
                  .published = events(member(saved, "published")),
                  .sent = all_sent(member(saved, "sent")),
                  .collects = {},
                  .answered_waiters = {},
                  .ending = ending(member(saved, "ending")),
                  .edits = read_edits(member(saved, "edits"))};
    for (const auto& call : items(member(saved, "collects"))) out.collects.push_back(collect(call));
    for (const auto& waiter : items(member(saved, "answered"))) out.answered_waiters.push_back(text_of(waiter));
    return out;
  }
  Ending ending(const Value& saved) {
    if (const auto* returned = saved.find("returned")) return Returned{events(*returned), member(saved, "fanned_out").truthy()};
    if (const auto* error = saved.find("failed"))
      return Failed{{text_of(member(*error, "type")), text_of(member(*error, "message"))}, read_duration(member(saved, "retry_after"))};
    Suspended out{.waiter_id = text_of(member(saved, "suspended")),
                  .type = type(text_of(member(saved, "type"))),
                  .requirements = {},
                  .publish = {},
                  .timeout = read_duration(member(saved, "timeout")),
                  .receives = member(saved, "receives").truthy()};
    if (const auto& wanted = member(saved, "requirements"); wanted.is_object()) out.requirements = wanted.as_object();
    if (const auto& publish = member(saved, "publish"); !publish.is_null()) out.publish = event(publish);
    return out;
  }
};

std::string type_names(const std::vector<const EventType*>& types) {
  std::string out;
  for (const auto* type : types) out += (out.empty() ? "" : ", ") + type->name;
  return out;
}

std::map<std::string, std::string> lines_by_step(std::string_view signature) {
  std::map<std::string, std::string> out;
  while (!signature.empty()) {
    const auto end = std::min(signature.find('\n'), signature.size());
    const auto line = signature.substr(0, end);
    out[std::string(line.substr(0, line.find('(')))] = line;
    signature.remove_prefix(std::min(end + 1, signature.size()));
  }
  return out;
}

}  // namespace

std::string encode_tick(const Plan& plan, const Tick& tick) { return to_json(std::visit(TickWriter(plan), tick)); }

Expected<Tick> decode_tick(const Plan& plan, std::string_view text) {
  const auto saved = parse_json(text);
  if (!saved) return Error{Code::failed_precondition, "a tick that is no JSON: " + saved.error().message};
  return TickReader(plan).read(*saved);
}

std::string signature(const Plan& plan) {
  std::map<std::string, std::string> lines;
  for (const auto& step : plan.steps) {
    auto& line = lines[step.name];
    line = step.name + "(" + type_names(step.input == Input::join ? step.slots : step.accepts) + ")";
    if (step.input == Input::collect) line += step.take == 0 ? " collects all" : " collects " + std::to_string(step.take);
    line += " -> " + type_names(step.returns);
    if (step.fans_out()) line += " [" + type_names(step.returns_in_list) + "]";
  }
  std::string out;
  for (const auto& [name, line] : lines) out += line + "\n";
  return out;
}

std::string signature_difference(std::string_view recorded, std::string_view present) {
  const auto before = lines_by_step(recorded), now = lines_by_step(present);
  std::string out;
  const auto tell = [&](const std::string& what) { out += (out.empty() ? "" : "; ") + what; };
  for (const auto& [step, line] : before) {
    const auto found = now.find(step);
    if (found == now.end()) tell("step '" + step + "' is gone");
    else if (found->second != line) tell("step '" + step + "' was " + line + " and is " + found->second);
  }
  for (const auto& [step, line] : now)
    if (!before.contains(step)) tell("step '" + step + "' is new");
  return out;
}

}  // namespace weir::engine
