#include "invocation.hpp"

#include "actors/runtime/clock/exceptions.hpp"
#include "actors/runtime/declare/resource_cache.hpp"
#include "actors/runtime/messages/replaced_text.hpp"

#include "actors/engine/reduce/edits.hpp"
#include "actors/engine/reduce/reduce.hpp"

#include <weir/envelope.hpp>

#include <algorithm>
#include <stdexcept>

namespace weir::runtime {
namespace {

const engine::Answer* find_answer(const engine::RunStep& command, const std::string& id) {
  for (const auto& answer : command.answers)
    if (answer.waiter_id == id) return &answer;
  return nullptr;
}

/// Each type once, with how many of it are expected in all.
engine::TypeCounts counted(const detail::ExpectedEvents& expected) {
  engine::TypeCounts out;
  for (const auto& [type, count] : expected) {
    const auto known = std::find_if(out.begin(), out.end(), [&](const auto& entry) { return entry.first->same_as(*type); });
    if (known == out.end()) out.emplace_back(type, count);
    else known->second += count;
  }
  return out;
}

/// The expected events in their own order; within a type by arrival.
std::vector<EventBox> ordered(std::vector<EventBox> arrived, const detail::ExpectedEvents& expected) {
  std::vector<EventBox> out;
  for (const auto& [type, count] : expected) {
    auto left = count;
    for (auto& event : arrived) {
      if (left == 0) break;
      if (!event || !event.type().same_as(*type)) continue;
      out.push_back(std::exchange(event, EventBox()));
      --left;
    }
  }
  return out;
}

/// The policy's verdict on a failure of the step; what a throwing condition says is added to the error.
std::optional<Duration> retry_after(const detail::StepSpec& spec, const RunContext& run, RetryAttempt attempt, ExceptionInfo& error) {
  if (!spec.retry) return std::nullopt;
  const auto seed = run.row.run_id + ":" + spec.name;
  attempt.seed = seed;
  try {
    return spec.retry->next(attempt);
  } catch (...) { error.exception_message += " (and its retry policy threw: " + describe_current_exception().exception_message + ")"; }
  return std::nullopt;
}

}  // namespace

Invocation::Invocation(std::shared_ptr<RunContext> run, std::shared_ptr<StepRunner> runner, engine::RunStep command)
    : run_(std::move(run)), runner_(std::move(runner)), command_(std::move(command)), context_(*this), input_(input()),
      known_published_(command_.published), known_sent_(command_.sent), edits_told_(command_.edits) {
  if (spec().timeout) own_stop_ = std::make_unique<OwnStop>(run_->stop.get_token());
}

Invocation::~Invocation() {
  {
    const CurrentContext current(own_thread());  // what its frame owns may look at the context once more
    task_ = {};
  }
  if (child_) run_->forwarded.remove(child_handler_id());
}

detail::StepInput Invocation::input() const {
  const auto& step = run_->workflow->plan.steps[command_.id.step];
  const auto as_declared = [&](const EventBox& event) {
    const auto* declared = engine::accepted_as(step, event.type());
    return declared ? event.upcast(*declared) : event;
  };
  if (command_.release) {
    detail::StepInput out{command_.event, {}, {}};
    out.batch.reserve(command_.release->events.size());
    for (const auto& event : command_.release->events) out.batch.push_back(as_declared(event));
    return out;
  }
  if (command_.joined) {
    detail::StepInput out{command_.event, {}, {}};
    for (std::size_t i = 0; i < step.slots.size(); ++i) out.batch.push_back((*command_.joined)[i].upcast(*step.slots[i]));
    return out;
  }
  return {as_declared(command_.event), {}, {}};
}

template <class F>
Invocation::Outcome Invocation::guarded(F&& body) {
  try {
    return body();
  } catch (...) { return report_failure(); }
}

/// While it lives, user code of the invocation runs on this thread or may.
class Invocation::UserCode {
public:
  explicit UserCode(const Invocation& invocation) : invocation_(invocation), bodies_(invocation.runner_->bodies()) {
    const auto& row = invocation.run_->row;
    if (bodies_) bodies_->begun(&invocation_, invocation.spec().name, row.run_id, row.workflow_name);
  }
  ~UserCode() {
    if (bodies_) bodies_->ended(&invocation_);
  }
  UserCode(const UserCode&) = delete;
  UserCode& operator=(const UserCode&) = delete;

private:
  const Invocation& invocation_;
  BodiesAtWork* bodies_;
};

Invocation::Outcome Invocation::begin() {
  return guarded([this] { return begin_at_once(); });
}

Invocation::Outcome Invocation::resume() {
  if (held_up()) return Outcome::pending;
  return guarded([this] { return go_on(); });
}

Invocation::Outcome Invocation::begin_at_once() {
  if (spec().child) return begin_child();
  if (spec().resources.empty() || resources_ready()) return begin_body();
  if (making_resources_) return Outcome::pending;  // on another thread: what it writes is looked at when it is done
  std::rethrow_exception(no_resources_);
}

bool Invocation::resources_ready() {
  const auto& flow = *run_->workflow->flow;
  if (auto ready = flow.resource_cache()->ready(flow.definition().resources, spec().resources)) {
    input_.resources = std::move(*ready);
    return true;
  }
  if (spec().blocking) {
    make_resources();
    return !no_resources_;
  }
  making_resources_ = true;
  runner_->run_blocking([self = shared_from_this()] {
    self->make_resources();
    self->runner_->resume(self->command_.id.serial);
  });
  return false;
}

void Invocation::make_resources() {
  const auto& flow = *run_->workflow->flow;
  const UserCode running(*this);
  try {
    input_.resources = flow.resource_cache()->resolve(flow.definition().resources, spec().resources);
  } catch (...) { no_resources_ = std::current_exception(); }
}

Invocation::Outcome Invocation::begin_body() {
  if (!spec().coroutine) return run_plain();
  return run_slice([this] {
    task_ = spec().coroutine(*run_->workflow->flow, context_, input_);
    task_.start();
  });
}

Invocation::Outcome Invocation::run_plain() {
  const auto began = std::chrono::steady_clock::now();
  detail::StepOutput output;
  {
    const UserCode running(*this);
    const CurrentContext current(own_thread());
    const ReplacedText replaced(*run_->replaced_texts, spec().name);
    output = spec().plain(*run_->workflow->flow, context_, input_);
  }
  if (!spec().blocking) warn_if_slow(began);
  return report(engine::Returned{std::move(output.events), output.fanned_out});
}

Invocation::Outcome Invocation::go_on() {
  sleep_.reset();
  if (child_) return child_ended();
  if (std::exchange(making_resources_, false)) {
    if (no_resources_) std::rethrow_exception(no_resources_);
    return begin_body();
  }
  return run_slice([this] { std::exchange(body_, nullptr).resume(); });
}

/// A coroutine from one suspension to the next.
template <class F>
Invocation::Outcome Invocation::run_slice(F&& slice) {
  const auto began = std::chrono::steady_clock::now();
  {
    const UserCode running(*this);
    const CurrentContext current(own_thread());
    const ReplacedText replaced(*run_->replaced_texts, spec().name);
    slice();
  }
  warn_if_slow(began);
  return after_slice();
}

Invocation::Outcome Invocation::continue_with(engine::RunStep command) {
  waiting_.reset();
  {
    const std::lock_guard lock(mutex_);
    command_ = std::move(command);
    closed_ = false;
    for (const auto& [name, view] : stores_) StateStores::hand_over(*view, command_.id.serial);
  }
  return resume();
}

bool Invocation::answered_by(const engine::RunStep& command) const { return waiting_ && find_answer(command, waiting_->options.id); }

Invocation::Outcome Invocation::after_slice() {
  if (task_.done()) {
    auto output = task_.take();
    return report(engine::Returned{std::move(output.events), output.fanned_out});
  }
  if (waiting_) {
    const auto& options = waiting_->options;
    report(engine::Suspended{options.id, waiting_->type, options.requirements, options.publish, options.timeout, waiting_->receives});
    return Outcome::suspended;
  }
  flush(true);
  return Outcome::pending;
}

Invocation::Outcome Invocation::report(engine::Ending ending) {
  engine::StepEnded ended{.id = command_.id,
                          .published = {},
                          .sent = {},
                          .collects = std::exchange(collects_, {}),
                          .answered_waiters = answered_,
                          .ending = std::move(ending)};
  std::shared_ptr<void> share;
  const std::lock_guard ordered(report_mutex_);
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    if (cut_off_) return Outcome::ended;
    ended.published = std::exchange(published_, {});
    ended.sent = std::exchange(sent_, {});
    ended.edits = new_edits();
    share = take_share();
  }
  runner_->report({std::move(ended), std::move(share)});
  return Outcome::ended;
}

