#include "supervisor.hpp"

#include "event_log.hpp"
#include "event_row.hpp"
#include "invocation.hpp"
#include "registry.hpp"
#include "step_actor.hpp"

#include "../engine/journal_codec.hpp"
#include "../engine/reduce.hpp"
#include "../engine/state_codec.hpp"

#include <algorithm>
#include <iterator>

namespace weir::runtime {
namespace {

void apply_ending(HandlerRow& row, const engine::FinishRun& ending, Time at) {
  row.idle_since = row.wake_at = std::nullopt;
  row.waiting_for.clear();
  row.status = handler_status(ending.status);
  row.error = ending.error;
  if (ending.status == engine::Status::completed) row.result = envelope_json(ending.terminal);
  row.updated_at = at;
  row.completed_at = at;
}

}  // namespace

Supervisor::Supervisor(SupervisorActor::base* self, std::shared_ptr<LiveRun> run)
    : self_(self), run_(std::move(run)), row_(run_->row), state_(engine::initial_state(run_->workflow->plan)),
      durable_(run_->environment.store->durable()), pipelined_(durable_ && run_->environment.options.durability == Durability::pipelined),
      has_stored_states_(!run_->is_first_of_handler), steps_(run_->workflow->plan.steps.size()) {}

Supervisor::~Supervisor() {
  run_->stop.request_stop();
  for (const auto& [timer, id] : timers_) run_->environment.timers.cancel(id);
  if (rest_timer_) run_->environment.timers.cancel(*rest_timer_);
  for (const auto& step : steps_)
    if (step) compat::stop(step);
  if (waits_or_is_admitted_) run_->workflow->admission->leave(row_.run_id);
  if (log_ && !row_.terminal()) compat::stop(log_);
  // Nobody learns any more what becomes of these.
  if (under_way_)
    for (const auto& after : under_way_->afters) after(Fate::failed);
  for (const auto& after : gathering_.afters) after(Fate::failed);
  for (const auto& input : backlog_)
    if (input.after) input.after(Fate::failed);
  for (const auto& reply : awaiting_) reply(row_);
}

SupervisorActor::behavior_type Supervisor::make_behavior() {
  return {
      compat::on(self_,
                 [this](StartRun& m) {
                   const auto begun = m.started ? row_ : HandlerRow();
                   if (m.ended) awaiting_.push_back(std::move(m.ended));
                   After after;
                   if (m.started)
                     after = [this, started = std::move(m.started), begun](Fate fate) {
                       if (fate == Fate::done) started(begun);
                       else started(Error{Code::internal, row_.error});
                     };
                   feed({std::move(m.begin), std::move(after), std::move(m.key)});
                 }),
      compat::on(self_, [this](Deliver& m) { deliver(m); }),
      compat::on(self_, [this](CancelRun& m) { cancel(m); }),
      compat::on(self_,
                 [this](AwaitEnd& m) {
                   if (pass_on(m)) return;
                   if (row_.terminal()) m.reply(row_);
                   else awaiting_.push_back(std::move(m.reply));
                 }),
      compat::on(self_, [this](StepReport& m) { feed({to_tick(std::move(m))}); }),
      compat::on(self_, [this](TimerFired& m) { timer_fired(m); }),
      compat::on(self_, [this](Admitted) { feed({engine::RunAdmitted()}); }),
      compat::on(self_,
                 [this](Inspect& m) {
                   if (!pass_on(m)) m.look(state_);
                 }),
      compat::on(self_, [this](const Committed& m) { committed(m.error); }),
      compat::on(self_, [this](ResumeRun) { resume(); }),
      compat::on(self_, [this](Rested) { rested(); }),
      compat::on(self_, [this](Subscribe& m) { subscribe(m); }),
      compat::on(self_, [this](Retire) { self_->quit(); }),
  };
}

void Supervisor::feed(Input input) {
  if (under_way_) {
    if (pipelined_) take(gathering_, std::move(input));
    else backlog_.push_back(std::move(input));
    return;
  }
  Batch batch;
  take(batch, std::move(input));
  commit(std::move(batch));
}

namespace {

/// What a pipelined run does before the disk knows of it: nothing that is seen outside, and no work behind a run_once that
/// is not recorded.
bool may_run_ahead(const engine::Command& command) {
  return !std::holds_alternative<engine::PublishEvent>(command) && !std::holds_alternative<engine::AcknowledgeValue>(command) &&
         !std::holds_alternative<engine::FinishRun>(command);
}

}  // namespace

void Supervisor::take(Batch& batch, Input input) {
  auto& [tick, after, key] = input;
  if (state_.over()) {
    if (after) after(Fate::over);
    return;
  }
  const auto& plan = run_->workflow->plan;
  const auto at = now();
  if (auto* timed_out = std::get_if<engine::StepTimedOut>(&tick)) decide_retry(*timed_out, state_, *run_, at);
  ++tick_last_;
  try {
    if (durable_) batch.commit.ticks.push_back({static_cast<std::int64_t>(tick_last_), at, engine::encode_tick(plan, tick)});
    auto outcome = engine::reduce(plan, std::move(state_), {tick_last_, at, std::move(tick)});
    state_ = std::move(outcome.state);
    for (auto& command : outcome.commands) {
      if (pipelined_ && may_run_ahead(command)) act(command);
      else batch.commands.push_back(std::move(command));
    }
  } catch (const std::exception& error) { batch.broken = error.what(); }
  if (after) batch.afters.push_back(std::move(after));
  if (key) batch.commit.keys.push_back(std::move(*key));
}

void Supervisor::commit(Batch batch) {
  if (batch.broken) return settle(std::move(batch), Error{Code::internal, *batch.broken});
  add_visible(batch);
  if (durable_) add_journal(batch.commit);
  else if (!state_.over()) mark_rest(batch.commit);
  add_states(batch);
  auto commit = std::exchange(batch.commit, {});
  batch.handler_changed = commit.handler.has_value();
  const bool nothing =
      commit.events.empty() && !commit.handler && commit.ticks.empty() && !commit.snapshot && commit.keys.empty() && !commit.states;
  if (nothing) return settle(std::move(batch), std::nullopt);
  auto& environment = run_->environment;
  if (!durable_) {
    const auto done = environment.store->commit(std::move(commit));
    return settle(std::move(batch), done ? std::nullopt : std::optional(done.error()));
  }
  under_way_ = std::move(batch);
  environment.commits->submit(std::move(commit), [actor = SupervisorActor(self_)](const Expected<bool>& done) {
    compat::post(actor, Committed{done ? std::nullopt : std::optional(done.error())});
  });
}

void Supervisor::add_visible(Batch& batch) {
  const auto at = now();
  auto& commit = batch.commit;
  commit.run_id = row_.run_id;
  commit.events.reserve(batch.commands.size());
  auto next = event_next_;
  for (auto& command : batch.commands) {
    if (auto* publish = std::get_if<engine::PublishEvent>(&command)) {
      tell(publish->event);
      commit.events.push_back(make_row(next++, at, std::move(*publish)));
    } else if (const auto* ending = std::get_if<engine::FinishRun>(&command)) {
      batch.ended = row_;
      apply_ending(*batch.ended, *ending, at);
      commit.handler = batch.ended;
    }
  }
  batch.events = next - event_next_;
}

/// In a durable run every tick is recorded.
void Supervisor::add_journal(Commit& commit) {
  if (!begun_) commit.begin = run_->row;
  if (!state_.over()) {
    mark_rest(commit);
    add_snapshot(commit);
  }
}

/// What steps keep goes with what they did.
void Supervisor::add_states(Batch& batch) {
  const auto writes = run_->states.writes();
  const bool changed = writes != std::exchange(states_committed_, writes);
  batch.commit.states_after = batch.events > 0 ? event_next_ : event_next_ - 1;
  if (batch.ended) keep_states(batch.commit, run_->states_to_keep());
  else if (changed || (durable_ && !begun_)) keep_states(batch.commit, run_->states.snapshot());
}

void Supervisor::keep_states(Commit& commit, NamedStates states) {
  std::erase_if(states, [](const auto& named) { return named.second.empty(); });
  if (states.empty() && !has_stored_states_) return;
  has_stored_states_ = true;
  commit.states = std::move(states);
}

/// Taken when the journal has outgrown the state, so that a run is resumed as fast after a million steps as after ten, and
/// writing snapshots costs no more than writing the journal.
void Supervisor::add_snapshot(Commit& commit) {
  constexpr std::size_t journal_bytes_min = 64 * 1024;
  for (const auto& tick : commit.ticks) journal_bytes_ += tick.text.size();
  if (journal_bytes_ < std::max(journal_bytes_min, 4 * snapshot_bytes_)) return;
  commit.snapshot = SnapshotRow{static_cast<std::int64_t>(tick_last_), engine::encode_state(run_->workflow->plan, state_)};
  commit.ticks.clear();
  snapshot_bytes_ = commit.snapshot->text.size();
  journal_bytes_ = 0;
}

namespace {

std::string awaited_json(const engine::Plan& plan, const engine::State& state) {
  const auto awaited = engine::awaited(plan, state);
  if (awaited.empty()) return {};
  Value::Array out;
  for (const auto& [type, step] : awaited) out.push_back(Object{{"event_type", type->name}, {"step", plan.steps[step].name}});
  return to_json(Value(std::move(out)));
}

}  // namespace

void Supervisor::mark_rest(Commit& commit) {
  const bool rests = engine::resting(state_);
  if (!rests && !row_.idle_since) return;
  const auto at = now();
  const auto wake_at = rests ? engine::next_due(state_) : std::nullopt;
  auto waiting_for = rests ? awaited_json(run_->workflow->plan, state_) : "";
  if (rests == row_.idle_since.has_value() && wake_at == row_.wake_at && waiting_for == row_.waiting_for) return;
  if (!rests) row_.idle_since.reset();
  else if (!row_.idle_since) row_.idle_since = at;
  row_.wake_at = wake_at;
  row_.waiting_for = std::move(waiting_for);
  row_.updated_at = at;
  if (commit.begin) commit.begin = row_;
  else commit.handler = row_;
}

void Supervisor::committed(const std::optional<Error>& error) {
  auto batch = std::move(*under_way_);
  under_way_.reset();
  settle(std::move(batch), error);
  auto next = std::exchange(gathering_, {});
  for (auto& input : std::exchange(backlog_, {})) take(next, std::move(input));
  if (error) {
    for (const auto& after : next.afters) after(Fate::failed);
  } else if (!next.commit.ticks.empty() || next.broken) {
    commit(std::move(next));
  }
}

void Supervisor::settle(Batch batch, const std::optional<Error>& error) {
  if (error) {
    broken(error->message);
  } else {
    const bool begins = !std::exchange(begun_, true);
    event_next_ += batch.events;
    if (batch.ended) row_ = std::move(*batch.ended);
    if (begins || batch.handler_changed) run_->environment.changes.tell(row_);
    if (log_ && batch.events > 0) row_.terminal() ? compat::send(self_, log_, RunOver()) : compat::send(self_, log_, Appended());
    for (auto& command : batch.commands) act(command);
  }
  if (!error && row_.terminal()) finished();
  else if (!error) watch_rest();
  for (const auto& after : batch.afters) after(error ? Fate::failed : Fate::done);
}

void Supervisor::act(engine::Command& command) {
  if (auto* run = std::get_if<engine::RunStep>(&command)) run_step(*run);
  else if (auto* timer = std::get_if<engine::SetTimer>(&command)) set_timer(*timer);
  else if (const auto* clear = std::get_if<engine::ClearTimer>(&command)) clear_timer(clear->timer);
  else if (std::holds_alternative<engine::AwaitAdmission>(command)) await_admission();
  else if (const auto* stop = std::get_if<engine::StopStep>(&command))
    compat::send(self_, steps_[stop->id.step], DropBody{stop->id.serial});
  else if (const auto* value = std::get_if<engine::AcknowledgeValue>(&command))
    compat::send(self_, steps_[value->id.step], ResumeBody{value->id.serial});
}

void Supervisor::run_step(engine::RunStep& command) {
  auto& step = steps_[command.id.step];
  if (!step) step = compat::spawn<Step, StepActor>(self_->system(), run_, SupervisorActor(self_));
  compat::send(self_, step, StartBody{std::move(command)});
}

void Supervisor::set_timer(engine::SetTimer& timer) {
  const auto fire = [actor = SupervisorActor(self_), number = timer.timer, tick = std::move(timer.tick)] {
    compat::post(actor, TimerFired{number, tick});
  };
  timers_[timer.timer] = run_->environment.timers.at(timer.due, fire);
}

void Supervisor::clear_timer(std::uint64_t timer) {
  const auto found = timers_.find(timer);
  if (found == timers_.end()) return;
  run_->environment.timers.cancel(found->second);
  timers_.erase(found);
}

void Supervisor::timer_fired(TimerFired& fired) {
  timers_.erase(fired.timer);
  if (!asleep_) feed({engine::to_tick(std::move(fired.tick))});
}

void Supervisor::await_admission() {
  waits_or_is_admitted_ = true;
  run_->workflow->admission->enter(row_.run_id, [actor = SupervisorActor(self_)] { compat::post(actor, Admitted()); });
}

namespace {

std::string failure_text(const WorkflowFailedEvent& failure) {
  const auto attempts = failure.attempts ? " after " + std::to_string(*failure.attempts) + " attempt(s)" : "";
  return " failed: step '" + failure.step_name + "'" + attempts + ": " + failure.exception.exception_type + ": " +
         failure.exception.exception_message;
}

std::string activity_text(const StepStateChanged& step) {
  const auto what = step.step_state == "running"     ? "runs on " + step.input_event_name.value_or("nothing")
                    : step.step_state == "preparing" ? std::string("waits for a worker")
                                                     : "ended with " + step.output_event_name.value_or("no result");
  return ": step '" + step.name + "' " + what;
}

}  // namespace

/// The log is told of failures, and of everything steps do when the workflow asked for that.
void Supervisor::tell(const EventBox& event) const {
  const auto& log = run_->environment.options.log;
  const auto* failure = event.as<WorkflowFailedEvent>();
  const auto* step = run_->workflow->verbose ? event.as<StepStateChanged>() : nullptr;
  if (!log || (!failure && !step)) return;
  const auto run = "run " + row_.run_id + " of workflow '" + row_.workflow_name + "'";
  if (failure) log(LogLevel::error, run + failure_text(*failure));
  if (step) log(LogLevel::info, run + activity_text(*step));
}

void Supervisor::deliver(Deliver& request) {
  if (pass_on(request)) return;
  const auto after = [this, reply = std::move(request.reply)](Fate fate) {
    if (fate == Fate::over && !row_.terminal() && !row_.error.empty()) reply(Error{Code::internal, row_.error});
    else if (fate == Fate::over) reply(Error{Code::conflict, "Workflow already completed"});
    else if (fate == Fate::failed) reply(Error{Code::internal, "the event was not stored: " + row_.error});
    else reply(true);
  };
  feed({engine::EventArrived{{std::move(request.event), request.target}}, after, std::move(request.key)});
}

void Supervisor::cancel(CancelRun& request) {
  if (pass_on(request)) return;
  feed({engine::CancelRequested(), [reply = std::move(request.reply)](Fate fate) { reply(fate != Fate::over); }});
}

void Supervisor::subscribe(Subscribe& request) {
  if (pass_on(request)) return;
  if (durable_) remember_reader(request.subscription);
  // A log whose run is over leaves with its last reader: who comes now gets one of his own.
  if (!log_ || row_.terminal()) log_ = compat::spawn<EventLog, EventLogActor>(self_->system(), run_->environment, row_.terminal());
  compat::send(self_, log_, std::move(request));
}

/// The engine or the store failed: the run cannot go on, and nobody may be left waiting for it.
void Supervisor::broken(const std::string& why) {
  if (row_.terminal()) return;
  if (const auto& log = run_->environment.options.log)
    log(LogLevel::error, "run " + row_.run_id + " of workflow '" + row_.workflow_name + "' stopped by an internal error: " + why);
  const WorkflowFailedEvent event{
      .step_name = "", .exception = {"weir.InternalError", why}, .attempts = std::nullopt, .elapsed_seconds = std::nullopt};
  const engine::FinishRun ending{engine::Status::failed, event, why};
  state_.status = engine::Status::failed;
  apply_ending(row_, ending, now());
  Commit commit{.run_id = row_.run_id,
                .begin = begun_ || !durable_ ? std::nullopt : std::optional(run_->row),
                .events = {make_row(event_next_++, now(), {event})},
                .handler = row_,
                .states = std::nullopt};
  (void)run_->environment.store->commit(std::move(commit)).ok();
  run_->environment.changes.tell(row_);
  if (log_) compat::send(self_, log_, RunOver());
  finished();
}

void Supervisor::finished() {
  run_->stop.request_stop();
  for (const auto& [timer, id] : std::exchange(timers_, {})) run_->environment.timers.cancel(id);
  if (rest_timer_) run_->environment.timers.cancel(*std::exchange(rest_timer_, std::nullopt));
  for (auto& step : steps_)
    if (auto actor = std::exchange(step, nullptr)) compat::stop(actor);
  if (std::exchange(waits_or_is_admitted_, false)) run_->workflow->admission->leave(row_.run_id);
  for (const auto& reply : std::exchange(awaiting_, {})) reply(row_);
  run_->environment.registry->remove(row_.handler_id, row_.run_id);
  compat::send(self_, SupervisorActor(self_), Retire());
}

}  // namespace weir::runtime
