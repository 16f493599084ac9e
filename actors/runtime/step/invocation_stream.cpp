// What a body writes and sends, on its own thread and on others, and how it is slowed when the run has written more than its store
// has taken.
#include "invocation.hpp"

#include "actors/engine/reduce/reduce.hpp"

#include <weir/envelope.hpp>

#include <stdexcept>

namespace weir::runtime {
namespace {

constexpr std::size_t report_events_max = 64;
constexpr std::size_t report_bytes_max = 64 * 1024;

std::size_t encoded_size(const EventBox& event) {
  constexpr std::size_t kept_max = 64 * 1024;
  thread_local std::string text;
  text.clear();
  JsonWriter writer(text, JsonWriter::Escape::line_breaks);
  write_envelope(writer, event);
  const auto out = text.size();
  if (text.capacity() > kept_max) text = std::string();
  return out;
}

}  // namespace

OnThisThread& CurrentContext::here() noexcept {
  thread_local OnThisThread here;
  return here;
}

void Invocation::require(Caller allowed, std::string_view call) const {
  const auto& here = CurrentContext::here();
  const bool own = here.context == &context_;
  if (own && (!here.job || allowed == Caller::body_or_job)) return;
  const auto what = "ctx." + std::string(call) + " was called ";
  if (own)
    throw std::logic_error(what + "inside ctx.blocking(), on a thread of the pool: it belongs to the body of step '" + spec().name +
                           "'. There, write and send events and use ctx.store(); await in the body, before or after");
  throw std::logic_error(what + "on a thread that step '" + spec().name +
                         "' does not run on: a Context is for the body alone. Take a ctx.stream_writer() in the body, and write with that "
                         "from other threads");
}

/// What stream_writer() hands out. It does not keep the invocation, in whose frame it may lie.
class Invocation::Sink final : public detail::StreamSink {
public:
  explicit Sink(Invocation& invocation)
      : invocation_(invocation.weak_from_this()), backlog_(invocation.run_->backlog), stop_(invocation.stop_token()) {}

  bool write(EventBox event) override {
    const bool may_block = CurrentContext::here().may_block;
    const bool room = !may_block || backlog_->wait_for_room(stop_);
    const auto invocation = invocation_.lock();
    if (!invocation) return false;
    if (room) return invocation->write(std::move(event), may_block);
    invocation->cut_off();
    return false;
  }

private:
  const std::weak_ptr<Invocation> invocation_;
  const std::shared_ptr<StreamBacklog> backlog_;
  const std::stop_token stop_;
};

std::shared_ptr<detail::StreamSink> Invocation::stream_sink() {
  require(Caller::body_or_job, "stream_writer");
  return std::make_shared<Sink>(*this);
}

bool Invocation::wait_for_room() {
  if (!CurrentContext::here().may_block) {
    wrote_ = true;
    if (!run_->backlog->has_room()) tell_of_backlog();
    return true;
  }
  if (run_->backlog->wait_for_room(stop_token())) return true;
  cut_off();
  return false;
}

/// What was dropped must not be missing in a run that ends well: a body that is told to end has nothing more to say.
void Invocation::cut_off() {
  const std::lock_guard lock(mutex_);
  cut_off_ = true;
}

void Invocation::tell_of_backlog() const {
  const auto& log = runner_->options().log;
  if (!log || run_->told_of_backlog.exchange(true)) return;
  log(LogLevel::warning, "step '" + spec().name + "' of run " + run_->row.run_id + " of workflow '" + run_->row.workflow_name +
                             "' writes faster than the store takes it, beyond stream_backlog_events_max or stream_backlog_bytes_max. "
                             "Declare it .blocking(), or make it a coroutine that awaits ctx.drain_stream() between its writes");
}

void Invocation::publish(EventBox event) {
  require(Caller::body_or_job, "write_event_to_stream");
  if (wait_for_room()) write(std::move(event), CurrentContext::here().may_block);
}

bool Invocation::write(EventBox event, bool live) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || cut_off_) return false;
    if (known_published_ > 0) {
      --known_published_;
      return true;
    }
  }
  const auto bytes = encoded_size(event);
  bool at_once = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || cut_off_) return false;
    published_.push_back(std::move(event));
    count(bytes);
    live_ = live_ || live;
    at_once = (live && reports_under_way_ == 0) || published_.size() >= report_events_max || share_->bytes() >= report_bytes_max;
  }
  if (at_once) flush(live);
  return true;
}

void Invocation::send(EventBox event, std::string_view step) {
  require(Caller::body_or_job, "send_event");
  std::optional<engine::StepIndex> target;
  if (!step.empty()) {
    const auto& plan = run_->workflow->plan;
    target = engine::find_step(plan, step);
    if (!target) throw std::invalid_argument("Step " + std::string(step) + " does not exist");
    if (!engine::accepts(plan.steps[*target], event.type()))
      throw std::invalid_argument("Step " + std::string(step) + " does not accept event of type " + event.type().class_text);
  }
  if (!wait_for_room()) return;
  const auto bytes = encoded_size(event);
  {
    const std::lock_guard lock(mutex_);
    if (known_sent_ > 0) {
      --known_sent_;
      return;
    }
    sent_.push_back({std::move(event), target});
    count(bytes);
  }
  if (CurrentContext::here().may_block) flush(true);
}

void Invocation::count(std::size_t bytes) {
  if (!share_) share_ = std::make_shared<StreamBacklog::Share>(run_->backlog);
  share_->add(bytes);
}

std::shared_ptr<void> Invocation::take_share() {
  live_ = false;
  auto out = std::exchange(share_, nullptr);
  if (!out) return nullptr;
  ++reports_under_way_;
  out->then([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->share_given_back();
  });
  return out;
}

void Invocation::share_given_back() {
  bool more = false;
  {
    const std::lock_guard lock(mutex_);
    more = --reports_under_way_ == 0 && live_ && !closed_;
  }
  if (more) flush(true);
}

void Invocation::flush(bool with_sent) {
  const std::lock_guard ordered(report_mutex_);
  engine::StepProgressed progressed;
  std::shared_ptr<void> share;
  {
    const std::lock_guard lock(mutex_);
    if (cut_off_ || closed_) return;
    progressed.id = command_.id;
    progressed.published = std::exchange(published_, {});
    if (with_sent) progressed.sent = std::exchange(sent_, {});
    progressed.edits = new_edits();
    share = take_share();
  }
  if (!progressed.published.empty() || !progressed.sent.empty() || !progressed.edits.empty())
    runner_->report({std::move(progressed), std::move(share)});
}

bool Invocation::flush_stream() {
  require(Caller::body, "drain_stream");
  flush(true);
  return run_->backlog->has_room();
}

void Invocation::suspend_until_stream_has_room(std::coroutine_handle<> body) {
  body_ = body;
  wrote_ = false;
  run_->backlog->when_room([runner = runner_, serial = command_.id.serial] { runner->resume(serial); });
}

bool Invocation::held_up() {
  if (child_ || making_resources_ || !std::exchange(wrote_, false) || run_->backlog->has_room()) return false;
  run_->backlog->when_room([runner = runner_, serial = command_.id.serial] { runner->resume(serial); });
  return true;
}

}  // namespace weir::runtime

weir::Context* weir::Context::current() noexcept {
  const auto& here = runtime::CurrentContext::here();
  return here.job ? nullptr : here.context;
}