Invocation::Outcome Invocation::report_failure() {
  auto error = describe_current_exception();
  return report(failed(std::move(error), std::current_exception()));
}

engine::Failed Invocation::failed(ExceptionInfo error, const std::exception_ptr& exception) const {
  RetryAttempt attempt{.failures = static_cast<int>(command_.failures) + 1, .elapsed = elapsed(), .error = error, .exception = exception};
  const auto delay = retry_after(spec(), *run_, std::move(attempt), error);
  return {std::move(error), delay};
}

void decide_retry(engine::StepTimedOut& timed_out, const engine::State& state, const RunContext& run, Time now) {
  const auto& running = state.steps.at(timed_out.id.step).running;
  const auto found = running.find(timed_out.id.slot);
  if (found == running.end()) return;
  const auto& attempt = found->second.attempt;
  auto error = engine::step_timeout_error(run.workflow->plan.steps[timed_out.id.step], state.limits.steps[timed_out.id.step]);
  timed_out.retry_after = retry_after(*run.workflow->specs[timed_out.id.step], run,
                                      {.failures = static_cast<int>(attempt.failures) + 1,
                                       .elapsed = std::max(between(attempt.first_attempt_at.value_or(now), now), Duration::zero()),
                                       .error = error},
                                      error);
}

StateStore& Invocation::store(const std::string& name) {
  require(Caller::body_or_job, "store");
  const std::lock_guard lock(mutex_);
  auto& view = stores_[name];
  if (!view) {
    const auto known = command_.edits.find(name);
    view = run_->states.view(name, command_.id.serial, known == command_.edits.end() ? std::vector<std::uint32_t>() : known->second);
  }
  return *view;
}

