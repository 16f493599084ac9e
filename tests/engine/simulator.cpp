#include "simulator.hpp"

#include "actors/engine/text/named_json.hpp"

#include <sstream>
#include <stdexcept>

namespace simulator {
namespace {

std::string bare(const std::optional<std::string>& class_text) {
  if (!class_text) return "null";
  auto text = *class_text;
  if (text.starts_with("<class '")) text = text.substr(8, text.size() - 10);
  const auto dot = text.rfind('.');
  return dot == text.npos ? text : text.substr(dot + 1);
}

std::string line(const EventBox& event) {
  if (const auto* step = event.as<StepStateChanged>()) {
    if (step->step_state == "running") return "R " + step->name + "[" + step->worker_id + "] " + bare(step->input_event_name);
    if (step->step_state == "preparing") return "P " + step->name + " " + bare(step->input_event_name);
    return "E " + step->name + "[" + step->worker_id + "] " + bare(step->input_event_name) + "->" + bare(step->output_event_name);
  }
  const auto value = to_json(event.value());
  return event.type().name + (value == "{}" ? "" : value);
}

}  // namespace

Simulation::Simulation(Plan plan, std::map<std::string, Body> bodies)
    : plan_(std::move(plan)), bodies_(std::move(bodies)), state_(initial_state(plan_)), shadow_(plan_),
      time_(std::chrono::hours(24 * 365 * 50)) {}

void Simulation::send(Duration at, EventBox event, std::optional<StepIndex> target) {
  schedule(time_ + at, EventArrived{{std::move(event), target}});
}
void Simulation::cancel(Duration at) { schedule(time_ + at, CancelRequested()); }
void Simulation::restore(std::shared_ptr<const State> state) { schedule(time_, RunRestored{std::move(state)}); }

Simulation::Due Simulation::schedule(Time due, Tick tick) {
  const Due key(due, ++order_);
  due_.emplace(key, std::move(tick));
  return key;
}

/// Whoever feeds a step's timeout decides whether the step is tried again.
Tick Simulation::verdict(Tick tick) const {
  if (auto* timed_out = std::get_if<StepTimedOut>(&tick)) timed_out->retry_after = retry_timed_out;
  return tick;
}

void Simulation::run(Duration until) {
  const auto limit = time_ + until;
  for (int steps = 0; !due_.empty() && due_.begin()->first.first <= limit && steps < 100000; ++steps) {
    auto next = due_.extract(due_.begin());
    time_ = next.key().first;
    apply({journal_.size() + 1, time_, std::move(next.mapped())});
  }
}

void Simulation::apply(Stamped stamped) {
  journal_.push_back(stamped);
  ++ticks_seen[stamped.tick.index()];
  shadow_.feed(stamped);
  auto outcome = reduce(plan_, std::move(state_), stamped);
  state_ = std::move(outcome.state);
  if (auto difference = shadow_.difference(state_)) throw std::logic_error("replay does not equal life: " + *difference);
  for (const auto& command : outcome.commands) execute(command);
}

void Simulation::execute(const Command& command) {
  ++commands_seen[command.index()];
  if (const auto* publish = std::get_if<PublishEvent>(&command)) {
    stream_.push_back(line(publish->event));
  } else if (const auto* timer = std::get_if<SetTimer>(&command)) {
    timers_[timer->timer] = schedule(timer->due, verdict(to_tick(timer->tick)));
  } else if (const auto* clear = std::get_if<ClearTimer>(&command)) {
    const auto found = timers_.find(clear->timer);
    if (found != timers_.end()) due_.erase(found->second);
  } else if (std::holds_alternative<AwaitAdmission>(command)) {
    if (admit_after) schedule(time_ + *admit_after, RunAdmitted());
  } else if (const auto* finish = std::get_if<FinishRun>(&command)) {
    ending_ = *finish;
  } else if (const auto* run = std::get_if<RunStep>(&command)) {
    auto action = bodies_.at(plan_.steps[run->id.step].name)(*run);
    for (auto& progress : action.progress) {
      progress.id = run->id;
      schedule(time_, progress);
    }
    for (auto& value : action.recorded) {
      value.id = run->id;
      schedule(time_, value);
    }
    if (!action.edits_in_states.empty()) schedule(time_, StateEdited{journal_.size(), {{run->id, action.edits_in_states}}});
    schedule(time_ + action.takes,
             StepEnded{run->id, action.published, action.sent, action.collects, action.answered, action.ending, action.edits});
  }
}

std::string Simulation::transcript() const {
  std::string out;
  for (const auto& entry : stream_) out += (out.empty() ? "" : " | ") + entry;
  return out;
}

namespace {

std::string text(const EventBox& event) { return event ? envelope_json(event) : "-"; }
std::string text(const ScopePtr& scope) {
  std::string out;
  for (auto at = scope; at; at = at->outer) out += std::to_string(at->stream) + "<";
  return out;
}
std::string text(std::optional<Time> time) { return time ? std::to_string(time->time_since_epoch().count()) : "-"; }
std::string text(const Snapshot& buffers) {
  std::string out;
  for (const auto& [name, buffer] : buffers) {
    out += name + "[";
    for (const auto& event : contents(buffer)) out += text(event) + ";";
    out += "]";
  }
  return out;
}
std::string text(const Attempt& attempt) {
  std::ostringstream out;
  out << text(attempt.event) << " failures=" << attempt.failures << " first=" << text(attempt.first_attempt_at)
      << " not_before=" << text(attempt.not_before) << " scope=" << text(attempt.scope) << " item=" << attempt.work_item
      << " effects=" << attempt.published << "," << attempt.sent << " edits=" << to_json(Value(write_edits(attempt.edits)));
  if (attempt.last_failure) out << " last=" << attempt.last_failure->error.exception_message << "@" << text(attempt.last_failure->at);
  for (const auto& [handler, count] : attempt.recoveries) out << " recovered" << handler << "x" << count;
  if (attempt.joined)
    for (const auto& event : *attempt.joined) out << " joined=" << text(event);
  if (attempt.release) out << " release=" << attempt.release->stream << "/" << attempt.release->events.size();
  return out.str();
}

}  // namespace

std::string dump(const State& state) {
  std::ostringstream out;
  out << status_name(state.status) << " started=" << state.started << " queued=" << state.queued << " held=" << state.held.size()
      << " deadline=" << text(state.deadline) << " last=" << state.work_item_last << "," << state.stream_last << "," << state.serial_last
      << "\n";
  for (std::size_t i = 0; i < state.steps.size(); ++i) {
    const auto& step = state.steps[i];
    out << "step " << i << " collected=" << text(step.collected) << "\n";
    for (const auto& attempt : step.queue) out << "  queued " << text(attempt) << "\n";
    for (const auto& [slot, running] : step.running)
      out << "  running[" << slot << "] #" << running.serial << " " << text(running.attempt) << " saw=" << text(running.collected)
          << " until=" << text(running.deadline) << "\n";
    for (const auto& [type, events] : step.arrivals)
      for (const auto& arrival : events) out << "  waits for its others " << arrival.order << " " << text(arrival.event) << "\n";
    for (const auto& waiter : step.waiters)
      out << "  waiter " << waiter.id << " " << waiter.type->name << to_json(waiter.requirements) << " until=" << text(waiter.deadline)
          << " resolved=" << (waiter.resolved ? text(*waiter.resolved) : "-") << " timed_out=" << waiter.timed_out << " "
          << text(waiter.trigger) << "\n";
    for (const auto& [item, values] : step.recorded)
      for (const auto& [name, json] : values) out << "  recorded " << item << " " << name << "=" << json << "\n";
  }
  for (const auto& [id, stream] : state.streams) {
    out << "stream " << id << " from " << stream.source << " open=" << stream.open_work_items << " scope=" << text(stream.scope);
    for (const auto& [target, events] : stream.arrivals) out << " " << target << ":" << events.size();
    for (const auto target : stream.released) out << " released" << target;
    out << "\n";
  }
  return out.str();
}

std::string dump(const std::vector<Command>& commands) {
  std::ostringstream out;
  for (const auto& command : commands) {
    out << command.index() << " ";
    if (const auto* run = std::get_if<RunStep>(&command)) {
      out << run->id.step << "[" << run->id.slot << "]#" << run->id.serial << " " << text(run->event) << " " << run->failures
          << text(run->collected);
      for (const auto& answer : run->answers) out << " " << answer.waiter_id << "=" << (answer.event ? text(*answer.event) : "timeout");
      for (const auto& [name, json] : run->recorded) out << " " << name << "=" << json;
    } else if (const auto* publish = std::get_if<PublishEvent>(&command)) {
      out << text(publish->event);
    } else if (const auto* timer = std::get_if<SetTimer>(&command)) {
      out << text(timer->due) << " " << timer->tick.index();
    } else if (const auto* finish = std::get_if<FinishRun>(&command)) {
      out << status_name(finish->status) << " " << finish->error;
    }
    out << "\n";
  }
  return out.str();
}

}  // namespace simulator
