#include "supervisor.hpp"

#include "actors/runtime/clock/exceptions.hpp"
#include "actors/runtime/live/registry.hpp"
#include "actors/runtime/messages/subscription.hpp"
#include "actors/runtime/read/event_log.hpp"
#include "actors/runtime/step/step_actor.hpp"
#include "hibernation.hpp"

namespace weir::runtime {

Supervisor::Supervisor(SupervisorActor::base* self, std::shared_ptr<LiveRun> run)
    : self_(self), run_(std::move(run)), commits_(*this, run_, SupervisorActor(self)), timers_(run_->environment.timers),
      steps_(run_->workflow->plan.steps.size()) {}

Supervisor::~Supervisor() {
  run_->stop.request_stop();
  for (const auto& step : steps_)
    if (step) compat::stop(step);
  if (waits_or_is_admitted_) run_->workflow->admission->leave(row().run_id);
  if (log_ && !row().terminal()) compat::stop(log_);
  for (const auto& reply : awaiting_) reply(row());
}

SupervisorActor::behavior_type Supervisor::make_behavior() {
  return {
      taking_request(&Supervisor::deliver),
      taking_request(&Supervisor::cancel),
      taking_request(&Supervisor::await_end),
      taking_request(&Supervisor::inspect),
      taking_request(&Supervisor::subscribe),
      taking(&Supervisor::start),
      taking(&Supervisor::step_reported),
      taking(&Supervisor::timer_fired),
      taking(&Supervisor::admitted),
      taking(&Supervisor::committed),
      taking(&Supervisor::resume),
      taking(&Supervisor::loaded),
      taking(&Supervisor::passed_on),
      taking(&Supervisor::hibernation_due),
      taking(&Supervisor::trial_passed),
      compat::on(self_, [this](Retire) { retire(); }),
  };
}

void Supervisor::step_reported(StepReport& report) {
  // A body that ends because it is asked to has not done its work: the next process repeats it.
  if (run_->environment.stopping) return;
  auto held = std::move(report.held);
  commits_.feed({.tick = to_tick(std::move(report)), .held = std::move(held)});
}
void Supervisor::admitted(Admitted&) { commits_.feed({engine::RunAdmitted()}); }
void Supervisor::committed(Committed& committed) { commits_.hear(committed.news); }

void Supervisor::start(StartRun& request) {
  auto answer = [this, started = std::move(request.started), ended = std::move(request.ended),
                 begun = row()](const Expected<Input::Became>& done) {
    if (started) started(done ? Expected<HandlerRow>(begun) : done.error());
    if (!ended) return;
    if (!done) ended(done.error());
    else awaiting_.push_back(ended);
  };
  commits_.feed({.tick = std::move(request.begin), .answer = std::move(answer), .key = std::move(request.key), .patient = request.patient});
}

void Supervisor::deliver(Deliver& request) {
  if (gone_) return request.reply(*gone_);
  auto answer = [reply = std::move(request.reply)](const Expected<Input::Became>& became) {
    if (!became) reply(became.error());
    else if (*became == Input::Became::too_late) reply(Error{Code::conflict, "Workflow already completed"});
    else reply(*became == Input::Became::done);
  };
  commits_.feed({.tick = engine::EventArrived{{std::move(request.event), request.target}},
                 .answer = std::move(answer),
                 .key = std::move(request.key),
                 .patient = false,
                 .strict = request.strict});
}

void Supervisor::cancel(CancelRun& request) {
  if (gone_) return request.reply(*gone_);
  auto answer = [reply = std::move(request.reply)](const Expected<Input::Became>& became) {
    reply(became ? Expected<bool>(*became == Input::Became::done) : became.error());
  };
  commits_.feed({.tick = engine::CancelRequested(), .answer = std::move(answer), .patient = request.patient});
}

void Supervisor::await_end(AwaitEnd& request) {
  if (gone_) request.reply(*gone_);
  else if (row().terminal()) request.reply(row());
  else awaiting_.push_back(std::move(request.reply));
}

void Supervisor::inspect(Inspect& request) { request.look(commits_.state()); }

void Supervisor::act(engine::Command& command) {
  if (auto* run = std::get_if<engine::RunStep>(&command)) run_step(*run);
  else if (auto* timer = std::get_if<engine::SetTimer>(&command)) timers_.set(*timer, SupervisorActor(self_));
  else if (const auto* clear = std::get_if<engine::ClearTimer>(&command)) timers_.clear(clear->timer);
  else if (std::holds_alternative<engine::AwaitAdmission>(command)) await_admission();
  else if (const auto* stop = std::get_if<engine::StopStep>(&command)) stop_step(stop->id);
  else if (const auto* value = std::get_if<engine::AcknowledgeValue>(&command))
    compat::send(self_, steps_[value->id.step], ResumeBody{value->id.serial});
}

void Supervisor::run_step(engine::RunStep& command) {
  auto& step = steps_[command.id.step];
  if (!step) step = compat::spawn<Step, StepActor>(self_->system(), run_, SupervisorActor(self_));
  if (!commits_.past_history()) return compat::send(self_, step, StartBody{std::move(command)});
  timers_.begin_in_turn(step, command, run_->environment.options.budget.steps_per_second_past_history);
}

void Supervisor::stop_step(engine::InvocationId id) {
  run_->states.forget(id.serial);
  timers_.drop_turn(id.serial);
  compat::send(self_, steps_[id.step], DropBody{id.serial});
}

void Supervisor::timer_fired(TimerFired& fired) {
  if (timers_.take_fired(fired.timer) && !hibernated_)
    commits_.feed({.tick = engine::to_tick(std::move(fired.tick)), .not_before = fired.due});
}

void Supervisor::await_admission() {
  // A run that was queued by a workflow that has no limit any more.
  if (!run_->workflow->admission) return compat::post(SupervisorActor(self_), Admitted());
  waits_or_is_admitted_ = true;
  run_->workflow->admission->enter(row().run_id, [actor = SupervisorActor(self_)] { compat::post(actor, Admitted()); });
}

void Supervisor::visible(bool events, SharedRows rows, bool row_changed) {
  if (row_changed) run_->environment.changes.tell(row());
  if (log_ && events)
    row().terminal() ? compat::send(self_, log_, RunOver{std::move(rows)}) : compat::send(self_, log_, Appended{std::move(rows)});
  if (!row().terminal()) watch_idleness();
}

void Supervisor::over() { leave(); }

void Supervisor::never_begun(const Error& why) {
  gone_ = why;
  leave();
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

void Supervisor::log(LogLevel level, const std::string& text) const {
  if (const auto& sink = run_->environment.options.log)
    sink(level, "run " + row().run_id + " of workflow '" + row().workflow_name + "'" + text);
}

/// The log is told of failures, and of everything steps do when the workflow asked for that.
void Supervisor::tell(const EventBox& event) const {
  if (const auto* failure = event.as<WorkflowFailedEvent>()) return log(LogLevel::error, failure_text(*failure));
  if (!run_->workflow->verbose) return;
  if (const auto* step = event.as<StepStateChanged>()) log(LogLevel::info, activity_text(*step));
}

void Supervisor::subscribe(Subscribe& request) {
  if (gone_) return request.subscription->end();
  if (commits_.durable()) remember_reader(request.subscription);
  // A log whose run is over leaves with its last reader: who comes now gets one of his own.
  if (!log_ || row().terminal()) log_ = compat::spawn<EventLog, EventLogActor>(self_->system(), run_->environment, row().terminal());
  compat::send(self_, log_, std::move(request));
}

void Supervisor::leave() {
  settled();
  run_->stop.request_stop();
  timers_.clear_all();
  for (auto& step : steps_)
    if (auto actor = std::exchange(step, nullptr)) compat::stop(actor);
  if (std::exchange(waits_or_is_admitted_, false)) run_->workflow->admission->leave(row().run_id);
  const auto end = gone_ ? Expected<HandlerRow>(*gone_) : Expected<HandlerRow>(row());
  for (const auto& reply : std::exchange(awaiting_, {})) reply(end);
  run_->environment.registry.remove(row().handler_id, row().run_id);
  compat::send(self_, SupervisorActor(self_), Retire());
}

}  // namespace weir::runtime
