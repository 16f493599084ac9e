#include "run_commits.hpp"

#include "actors/runtime/clock/exceptions.hpp"
#include "actors/runtime/messages/event_row.hpp"
#include "actors/runtime/messages/replaced_text.hpp"
#include "actors/runtime/recover/recovery.hpp"
#include "actors/runtime/step/invocation.hpp"
#include "resumption.hpp"

#include "actors/engine/reduce/edits.hpp"
#include "actors/engine/reduce/reduce.hpp"
#include "actors/engine/text/journal_codec.hpp"

#include <weir/assert.hpp>

#include <algorithm>
#include <iterator>

namespace weir::runtime {
namespace {

constexpr std::string_view may_still_be_done = "it may still be done when the store answers: try again with the same Idempotency-Key";

/// A store that throws, which none should, has not taken the commit.
Expected<bool> commit_now(Store& store, Commit commit) {
  try {
    return store.commit(std::move(commit));
  } catch (...) { return Error{Code::internal, "the store threw: " + describe_current_exception().exception_message}; }
}

/// A tick that the run has brought about itself.
bool is_progress(const engine::Tick& tick) {
  return !std::holds_alternative<engine::EventArrived>(tick) && !std::holds_alternative<engine::LimitsChanged>(tick) &&
         !std::holds_alternative<engine::StateEdited>(tick) && !std::holds_alternative<engine::BudgetExceeded>(tick);
}

}  // namespace

void RunCommits::Batch::answer(const Expected<Input::Became>& what) {
  for (auto* waiting : {&answers, &patient_answers})
    for (const auto& answer : std::exchange(*waiting, {})) answer(what);
}

RunCommits::RunCommits(Owner& owner, std::shared_ptr<LiveRun> run, SupervisorActor supervisor)
    : owner_(owner), run_(std::move(run)), supervisor_(std::move(supervisor)), row_(run_->row),
      state_(engine::initial_state(run_->workflow->plan)), replay_check_(ReplayCheck::if_asked(run_)), event_next_(row_.first_sequence),
      kept_from_(row_.first_sequence), durable_(run_->environment.store->durable()),
      pipelined_(durable_ && run_->environment.options.durability == Durability::pipelined),
      has_stored_states_(!run_->is_first_of_handler) {}

RunCommits::~RunCommits() {
  const Error gone{Code::unavailable, "the server is shutting down; " + std::string(may_still_be_done)};
  if (under_way_) under_way_->answer(gone);
  gathering_.answer(gone);
  for (const auto& input : backlog_)
    if (input.answer) input.answer(gone);
}

void RunCommits::enter(CommitEvent event) {
  const auto next = after(commit_state_, event);
  if (!next) {
    const auto wrong =
        "run " + row_.run_id + ": a commit that is " + std::string(to_string(commit_state_)) + " cannot " + std::string(to_string(event));
    WEIR_ASSERT(next, wrong.c_str());
  }
  commit_state_ = *next;
}

const RunCommits::UsedUp* RunCommits::find(const std::vector<UsedUp>& keys, const IdempotencyKey& key) {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const UsedUp& used) { return used.key == key.key; });
  return found == keys.end() ? nullptr : &*found;
}

void RunCommits::feed(Input input) {
  if (const auto* used = input.key ? find(used_keys_, *input.key) : nullptr) {
    if (input.answer) input.answer(used->became);
    return;
  }
  switch (commit_state_) {
    case CommitState::writing:
      if (joins_earlier(input)) return;
      if (pipelined_) take(gathering_, std::move(input));
      else backlog_.push_back(std::move(input));
      return;
    case CommitState::delayed:
    case CommitState::ending:
      if (!input.patient && input.answer) return input.answer(run_->environment.refusal());
      backlog_.push_back(std::move(input));
      return;
    case CommitState::idle:
    case CommitState::closed: break;
  }
  Batch batch;
  if (take(batch, std::move(input)) && commit_state_ == CommitState::idle) commit(std::move(batch));
}

/// What a pipelined run does before the disk knows of it: nothing that is seen outside, nothing that leaves the run, and no work behind
/// a run_once that is not recorded.
bool RunCommits::may_run_ahead(const engine::Command& command) const {
  const auto runs_child = [&](const engine::InvocationId& id) { return run_->workflow->plan.steps[id.step].runs_child; };
  if (const auto* run = std::get_if<engine::RunStep>(&command)) return !runs_child(run->id);
  if (const auto* stop = std::get_if<engine::StopStep>(&command)) return !runs_child(stop->id);
  return !std::holds_alternative<engine::PublishEvent>(command) && !std::holds_alternative<engine::AcknowledgeValue>(command) &&
         !std::holds_alternative<engine::FinishRun>(command);
}

