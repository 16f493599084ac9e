#include "supervisor.hpp"

#include "event_log.hpp"
#include "event_row.hpp"
#include "registry.hpp"
#include "step_actor.hpp"

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
  for (const auto& timer : timers_) run_->environment.timers.cancel(timer);
  for (const auto& step : steps_)
    if (step) compat::stop(step);
  if (log_ && !row_.terminal()) compat::stop(log_);
  for (const auto& reply : awaiting_) reply(row_);
}

SupervisorActor::behavior_type Supervisor::make_behavior() {
  return {
      compat::on(self_,
                 [this](StartRun& m) {
                   const auto begun = m.started ? row_ : HandlerRow();
                   if (m.ended) awaiting_.push_back(std::move(m.ended));
                   feed(engine::RunStarted{std::move(m.start)});
                   if (m.started) m.started(begun);
                 }),
      compat::on(self_, [this](Deliver& m) { deliver(m); }),
      compat::on(self_, [this](CancelRun& m) { cancel(m); }),
      compat::on(self_,
                 [this](AwaitEnd& m) {
                   if (row_.terminal()) m.reply(row_);
                   else awaiting_.push_back(std::move(m.reply));
                 }),
      compat::on(self_, [this](StepReport& m) { std::visit([this](auto& report) { feed(std::move(report)); }, m.report); }),
      compat::on(self_, [this](TimerFired& m) { feed(engine::to_tick(std::move(m.tick))); }),
      compat::on(self_, [this](Subscribe& m) { subscribe(m); }),
      compat::on(self_, [this](Retire) { self_->quit(); }),
  };
}

void Supervisor::feed(engine::Tick tick) {
  if (state_.over()) return;
  try {
    auto outcome = engine::reduce(run_->workflow->plan, std::move(state_), {++tick_last_, now(), std::move(tick)});
    state_ = std::move(outcome.state);
    execute(std::move(outcome.commands));
  } catch (const std::exception& error) { broken(error.what()); }
}

void Supervisor::execute(std::vector<engine::Command> commands) {
  const auto at = now();
  Commit commit{.run_id = row_.run_id, .events = {}, .handler = std::nullopt, .state = std::nullopt};
  commit.events.reserve(commands.size());
  for (auto& command : commands) {
    if (auto* publish = std::get_if<engine::PublishEvent>(&command)) {
      commit.events.push_back(make_row(event_next_++, at, std::move(publish->event)));
    } else if (const auto* ending = std::get_if<engine::FinishRun>(&command)) {
      apply_ending(row_, *ending, at);
      commit.handler = row_;
      commit.state = run_->state_to_keep();
    }
  }
  const bool visible = !commit.events.empty();
  if (visible || commit.handler)
    if (auto done = run_->environment.store->commit(std::move(commit)); !done) return broken(done.error().message);
  if (visible && log_) row_.terminal() ? compat::send(self_, log_, RunOver()) : compat::send(self_, log_, Appended());
  for (auto& command : commands) act(command);
  if (row_.terminal()) finished();
}

void Supervisor::act(engine::Command& command) {
  if (auto* run = std::get_if<engine::RunStep>(&command)) run_step(*run);
  else if (auto* timer = std::get_if<engine::SetTimer>(&command)) set_timer(*timer);
  else if (const auto* value = std::get_if<engine::AcknowledgeValue>(&command))
    compat::send(self_, steps_[value->id.step], ResumeBody{value->id.serial});
}

void Supervisor::run_step(engine::RunStep& command) {
  auto& step = steps_[command.id.step];
  if (!step) step = compat::spawn<Step, StepActor>(self_->system(), run_, SupervisorActor(self_));
  compat::send(self_, step, StartBody{std::move(command)});
}

void Supervisor::set_timer(engine::SetTimer& timer) {
  timers_.push_back(run_->environment.timers.at(
      timer.due, [actor = SupervisorActor(self_), tick = std::move(timer.tick)] { compat::post(actor, TimerFired{tick}); }));
}

void Supervisor::deliver(Deliver& request) {
  if (state_.over()) return request.reply(Error{Code::conflict, "Workflow already completed"});
  feed(engine::EventArrived{{std::move(request.event), request.target}});
  request.reply(true);
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
void Supervisor::broken(const std::string& why) {
  if (row_.terminal()) return;
  if (const auto& log = run_->environment.options.log)
    log(LogLevel::error, "run " + row_.run_id + " of workflow '" + row_.workflow_name + "' stopped by an internal error: " + why);
  const WorkflowFailedEvent event{
      .step_name = "", .exception = {"weir.InternalError", why}, .attempts = std::nullopt, .elapsed_seconds = std::nullopt};
  const engine::FinishRun ending{engine::Status::failed, event, why};
  state_.status = engine::Status::failed;
  apply_ending(row_, ending, now());
  Commit commit{.run_id = row_.run_id, .events = {make_row(event_next_++, now(), event)}, .handler = row_, .state = std::nullopt};
  (void)run_->environment.store->commit(std::move(commit)).ok();
  if (log_) compat::send(self_, log_, RunOver());
  finished();
}

void Supervisor::finished() {
  run_->stop.request_stop();
  for (const auto& timer : std::exchange(timers_, {})) run_->environment.timers.cancel(timer);
  for (auto& step : steps_)
    if (auto actor = std::exchange(step, nullptr)) compat::stop(actor);
  for (const auto& reply : std::exchange(awaiting_, {})) reply(row_);
  run_->environment.registry->remove(row_.handler_id, row_.run_id);
  compat::send(self_, SupervisorActor(self_), Retire());
}

}  // namespace weir::runtime
