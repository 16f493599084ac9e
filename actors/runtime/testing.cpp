// The testing kit: the engine and the invocations of real runs, driven by one loop over virtual time instead of actors.
#include <weir/testing.hpp>

#include "actors/runtime/messages/event_row.hpp"
#include "actors/runtime/run/replay_check.hpp"
#include "actors/runtime/step/invocation.hpp"

#include "actors/engine/reduce/reduce.hpp"

#include <algorithm>
#include <future>
#include <stdexcept>

namespace weir::testing {

using runtime::Invocation;

struct WorkflowTest::Script {
  struct Answer {
    const EventType* question;
    Reply reply;
    Duration after;
  };
  runtime::WorkflowPtr workflow;
  std::vector<Answer> answers;
  std::vector<std::pair<Duration, EventBox>> sent;
  std::optional<Duration> cancel_after;
  Object state;
};

namespace {

/// What will happen, in the order of time, and of arrival within a moment.
class VirtualTime {
public:
  Time now() const { return now_; }
  void at(Time due, std::function<void()> action) {
    if (due != Time::max()) due_.emplace(std::pair(std::max(due, now_), ++order_), std::move(action));
  }
  void next(std::function<void()> action) { at(now_, std::move(action)); }
  bool step() {
    if (due_.empty()) return false;
    auto first = due_.extract(due_.begin());
    now_ = first.key().first;
    first.mapped()();
    return true;
  }

private:
  Time now_{std::chrono::sys_days(std::chrono::year(2000) / 1 / 1)};
  std::uint64_t order_ = 0;
  std::map<std::pair<Time, std::uint64_t>, std::function<void()>> due_;
};

using Answers = std::function<void(const EventBox& question, const std::function<void(Duration, EventBox)>& send)>;

/// One run: what supervisor and step actors do for a real one.
class VirtualRun final : public std::enable_shared_from_this<VirtualRun> {
public:
  VirtualRun(VirtualTime& time, runtime::WorkflowPtr workflow, std::string handler_id, NamedStates states, Answers answers)
      : time_(time),
        run_(std::make_shared<runtime::RunContext>(workflow, row_of(*workflow, std::move(handler_id)), std::move(states), log_)),
        state_(engine::initial_state(workflow->plan)), replay_check_(runtime::ReplayCheck::if_asked(run_)), answers_(std::move(answers)),
        began_(time.now()) {}

  void feed(engine::Tick tick) {
    if (state_.over()) return;
    if (auto* timed_out = std::get_if<engine::StepTimedOut>(&tick)) runtime::decide_retry(*timed_out, state_, *run_, time_.now());
    engine::Stamped stamped{++ticks_, time_.now(), std::move(tick)};
    if (replay_check_) replay_check_->feed(stamped);
    const auto* ended = std::get_if<engine::StepEnded>(&stamped.tick);
    if (ended) run_->states.forget(ended->id.serial);
    auto outcome = engine::reduce(run_->workflow->plan, std::move(state_), stamped);
    state_ = std::move(outcome.state);
    if (replay_check_) replay_check_->compare(state_);
    for (auto& command : outcome.commands) act(command);
  }
  void feed_later(Duration delay, engine::Tick tick) { feed_at(later(time_.now(), delay), std::move(tick)); }
  void feed_at(Time due, engine::Tick tick) {
    time_.at(due, [weak = weak_from_this(), tick = std::move(tick)] {
      if (const auto self = weak.lock()) self->feed(tick);
    });
  }

  std::function<void(EventBox)> on_publish;
  std::function<void(const engine::FinishRun&)> on_end;

  bool over() const { return state_.over(); }
  TestRun result() const;

private:
  class Runner;

  static HandlerRow row_of(const runtime::RegisteredWorkflow& workflow, std::string handler_id) {
    HandlerRow row;
    row.run_id = "run of " + handler_id;
    row.handler_id = std::move(handler_id);
    row.workflow_name = workflow.name;
    return row;
  }

  void act(engine::Command& command);
  void publish(EventBox event);
  void run_step(engine::RunStep& command);
  void resume(std::uint64_t serial);
  void keep(const std::shared_ptr<Invocation>& invocation, Invocation::Outcome outcome);

