// One execution of a step's body: what its Context talks to. Collects what the body does and reports it. Knows no actors:
// a StepRunner stands between.
#pragma once

#include "actors/runtime/live/bodies_at_work.hpp"
#include "actors/runtime/live/run_context.hpp"
#include "actors/runtime/live/stream_backlog.hpp"
#include "actors/runtime/messages/step_report.hpp"
#include "child_run.hpp"
#include "current_context.hpp"

#include "actors/engine/model/command.hpp"

#include <weir/context.hpp>
#include <weir/runtime_options.hpp>
#include <weir/workflow.hpp>

#include <chrono>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace weir::runtime {

/// Who drives a step's invocations. Thread-safe: blocking bodies call it from threads of their own.
class StepRunner {
public:
  virtual ~StepRunner() = default;
  virtual Time now() const = 0;
  virtual void report(StepReport report) = 0;
  /// Has Invocation::resume called on the invocation with that serial, later, unless it has been dropped.
  virtual void resume(std::uint64_t serial) = 0;
  /// The same after that time, unless what it returns is dropped before.
  [[nodiscard]] virtual std::shared_ptr<void> resume_after(Duration delay, std::uint64_t serial) = 0;
  /// Has resume(serial) called when the function that `begin` is given has been called.
  virtual void resume_when_called(const std::function<void(std::function<void()>)>& begin, std::uint64_t serial) = 0;
  /// Runs the job where it may block.
  virtual void run_blocking(std::function<void()> job) = 0;
  virtual std::unique_ptr<ChildRun> start_child(ChildRequest request) = 0;
  virtual const RuntimeOptions& options() const = 0;
  /// Is told of user code while it runs; may be nullptr.
  virtual BodiesAtWork* bodies() const { return nullptr; }
};

/// Driven by its step actor, or by a blocking thread for `.blocking()` steps; never by both at once.
class Invocation final : public detail::StepHost, public std::enable_shared_from_this<Invocation> {
public:
  Invocation(std::shared_ptr<RunContext> run, std::shared_ptr<StepRunner> runner, engine::RunStep command);
  ~Invocation() override;

  /// What became of the body.
  enum class Outcome {
    ended,      ///< reported; the invocation is done with
    suspended,  ///< waits for an event and has given its slot back; a later command may continue it
    pending,    ///< awaits resources, time, a blocking job, a child or a record; resume() will be called
  };

  /// Runs the body from its top until it ends or suspends.
  Outcome begin();
  /// Goes on after a StepRunner::resume.
  Outcome resume();
  /// Goes on after the event it waited for was assigned a slot again.
  Outcome continue_with(engine::RunStep command);
  /// True when `command` brings the answer this suspended body waits for.
  bool answered_by(const engine::RunStep& command) const;
  /// Nobody listens any more: tells a body that still runs to stop.
  void stop() {
    if (own_stop_) own_stop_->source.request_stop();
  }

  const engine::InvocationId& id() const noexcept { return command_.id; }
  engine::WorkItem work_item() const noexcept { return command_.work_item; }

  // StepHost
  void publish(EventBox event) override;
  std::shared_ptr<detail::StreamSink> stream_sink() override;
  bool flush_stream() override;
  void suspend_until_stream_has_room(std::coroutine_handle<> body) override;
  void send(EventBox event, std::string_view step) override;
  std::optional<std::vector<EventBox>> collect(const EventBox& event, const detail::ExpectedEvents& expected,
                                               std::string_view buffer) override;
  bool prepare_wait(detail::WaitRequest& request) override;
  void suspend_until_answered(const detail::WaitRequest& request, std::coroutine_handle<> body) override;
  EventBox take_answer(const detail::WaitRequest& request) override;
  const std::string* recorded(std::string& name) override;
  void suspend_until_recorded(const std::string& name, std::string json, std::coroutine_handle<> body) override;
  void suspend_for(Duration delay, std::coroutine_handle<> body) override;
  void suspend_for_blocking(std::function<void()> job, std::coroutine_handle<> body) override;
  void suspend_until_called(const std::function<void(std::function<void()>)>& begin, std::coroutine_handle<> body) override;
  StateStore& store(const std::string& name) override;
  RetryInfo retry_info() const override;
  std::stop_token stop_token() const override { return own_stop_ ? own_stop_->source.get_token() : run_->stop.get_token(); }
  const std::string& handler_id() const override { return run_->row.handler_id; }
  const std::string& run_id() const override { return run_->row.run_id; }
  const std::string& workflow_name() const override { return run_->row.workflow_name; }

private:
  const detail::StepSpec& spec() const { return *run_->workflow->specs[command_.id.step]; }
  detail::StepInput input() const;
  /// The one place that catches what user code throws, and whatever else goes wrong on its way: the step fails with it.
  template <class F>
  Outcome guarded(F&& body);
  Outcome begin_at_once();
  Outcome go_on();
  class UserCode;
  /// True when the body has what it needs; otherwise the way there is begun.
  bool resources_ready();
  void make_resources();
  Outcome begin_body();
  Outcome run_plain();
  template <class F>
  Outcome run_slice(F&& slice);
  Outcome after_slice();
  Outcome begin_child();
  std::string child_handler_id() const;
  Outcome child_ended();
  Outcome report(engine::Ending ending);
  Outcome report_failure();
  engine::Failed failed(ExceptionInfo error, const std::exception_ptr& exception) const;

