// One execution of a step's body: what its Context talks to. Collects what the body does and reports it.
#pragma once

#include "live_run.hpp"

#include <weir/context.hpp>
#include <weir/workflow.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace weir::runtime {

/// Driven by its step actor, or by a blocking thread for `.blocking()` steps; never by both at once.
class Invocation final : public detail::StepHost, public std::enable_shared_from_this<Invocation> {
public:
  Invocation(std::shared_ptr<LiveRun> run, SupervisorActor supervisor, StepActor actor, engine::RunStep command);

  /// What became of the body.
  enum class Outcome {
    ended,      ///< reported; the invocation is done with
    suspended,  ///< waits for an event and has given its slot back; a later command may continue it
    pending,    ///< awaits time, a blocking job or a record; a ResumeBody will come
  };

  /// Runs the body from its top until it ends or suspends.
  Outcome begin();
  /// Goes on after a ResumeBody.
  Outcome resume();
  /// Goes on after the event it waited for was assigned a slot again.
  Outcome continue_with(engine::RunStep command);
  /// True when `command` brings the answer this suspended body waits for.
  bool answered_by(const engine::RunStep& command) const;

  const engine::InvocationId& id() const noexcept { return command_.id; }
  engine::WorkItem work_item() const noexcept { return command_.work_item; }

  // StepHost
  void publish(EventBox event) override;
  void send(EventBox event, std::string_view step) override;
  std::optional<std::vector<EventBox>> collect(const EventBox& event, const detail::ExpectedEvents& expected,
                                               std::string_view buffer) override;
  bool prepare_wait(detail::WaitRequest& request) override;
  void suspend_until_answered(const detail::WaitRequest& request, std::coroutine_handle<> body) override;
  EventBox take_answer(const detail::WaitRequest& request) override;
  const std::string* recorded(const std::string& name) override;
  void suspend_until_recorded(const std::string& name, std::string json, std::coroutine_handle<> body) override;
  void suspend_for(Duration delay, std::coroutine_handle<> body) override;
  void suspend_for_blocking(std::function<void()> job, std::coroutine_handle<> body) override;
  StateStore& store() override { return run_->state; }
  RetryInfo retry_info() const override;
  std::stop_token stop_token() const override { return run_->stop.get_token(); }
  const std::string& handler_id() const override { return run_->row.handler_id; }
  const std::string& run_id() const override { return run_->row.run_id; }
  const std::string& workflow_name() const override { return run_->row.workflow_name; }

private:
  const detail::StepSpec& spec() const { return *run_->workflow->specs[command_.id.step]; }
  detail::StepInput input() const;
  /// The one place that catches what user code throws.
  template <class F>
  Outcome guarded(F&& body);
  Outcome run_plain();
  Outcome after_slice();
  Outcome report(engine::Ending ending);
  engine::Failed failed(ExceptionInfo error) const;
  void flush(bool with_sent);
  void warn_if_slow(std::chrono::steady_clock::time_point began) const;

  std::shared_ptr<LiveRun> run_;
  SupervisorActor supervisor_;
  StepActor actor_;
  engine::RunStep command_;
  Context context_;
  detail::StepInput input_;

  std::mutex mutex_;  ///< a blocking body may publish from a thread of its own
  std::vector<EventBox> published_;
  std::vector<engine::Sent> sent_;
  std::chrono::steady_clock::time_point flushed_at_;
  std::vector<engine::CollectCall> collects_;
  std::vector<std::string> answered_;
  std::map<std::string, int> wait_counts_;
  std::optional<detail::WaitRequest> waiting_;
  std::coroutine_handle<> body_;
  Task<detail::StepOutput> task_;  ///< last: its frame refers to everything above
};

}  // namespace weir::runtime