  VirtualTime& time_;
  const std::shared_ptr<const runtime::LogSink> log_ = std::make_shared<const runtime::LogSink>(log_to_stderr);
  std::shared_ptr<runtime::RunContext> run_;
  engine::State state_;
  std::unique_ptr<runtime::ReplayCheck> replay_check_;
  Answers answers_;
  Time began_;
  engine::Sequence ticks_ = 0;
  std::optional<engine::FinishRun> ending_;
  std::optional<Time> ended_;
  std::vector<StreamedEvent> events_;
  std::shared_ptr<runtime::StepRunner> runner_;
  std::map<std::uint64_t, std::shared_ptr<Invocation>> pending_;  ///< by serial
  std::map<std::pair<engine::StepIndex, engine::WorkItem>, std::shared_ptr<Invocation>> suspended_;
};

class VirtualChild final : public runtime::ChildRun {
public:
  explicit VirtualChild(std::shared_ptr<VirtualRun> run) : run_(std::move(run)) {}
  ~VirtualChild() override { run_->feed(engine::CancelRequested()); }

private:
  std::shared_ptr<VirtualRun> run_;
};

class VirtualRun::Runner final : public runtime::StepRunner {
public:
  explicit Runner(VirtualRun& run) : run_(run.weak_from_this()), time_(run.time_) { options_.log = nullptr; }

  Time now() const override { return time_.now(); }
  void report(runtime::StepReport report) override {
    do_at(time_.now(), [report = std::move(report)](VirtualRun& run) { run.feed(to_tick(report)); });
  }
  void resume(std::uint64_t serial) override { (void)resume_after(Duration::zero(), serial); }
  /// Virtual time stands still while something real is waited for.
  void resume_when_called(const std::function<void(std::function<void()>)>& begin, std::uint64_t serial) override {
    auto called = std::make_shared<std::promise<void>>();
    begin([called] { called->set_value(); });
    called->get_future().wait();
    resume(serial);
  }
  /// A run that is over hears nothing of it.
  std::shared_ptr<void> resume_after(Duration delay, std::uint64_t serial) override {
    do_at(later(time_.now(), delay), [serial](VirtualRun& run) { run.resume(serial); });
    return nullptr;
  }
  void run_blocking(std::function<void()> job) override { job(); }
  std::unique_ptr<runtime::ChildRun> start_child(runtime::ChildRequest request) override {
    const auto parent = run_.lock();
    auto child = std::make_shared<VirtualRun>(time_, request.workflow, request.handler_id, NamedStates(), parent->answers_);
    child->on_publish = request.publish;
    child->on_end = [ended = std::move(request.ended)](const engine::FinishRun& ending) {
      ended({runtime::handler_status(ending.status), ending.error, ending.terminal});
    };
    child->feed_later(Duration::zero(), engine::RunStarted{request.start});
    return std::make_unique<VirtualChild>(std::move(child));
  }
  const RuntimeOptions& options() const override { return options_; }

private:
  void do_at(Time due, std::function<void(VirtualRun&)> action) {
    time_.at(due, [weak = run_, action = std::move(action)] {
      if (const auto run = weak.lock()) action(*run);
    });
  }