  // invocation_stream.cpp
  class Sink;
  /// What a thread may be that calls the context.
  enum class Caller {
    body,         ///< only the body itself
    body_or_job,  ///< or what it awaits with ctx.blocking
  };
  /// Throws std::logic_error when this thread may not make that call.
  void require(Caller allowed, std::string_view call) const;
  OnThisThread own_thread(bool job = false) noexcept { return {&context_, job, job || spec().blocking}; }
  /// Before something is written or sent. False: the step is to end, and what it does from now on counts for nothing.
  bool wait_for_room();
  void cut_off();
  void tell_of_backlog() const;
  /// `live`: by somebody who may go on for long before the body awaits anything. False when the body has ended or waits.
  bool write(EventBox event, bool live);
  /// With the mutex held: what has just been written or sent is part of the run's backlog.
  void count(std::size_t bytes);
  /// With the mutex held: of what is about to be reported.
  std::shared_ptr<void> take_share();
  void share_given_back();
  /// When it has written more than there is room for: goes on when there is.
  bool held_up();
  void flush(bool with_sent);
  /// Of the stores where something was done since the last time. With the mutex held.
  engine::Edits new_edits();
  Duration elapsed() const;
  void warn_if_slow(std::chrono::steady_clock::time_point began) const;

  std::shared_ptr<RunContext> run_;
  std::shared_ptr<StepRunner> runner_;
  engine::RunStep command_;
  Context context_;
  detail::StepInput input_;
  /// Of steps with a timeout, which end before their run does.
  struct OwnStop {
    std::stop_source source;
    std::stop_callback<std::function<void()>> with_run;
    explicit OwnStop(const std::stop_token& run) : with_run(run, [this] { source.request_stop(); }) {}
  };
  std::unique_ptr<OwnStop> own_stop_;

  bool making_resources_ = false;
  std::exception_ptr no_resources_;  ///< why a factory failed
  std::unique_ptr<ChildRun> child_;
  std::optional<ChildOutcome> child_outcome_;

  std::uint32_t known_published_, known_sent_;  ///< what a repeated body says again, and need not be told
  std::recursive_mutex report_mutex_;           ///< held while something is reported, so that reports keep their order
  std::mutex mutex_;                            ///< jobs and others write from threads of their own
  std::vector<EventBox> published_;
  std::vector<engine::Sent> sent_;
  std::map<std::string, std::unique_ptr<StateStore>> stores_;
  engine::Edits edits_told_;
  std::shared_ptr<StreamBacklog::Share> share_;  ///< of what is not reported yet
  std::size_t reports_under_way_ = 0;            ///< with shares that have not been given back
  bool live_ = false;                            ///< what is not reported yet is reported when none is under way
  bool wrote_ = false;                           ///< without waiting, since the body awaited something last
  bool closed_ = false;                          ///< the body has ended, or waits for an event
  bool cut_off_ = false;                         ///< nothing is reported any more
  std::vector<engine::CollectCall> collects_;
  std::vector<std::string> answered_;
  std::map<std::string, int> wait_counts_;
  std::set<std::string> record_names_;
  std::optional<detail::WaitRequest> waiting_;
  std::coroutine_handle<> body_;
  std::shared_ptr<void> sleep_;    ///< the timer of ctx.sleep: it dies with the body that waits for it
  Task<detail::StepOutput> task_;  ///< last: its frame refers to everything above
};

/// Fills in whether the step that ran for too long is tried again.
void decide_retry(engine::StepTimedOut& timed_out, const engine::State& state, const RunContext& run, Time now);

}  // namespace weir::runtime