engine::Edits Invocation::new_edits() {
  auto all = edits_told_;
  for (const auto& [name, view] : stores_) engine::add_edits(all, {{name, StateStores::edits_of(*view)}});
  engine::Edits out;
  for (const auto& [name, runs] : all)
    if (const auto told = edits_told_.find(name); !runs.empty() && (told == edits_told_.end() || told->second != runs)) out[name] = runs;
  edits_told_ = std::move(all);
  return out;
}

std::optional<std::vector<EventBox>> Invocation::collect(const EventBox& event, const detail::ExpectedEvents& expected,
                                                         std::string_view buffer) {
  require(Caller::body, "collect_events");
  engine::BufferPtr seen;
  for (const auto& [name, content] : command_.collected)
    if (name == buffer) seen = content;
  // The body's copy of its trigger stands for the trigger itself; a join's may be another of its events.
  const bool is_trigger = !command_.joined && event.type().same_as(command_.event.type());
  const auto& entry = is_trigger ? command_.event : event;
  auto counts = counted(expected);
  const auto outcome = engine::decide(seen, entry.type(), counts);
  collects_.push_back({std::string(buffer), entry, std::move(counts), outcome});
  if (outcome != engine::Collected::fired) return std::nullopt;
  auto arrived = engine::contents(seen);
  arrived.push_back(entry);
  return ordered(std::move(arrived), expected);
}