  std::weak_ptr<VirtualRun> run_;
  VirtualTime& time_;
  RuntimeOptions options_;
};

void VirtualRun::act(engine::Command& command) {
  if (auto* published = std::get_if<engine::PublishEvent>(&command)) {
    publish(std::move(published->event));
  } else if (auto* run = std::get_if<engine::RunStep>(&command)) {
    run_step(*run);
  } else if (const auto* stop = std::get_if<engine::StopStep>(&command)) {
    pending_.erase(stop->id.serial);
  } else if (std::holds_alternative<engine::AwaitAdmission>(command)) {
    feed_later(Duration::zero(), engine::RunAdmitted());
  } else if (const auto* timer = std::get_if<engine::SetTimer>(&command)) {
    feed_at(timer->due, engine::to_tick(timer->tick));  // one that was cleared finds nothing to do
  } else if (const auto* value = std::get_if<engine::AcknowledgeValue>(&command)) {
    runner_->resume(value->id.serial);
  } else if (const auto* ending = std::get_if<engine::FinishRun>(&command)) {
    ending_ = *ending;
    ended_ = time_.now();
    run_->stop.request_stop();
    pending_.clear();
    suspended_.clear();
    if (on_end) on_end(*ending);
  }
}

void VirtualRun::publish(EventBox event) {
  events_.push_back({static_cast<std::int64_t>(events_.size()), time_.now(), event});
  const auto& type = event.type();
  if (on_publish && type.kind != Kind::internal && !type.is_a(event_type<StopEvent>())) on_publish(event);
  answers_(event, [this](Duration after, EventBox answer) { feed_later(after, engine::EventArrived{{std::move(answer), std::nullopt}}); });
}

void VirtualRun::run_step(engine::RunStep& command) {
  if (!runner_) runner_ = std::make_shared<Runner>(*this);
  const auto key = std::pair(command.id.step, command.work_item);
  if (const auto found = suspended_.find(key); found != suspended_.end()) {
    const auto invocation = found->second;
    suspended_.erase(found);
    if (invocation->answered_by(command)) return keep(invocation, invocation->continue_with(std::move(command)));
  }
  const auto invocation = std::make_shared<Invocation>(run_, runner_, std::move(command));
  keep(invocation, invocation->begin());
}

void VirtualRun::resume(std::uint64_t serial) {
  const auto found = pending_.find(serial);
  if (found == pending_.end()) return;
  const auto invocation = found->second;
  pending_.erase(found);
  keep(invocation, invocation->resume());
}

void VirtualRun::keep(const std::shared_ptr<Invocation>& invocation, Invocation::Outcome outcome) {
  if (outcome == Invocation::Outcome::pending) pending_[invocation->id().serial] = invocation;
  if (outcome == Invocation::Outcome::suspended) suspended_[{invocation->id().step, invocation->work_item()}] = invocation;
}

TestRun VirtualRun::result() const {
  TestRun out;
  out.events = events_;
  out.states = run_->states.snapshot();
  out.elapsed = ended_.value_or(time_.now()) - began_;
  if (ending_) {
    out.status = runtime::handler_status(ending_->status);
    out.error = ending_->error;
  }
  if (ending_) return out;
  for (const auto& wait : engine::awaited(run_->workflow->plan, state_)) out.waiting_for.push_back(wait.type->name);
  return out;
}

}  // namespace

std::map<std::string, int> TestRun::type_counts() const {
  std::map<std::string, int> out;
  for (const auto& entry : events)
    if (entry.event.type().kind != Kind::internal) ++out[entry.event.type().name];
  return out;
}

int TestRun::times_run(std::string_view step) const {
  return static_cast<int>(std::count_if(events.begin(), events.end(), [&](const StreamedEvent& entry) {
    const auto* change = entry.as<StepStateChanged>();
    return change && change->name == step && change->step_state == "running";
  }));
}

EventBox TestRun::stop_event() const {
  if (status == HandlerStatus::completed) return events.back().event;
  if (status == HandlerStatus::failed) throw RunFailed(error);
  if (status == HandlerStatus::cancelled) throw RunFailed("the run was cancelled");
  std::string wanted;
  for (const auto& type : waiting_for) wanted += (wanted.empty() ? "" : ", ") + type;
  throw RunFailed("the run has not ended" + (wanted.empty() ? ": nothing is left to happen in it"
                                                            : ": it waits for " + wanted + "; script it with answer() or send_at()"));
}

WorkflowTest::WorkflowTest(std::string class_name, std::shared_ptr<Workflow> workflow) : script_(std::make_unique<Script>()) {
  script_->workflow = runtime::prepare_workflow("test", std::move(class_name), std::move(workflow), {});
}
WorkflowTest::WorkflowTest(WorkflowTest&&) noexcept = default;
WorkflowTest::~WorkflowTest() = default;

WorkflowTest& WorkflowTest::add_answer(const EventType& question, Reply reply, Duration after) {
  script_->answers.push_back({&question, std::move(reply), after});
  return *this;
}
WorkflowTest& WorkflowTest::send_at(Duration after_start, EventBox event) {
  script_->sent.emplace_back(after_start, std::move(event));
  return *this;
}
WorkflowTest& WorkflowTest::cancel_at(Duration after_start) {
  script_->cancel_after = after_start;
  return *this;
}
WorkflowTest& WorkflowTest::with_state(Object state) {
  script_->state = std::move(state);
  return *this;
}

TestRun WorkflowTest::run(EventBox start, std::size_t ticks_max) {
  if (!start.type().is_a(*script_->workflow->start))
    throw std::invalid_argument("the workflow starts with " + script_->workflow->start->name + ", not with " + start.type().name);
  VirtualTime time;
  const Answers answers = [this](const EventBox& question, const std::function<void(Duration, EventBox)>& send) {
    for (const auto& answer : script_->answers)
      if (answer.question->same_as(question.type()))
        if (auto event = answer.reply(question)) send(answer.after, std::move(*event));
  };
  const auto run = std::make_shared<VirtualRun>(time, script_->workflow, "test", NamedStates{{"", script_->state}}, answers);
  run->feed(engine::RunStarted{std::move(start)});
  for (const auto& [after, event] : script_->sent) run->feed_later(after, engine::EventArrived{{event, std::nullopt}});
  if (script_->cancel_after) run->feed_later(*script_->cancel_after, engine::CancelRequested());
  std::size_t steps = 0;
  while (!run->over() && time.step())
    if (++steps > ticks_max)
      throw std::runtime_error("the run goes on after " + std::to_string(ticks_max) + " ticks: does it loop for ever?");
  return run->result();
}

}  // namespace weir::testing