std::optional<Error> RunCommits::refusal(engine::Reception reception, const engine::Sent& sent, bool strict) const {
  using engine::Reception;
  if (reception == Reception::full) return Error{Code::resource_exhausted, engine::no_room(state_, sent.event.type())};
  const bool taken = reception == Reception::taken || reception == Reception::kept;
  if (!strict || taken) return std::nullopt;
  return Error{Code::conflict, engine::not_taken(run_->workflow->plan, state_, sent.event.type())};
}

namespace {

Input::Answer unhandled(Input::Answer answer) {
  return [answer = std::move(answer)](const Expected<Input::Became>& became) {
    answer(became.ok() && *became == Input::Became::done ? Expected<Input::Became>(Input::Became::unhandled) : became);
  };
}

}  // namespace

bool RunCommits::take(Batch& batch, Input input) {
  auto& [tick, answer, key, patient, not_before, strict, held] = input;
  if (state_.over()) {
    if (answer) answer(Input::Became::too_late);
    return false;
  }
  const auto& plan = run_->workflow->plan;
  auto became = Input::Became::done;
  if (const auto* arrived = std::get_if<engine::EventArrived>(&tick)) {
    const auto reception = engine::reception(plan, state_, arrived->sent);
    if (const auto why = refusal(reception, arrived->sent, strict)) {
      if (answer) answer(*why);
      return false;
    }
    if (reception == engine::Reception::unhandled) became = Input::Became::unhandled;
  }
  const auto at = std::max(now(), not_before);
  if (auto* timed_out = std::get_if<engine::StepTimedOut>(&tick)) decide_retry(*timed_out, state_, *run_, at);
  const auto* ended = std::get_if<engine::StepEnded>(&tick);
  if (ended) run_->states.forget(ended->id.serial);
  try {
    auto commands = reduce(batch, std::move(tick), at);
    if (state_.over()) add_last_edits(batch, at);
    for (auto& command : commands) {
      if (pipelined_ && may_run_ahead(command)) owner_.act(command);
      else batch.commands.push_back(std::move(command));
    }
  } catch (...) {
    batch.broken = describe_current_exception().exception_message;
    state_ = engine::initial_state(plan);  // what it was went with the tick
    state_.status = engine::Status::failed;
  }
  if (answer && became == Input::Became::unhandled) answer = unhandled(std::move(answer));
  if (held) batch.held.push_back(std::move(held));
  if (answer) (patient ? batch.patient_answers : batch.answers).push_back(std::move(answer));
  if (!key) return true;
  key->unhandled = became == Input::Became::unhandled;
  batch.keys.push_back({key->key, became});
  batch.commit.keys.push_back(std::move(*key));
  return true;
}

bool RunCommits::joins_earlier(Input& input) {
  if (!input.key) return false;
  for (auto* batch : {under_way_ ? &*under_way_ : nullptr, &gathering_}) {
    const auto* used = batch ? find(batch->keys, *input.key) : nullptr;
    if (!used) continue;
    if (input.answer && used->became == Input::Became::unhandled) input.answer = unhandled(std::move(input.answer));
    if (input.answer) batch->answers.push_back(std::move(input.answer));
    return true;
  }
  return false;
}

/// The name of the step that the tick is about; empty when it is about none.
std::string_view RunCommits::step_of(const engine::Tick& tick) const {
  return std::visit(
      [&](const auto& t) -> std::string_view {
        if constexpr (requires { t.id.step; }) return run_->workflow->plan.steps.at(t.id.step).name;
        else return {};
      },
      tick);
}

std::vector<engine::Command> RunCommits::reduce(Batch& batch, engine::Tick tick, Time at) {
  const auto& plan = run_->workflow->plan;
  engine::Stamped stamped{++tick_last_, at, std::move(tick)};
  if (replay_check_) replay_check_->feed(stamped);
  if (on_trial_ && is_progress(stamped.tick)) got_further_ = true;
  if (std::holds_alternative<engine::BudgetExceeded>(stamped.tick)) batch.commit.handler = row_;
  const auto step = step_of(stamped.tick);
  if (!step.empty()) last_step_ = step;
  if (durable_) {
    const ReplacedText replaced(*run_->replaced_texts, step);
    batch.commit.ticks.push_back({static_cast<std::int64_t>(tick_last_), at, engine::encode_tick(plan, stamped.tick)});
  }
  auto outcome = engine::reduce(plan, std::move(state_), stamped);
  state_ = std::move(outcome.state);
  return std::move(outcome.commands);
}