bool Invocation::prepare_wait(detail::WaitRequest& request) {
  require(Caller::body, request.receives ? "receive" : "wait_for_event");
  const auto& type = request.type->name;
  if (request.receives && !engine::find_mailbox(run_->workflow->plan, *request.type))
    throw std::logic_error("ctx.receive<" + type + ">(): the workflow keeps no such events: declare mailbox<" + type +
                           ">() in its constructor");
  auto& id = request.options.id;
  if (id.empty())
    id = (request.receives ? "receive_" : "waiter_") + request.type->qualified_name + "_" + to_json(request.options.requirements) +
         "_work_item_" + std::to_string(command_.work_item);
  if (const auto repeated = ++wait_counts_[id]; repeated > 1) id += "#" + std::to_string(repeated);
  return find_answer(command_, id) != nullptr;
}

void Invocation::suspend_until_answered(const detail::WaitRequest& request, std::coroutine_handle<> body) {
  waiting_ = request;
  body_ = body;
}

EventBox Invocation::take_answer(const detail::WaitRequest& request) {
  answered_.push_back(request.options.id);
  const auto* answer = find_answer(command_, request.options.id);
  if (!answer || !answer->event) throw WaitTimeout("Timed out waiting for " + request.type->name);
  return *answer->event;
}

const std::string* Invocation::recorded(std::string& name) {
  require(Caller::body, "run_once");
  const auto given = name;
  for (int use = 2; !record_names_.insert(name).second; ++use) name = given + "#" + std::to_string(use);
  const auto found = command_.recorded.find(name);
  return found == command_.recorded.end() ? nullptr : &found->second;
}

void Invocation::suspend_until_recorded(const std::string& name, std::string json, std::coroutine_handle<> body) {
  body_ = body;
  flush(true);
  runner_->report({engine::ValueRecorded{command_.id, name, std::move(json)}});
}

void Invocation::suspend_for(Duration delay, std::coroutine_handle<> body) {
  require(Caller::body, "sleep");
  body_ = body;
  sleep_ = runner_->resume_after(delay, command_.id.serial);
}

void Invocation::suspend_for_blocking(std::function<void()> job, std::coroutine_handle<> body) {
  require(Caller::body, "blocking");
  body_ = body;
  // Holding the invocation keeps the frame that `job` refers to alive, even when the run ends meanwhile.
  runner_->run_blocking([self = shared_from_this(), job = std::move(job)] {
    {
      const UserCode running(*self);
      const CurrentContext current(self->own_thread(true));
      job();
    }
    self->runner_->resume(self->command_.id.serial);
  });
}

void Invocation::suspend_until_called(const std::function<void(std::function<void()>)>& begin, std::coroutine_handle<> body) {
  body_ = body;
  runner_->resume_when_called(begin, command_.id.serial);
}

Duration Invocation::elapsed() const { return std::max(between(command_.first_attempt_at, runner_->now()), Duration::zero()); }

RetryInfo Invocation::retry_info() const {
  RetryInfo out;
  out.retry_number = static_cast<int>(command_.failures);
  out.elapsed = elapsed();
  if (command_.last_failure) {
    out.last_exception = command_.last_failure->error;
    out.last_failed_at = command_.last_failure->at;
  }
  return out;
}

void Invocation::warn_if_slow(std::chrono::steady_clock::time_point began) const {
  const auto held = std::chrono::steady_clock::now() - began;
  const auto& options = runner_->options();
  if (held < options.slow_step || !options.log) return;
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(held).count();
  options.log(LogLevel::warning, "step '" + spec().name + "' of workflow '" + run_->row.workflow_name + "' held an actor thread for " +
                                     std::to_string(milliseconds) +
                                     " ms, so other runs had to wait. Declare it .blocking(), or make it a " +
                                     "coroutine that awaits ctx.blocking(...) or ctx.sleep(...).");
}

}  // namespace weir::runtime

void weir::detail::refuse_recorded(const std::string& effect, const std::string& json, std::string_view type, const std::string& why) {
  constexpr std::size_t shown_max = 200;
  const auto shown = json.size() <= shown_max ? json : json.substr(0, shown_max) + "... (" + std::to_string(json.size()) + " bytes)";
  throw std::runtime_error("run_once '" + effect + "' has recorded " + shown + ", which this build's result type " + std::string(type) +
                           " does not read: " + why + ". Give the effect another name where its result becomes another type");
}
