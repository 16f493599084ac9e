#include "supervisor.hpp"

#include "event_log.hpp"
#include "event_row.hpp"
#include "invocation.hpp"
#include "registry.hpp"
#include "step_actor.hpp"

#include "../engine/journal_codec.hpp"
#include "../engine/reduce.hpp"

namespace weir::runtime {
namespace {

HandlerStatus handler_status(engine::Status status) {
  switch (status) {
    case engine::Status::running: return HandlerStatus::running;
    case engine::Status::completed: return HandlerStatus::completed;
    case engine::Status::failed: return HandlerStatus::failed;
    case engine::Status::cancelled: return HandlerStatus::cancelled;
  }
  return HandlerStatus::failed;
}

void apply_ending(HandlerRow& row, const engine::FinishRun& ending, Time at) {
  row.status = handler_status(ending.status);
  row.error = ending.error;
  if (ending.status == engine::Status::completed) row.result = envelope_json(ending.terminal);
  row.updated_at = at;
  row.completed_at = at;
}

}  // namespace

Supervisor::Supervisor(SupervisorActor::base* self, std::shared_ptr<LiveRun> run)
    : self_(self), run_(std::move(run)), row_(run_->row), state_(engine::initial_state(run_->workflow->plan)),
      steps_(run_->workflow->plan.steps.size()) {}

Supervisor::~Supervisor() {
  run_->stop.request_stop();
  for (const auto& [timer, id] : timers_) run_->environment.timers.cancel(id);
  for (const auto& step : steps_)
    if (step) compat::stop(step);
  if (waits_or_is_admitted_) run_->workflow->admission->leave(row_.run_id);
  if (log_ && !row_.terminal()) compat::stop(log_);
  for (const auto& reply : awaiting_) reply(row_);
}

SupervisorActor::behavior_type Supervisor::make_behavior() {
  return {
      compat::on(self_,
                 [this](StartRun& m) {
                   const auto begun = m.started ? row_ : HandlerRow();
                   if (m.ended) awaiting_.push_back(std::move(m.ended));
                   feed(std::move(m.begin));
                   if (m.started) m.started(begun);
                 }),
      compat::on(self_, [this](Deliver& m) { deliver(m); }),
      compat::on(self_, [this](CancelRun& m) { cancel(m); }),
      compat::on(self_,
                 [this](AwaitEnd& m) {
                   if (row_.terminal()) m.reply(row_);
                   else awaiting_.push_back(std::move(m.reply));
                 }),
      compat::on(self_, [this](StepReport& m) { feed(to_tick(std::move(m))); }),
      compat::on(self_, [this](TimerFired& m) { timer_fired(m); }),
      compat::on(self_, [this](Admitted) { feed(engine::RunAdmitted()); }),
      compat::on(self_, [this](Inspect& m) { m.look(state_); }),
      compat::on(self_, [this](ResumeRun& m) { resume(m); }),
      compat::on(self_, [this](Subscribe& m) { subscribe(m); }),
      compat::on(self_, [this](Retire) { self_->quit(); }),
  };
}

bool Supervisor::feed(engine::Tick tick) {
  if (state_.over()) return true;
  const auto& plan = run_->workflow->plan;
  const auto at = now();
  ++tick_last_;
  try {
    if (run_->environment.store->durable()) ticks_.push_back({static_cast<std::int64_t>(tick_last_), at, engine::encode_tick(plan, tick)});
    auto outcome = engine::reduce(plan, std::move(state_), {tick_last_, at, std::move(tick)});
    state_ = std::move(outcome.state);
    return execute(std::move(outcome.commands));
  } catch (const std::exception& error) { return broken(error.what()); }
}

bool Supervisor::execute(std::vector<engine::Command> commands) {
  const auto at = now();
  Commit commit{.run_id = row_.run_id, .events = {}, .handler = std::nullopt, .states = std::nullopt};
  commit.events.reserve(commands.size());
  auto next = event_next_;  // counts only when the commit succeeds
  std::optional<HandlerRow> ended;
  for (auto& command : commands) {
    if (auto* publish = std::get_if<engine::PublishEvent>(&command)) {
      tell(publish->event);
      commit.events.push_back(make_row(next++, at, std::move(publish->event)));
    } else if (const auto* ending = std::get_if<engine::FinishRun>(&command)) {
      ended = row_;
      apply_ending(*ended, *ending, at);
      commit.handler = ended;
      commit.states = run_->states_to_keep();
    }
  }
  const bool visible = !commit.events.empty();
  if (!ticks_.empty()) add_journal(commit);
  if (visible || commit.handler || !commit.ticks.empty())
    if (auto done = run_->environment.store->commit(std::move(commit)); !done) return broken(done.error().message);
  event_next_ = next;
  if (ended) row_ = std::move(*ended);
  if (visible && log_) row_.terminal() ? compat::send(self_, log_, RunOver()) : compat::send(self_, log_, Appended());
  for (auto& command : commands) act(command);
  if (row_.terminal()) finished();
  return true;
}

/// In a durable run every tick is recorded, and what steps keep goes with what they did.
void Supervisor::add_journal(Commit& commit) {
  commit.ticks = std::exchange(ticks_, {});
  const auto writes = run_->states.writes();
  if (writes != std::exchange(states_committed_, writes) && !commit.states) commit.states = run_->states.snapshot();
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
  auto tick = engine::to_tick(std::move(fired.tick));
  if (auto* timed_out = std::get_if<engine::StepTimedOut>(&tick); timed_out && !state_.over())
    decide_retry(*timed_out, state_, *run_, now());
  feed(std::move(tick));
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

void Supervisor::resume(ResumeRun& request) {
  state_ = std::move(request.state);
  tick_last_ = request.tick_last;
  event_next_ = request.event_next;
  states_committed_ = run_->states.writes();
  if (run_->workflow->admission && !state_.queued) {  // it had its place before
    waits_or_is_admitted_ = true;
    run_->workflow->admission->enter(row_.run_id, [] {});
  }
  execute(engine::pending(state_));
}

void Supervisor::deliver(Deliver& request) {
  if (state_.over()) return request.reply(Error{Code::conflict, "Workflow already completed"});
  if (feed(engine::EventArrived{{std::move(request.event), request.target}})) return request.reply(true);
  request.reply(Error{Code::internal, "the event was not stored: " + row_.error});
}

void Supervisor::cancel(CancelRun& request) {
  const bool was_running = !state_.over();
  feed(engine::CancelRequested());
  request.reply(was_running);
}

void Supervisor::subscribe(Subscribe& request) {
  if (!log_) log_ = compat::spawn<EventLog, EventLogActor>(self_->system(), run_->environment, row_.terminal());
  compat::send(self_, log_, std::move(request));
}

/// The engine or the store failed: the run cannot go on, and nobody may be left waiting for it.
bool Supervisor::broken(const std::string& why) {
  if (row_.terminal()) return false;
  if (const auto& log = run_->environment.options.log)
    log(LogLevel::error, "run " + row_.run_id + " of workflow '" + row_.workflow_name + "' stopped by an internal error: " + why);
  const WorkflowFailedEvent event{
      .step_name = "", .exception = {"weir.InternalError", why}, .attempts = std::nullopt, .elapsed_seconds = std::nullopt};
  const engine::FinishRun ending{engine::Status::failed, event, why};
  state_.status = engine::Status::failed;
  apply_ending(row_, ending, now());
  Commit commit{.run_id = row_.run_id, .events = {make_row(event_next_++, now(), event)}, .handler = row_, .states = std::nullopt};
  (void)run_->environment.store->commit(std::move(commit)).ok();
  if (log_) compat::send(self_, log_, RunOver());
  finished();
  return false;
}

void Supervisor::finished() {
  run_->stop.request_stop();
  for (const auto& [timer, id] : std::exchange(timers_, {})) run_->environment.timers.cancel(id);
  for (auto& step : steps_)
    if (auto actor = std::exchange(step, nullptr)) compat::stop(actor);
  if (std::exchange(waits_or_is_admitted_, false)) run_->workflow->admission->leave(row_.run_id);
  for (const auto& reply : std::exchange(awaiting_, {})) reply(row_);
  run_->environment.registry->remove(row_.handler_id, row_.run_id);
  compat::send(self_, SupervisorActor(self_), Retire());
}

}  // namespace weir::runtime