void RunCommits::commit(Batch batch) {
  if (batch.broken) {
    enter(CommitEvent::refuse);
    const Error why{Code::internal, *batch.broken};
    batch.answer(why);
    return end_with(why);
  }
  add_visible(batch);
  add_states(batch);
  if (durable_) add_journal(batch);
  else if (!state_.over()) mark_idle(batch.commit);
  if (replay_check_) replay_check_->compare(state_);
  submit(std::move(batch));
}

void RunCommits::submit(Batch batch) {
  auto commit = std::exchange(batch.commit, {});
  batch.handler_changed = commit.handler.has_value();
  if (!commit.events.empty() && owner_.is_read()) batch.rows = std::make_shared<const std::vector<EventRow>>(commit.events);
  const bool nothing =
      commit.events.empty() && !commit.handler && commit.ticks.empty() && !commit.snapshot && commit.keys.empty() && !commit.states;
  if (nothing) return settle(std::move(batch));
  auto& environment = run_->environment;
  if (commit_state_ != CommitState::ending) enter(CommitEvent::submit);
  WEIR_ASSERT(!under_way_, "a run has one commit under way");
  under_way_ = std::move(batch);
  if (durable_)
    return environment.commits->submit(std::move(commit),
                                       [actor = supervisor_](const CommitNews& news) { compat::post(actor, Committed{news}); });
  const auto done = commit_now(*environment.store, std::move(commit));
  hear(done ? CommitNews{} : CommitNews{CommitNews::Kind::refused, done.error()});
}

void RunCommits::hear(const CommitNews& news) {
  switch (news.kind) {
    case CommitNews::Kind::durable: return on_durable();
    case CommitNews::Kind::delayed: return on_delayed();
    case CommitNews::Kind::refused: return on_refused(news.error);
  }
}

void RunCommits::on_durable() {
  WEIR_ASSERT(under_way_, "only what is under way becomes durable");
  if (commit_state_ == CommitState::ending) return ended_for_good();
  enter(CommitEvent::durable);
  settle(*std::exchange(under_way_, std::nullopt));
  take_gathered();
}

/// Clients are told, and what they sent that has not been taken in yet is dropped. A start is taken back, if the store does not have
/// it in its hands.
void RunCommits::on_delayed() {
  if (commit_state_ == CommitState::closed) return;
  enter(CommitEvent::delay);
  auto& environment = run_->environment;
  const auto dropped = environment.refusal();
  for (auto& input : std::exchange(backlog_, {})) {
    if (!input.patient && input.answer) input.answer(dropped);
    else backlog_.push_back(std::move(input));
  }
  if (commit_state_ == CommitState::ending) return;
  const bool refused_start = !begun_ && !pipelined_ && !under_way_->answers.empty();  // a pipelined run's steps have begun already
  if (refused_start && environment.commits->withdraw(row_.run_id)) {
    enter(CommitEvent::withdraw);
    state_.status = engine::Status::failed;
    under_way_->answer(dropped);
    gathering_.answer(dropped);
    return owner_.never_begun(dropped);
  }
  const auto uncertain = environment.store_health.refusal(may_still_be_done);
  for (auto* batch : {&*under_way_, &gathering_})
    for (const auto& answer : std::exchange(batch->answers, {})) answer(uncertain);
}

void RunCommits::on_refused(const Error& error) {
  if (commit_state_ == CommitState::ending) return ended_for_good();
  enter(CommitEvent::refuse);
  const Error why = begun_ ? Error{error.code, "it could not be stored: " + error.message} : error;
  std::exchange(under_way_, std::nullopt)->answer(why);
  end_with(why);
}

void RunCommits::settle(Batch batch) {
  const bool begins = !std::exchange(begun_, true);
  run_->starting_key.reset();
  event_next_ += batch.events;
  if (batch.events > 0) look_at_budget();
  for (auto& key : batch.keys) used_keys_.push_back(std::move(key));
  while (used_keys_.size() > used_keys_max) used_keys_.erase(used_keys_.begin());
  if (batch.ended) row_ = std::move(*batch.ended);
  if (row_.terminal()) enter(CommitEvent::close);
  if (batch.settles) owner_.settled();
  owner_.visible(batch.events > 0, std::move(batch.rows), begins || batch.handler_changed);
  for (auto& command : batch.commands) owner_.act(command);
  batch.answer(Input::Became::done);
  if (row_.terminal()) owner_.over();
}

void RunCommits::take_gathered() {
  auto next = std::exchange(gathering_, {});
  for (auto& input : std::exchange(backlog_, {})) take(next, std::move(input));
  const bool anything = !next.commit.ticks.empty() || next.broken;
  if (anything && commit_state_ == CommitState::idle) commit(std::move(next));
}

void RunCommits::end_with(const Error& why) {
  gathering_.answer(why);
  gathering_ = {};
  state_.status = engine::Status::failed;
  for (auto& input : std::exchange(backlog_, {}))
    if (input.answer) input.answer(why);
  if (durable_ && !begun_) {
    enter(CommitEvent::refuse);
    return owner_.never_begun(why);
  }
  if (const auto& log = run_->environment.options.log)
    log(LogLevel::error, "run " + row_.run_id + " of workflow '" + row_.workflow_name + "' stopped by an internal error: " + why.message);
  const WorkflowFailedEvent event{
      .step_name = "", .exception = {"weir.InternalError", why.message}, .attempts = std::nullopt, .elapsed_seconds = std::nullopt};
  Batch ending;
  ending.ended = row_;
  apply_ending(*ending.ended, {engine::Status::failed, event, why.message}, now());
  ending.events = 1;
  ending.commit = {.run_id = row_.run_id,
                   .events = {make_row(event_next_, now(), {event}, run_->replaced_texts)},
                   .handler = ending.ended,
                   .states = std::nullopt};
  submit(std::move(ending));
}

/// Also when even this could not be stored: then the run ends for those who wait, and is found unfinished by the next process.
void RunCommits::ended_for_good() {
  enter(CommitEvent::durable);
  row_ = *std::exchange(under_way_, std::nullopt)->ended;
  for (auto& input : std::exchange(backlog_, {}))
    if (input.answer) input.answer(Input::Became::too_late);
  owner_.visible(true, nullptr, true);
  owner_.over();
}

void RunCommits::load(const HandlerRow& row, RecoveredRun recovered) {
  row_ = row;
  state_ = std::move(recovered.state);
  if (replay_check_) replay_check_->came_back(*run_->environment.store, state_);
  tick_last_ = recovered.tick_last;
  event_next_ = recovered.event_next;
  past_history_ = event_next_ - row_.first_sequence > run_->environment.options.budget.history_rows_max;
  journal_bytes_ = recovered.journal_bytes;
  snapshot_bytes_ = recovered.snapshot_bytes;
  states_committed_ = run_->states.writes();
  begun_ = true;
  Batch batch;
  if (auto limits = engine::limits_of(run_->workflow->plan); limits != state_.limits) {
    batch.commands = reduce(batch, engine::LimitsChanged{std::move(limits)}, now());
    std::erase_if(batch.commands, [](const engine::Command& command) { return !std::holds_alternative<engine::PublishEvent>(command); });
  }
  for (auto& command : engine::pending(state_)) batch.commands.push_back(std::move(command));
  begin_trial(batch);
  commit(std::move(batch));
}

/// A run that is idle, or only waits for its children, cannot be what the process dies of.
void RunCommits::begin_trial(Batch& batch) {
  const auto runs_code = [this](const engine::Command& command) {
    const auto* run = std::get_if<engine::RunStep>(&command);
    return run && !run_->workflow->plan.steps[run->id.step].runs_child;
  };
  on_trial_ = !row_.idle_since && std::any_of(batch.commands.begin(), batch.commands.end(), runs_code);
  batch.settles = !on_trial_;
  if (!on_trial_) return;
  const auto resumes = run_->environment.resumption.resumes_of(row_);
  if (std::exchange(row_.resumes, resumes) != resumes) batch.commit.handler = row_;
}

void RunCommits::end_trial(Batch& batch) {
  on_trial_ = false;
  batch.settles = true;
  if (std::exchange(row_.resumes, 0) != 0 && !batch.ended) batch.commit.handler = row_;
}

void RunCommits::trial_passed() {
  if (!on_trial_ || commit_state_ != CommitState::idle || !run_->environment.resumption.others_wait()) return;
  Batch batch;
  batch.settles = true;
  if (row_.resumes > resumes_to_suspect) {
    row_.resumes = resumes_to_suspect;
    batch.commit.handler = row_;
  }
  commit(std::move(batch));
}

void RunCommits::fail(const std::string& why) {
  if (commit_state_ == CommitState::closed || commit_state_ == CommitState::ending) return;
  gathering_.broken = why;
  if (commit_state_ == CommitState::idle) take_gathered();
}

void RunCommits::left() const {
  if (replay_check_) replay_check_->left(*run_->environment.store, state_);
}

void RunCommits::close(const HandlerRow& row) {
  enter(CommitEvent::close);
  row_ = row;
  state_.status = engine::Status::cancelled;
}

}  // namespace weir::runtime
