#include "child_run.hpp"

#include "event_row.hpp"
#include "service.hpp"

#include <mutex>

namespace weir::runtime {
namespace {

/// Ends when the child has ended and, if it is forwarded, everything it showed has been passed on.
class LiveChild final : public ChildRun {
public:
  LiveChild(Service& service, ChildRequest request) : service_(service), handler_id_(request.handler_id) {
    shared_->request = std::move(request);
  }

  void start() {
    auto& request = shared_->request;
    const auto ended = [shared = shared_, service = &service_, workflow = request.workflow](const HandlerRow& row) {
      if (!row.terminal() && service->stopping()) return;  // the next process goes on with both
      const auto last = service->store().last_event(row.run_id);
      shared->child_ended({row.status, row.terminal() ? row.error : "the child workflow was interrupted",
                           last ? event_of(*last, workflow->registry) : EventBox()});
    };
    const StartRequest start{
        .workflow = request.workflow, .start = request.start, .handler_id = handler_id_, .parent_handler_id = request.parent_handler_id};
    std::function<void(const Expected<HandlerRow>&)> started;
    if (request.publish) {
      shared_->streaming = true;
      started = [shared = shared_, service = &service_](const Expected<HandlerRow>& row) {
        if (row) forward(shared, *service, *row);
        else shared->stream_ended();
      };
    }
    // After a restart the child may be going on already: then this step waits for that one.
    const auto refused = [&](const Error& error) {
      if (service_.stopping()) return;
      const auto row = service_.store().find_handler(handler_id_);
      if (error.code != Code::conflict || !row) return shared_->finish({HandlerStatus::failed, error.message, {}});
      if (started) started(*row);
      service_.await_end(handler_id_, ended);
    };
    service_.start(start, started, ended, refused);
  }

  ~LiveChild() override {
    bool finished = false;
    {
      const std::lock_guard lock(shared_->mutex);
      finished = shared_->finished;
      shared_->finished = true;
      shared_->stream = nullptr;
    }
    // A process that stops leaves its runs to the next one.
    if (!finished && !service_.stopping()) service_.cancel(handler_id_, [](bool) {});
  }

private:
  struct Shared {
    std::mutex mutex;
    ChildRequest request;
    bool streaming = false;  ///< something may still be shown
    bool wants_more = false;
    bool finished = false;
    std::optional<ChildOutcome> outcome;
    std::shared_ptr<Stream> stream;

    void child_ended(ChildOutcome result) {
      {
        const std::lock_guard lock(mutex);
        if (streaming) {
          outcome = std::move(result);
          return;
        }
      }
      finish(std::move(result));
    }
    void stream_ended() {
      std::optional<ChildOutcome> result;
      {
        const std::lock_guard lock(mutex);
        streaming = false;
        result = std::exchange(outcome, std::nullopt);
      }
      if (result) finish(std::move(*result));
    }
    void finish(ChildOutcome result) {
      {
        const std::lock_guard lock(mutex);
        if (std::exchange(finished, true)) return;
      }
      request.ended(std::move(result));
    }
    void pass_on(const StreamBatch& batch) {
      for (const auto& row : batch.rows)
        if (!row.terminal) request.publish(event_of(row, request.workflow->registry));
      if (batch.end) return stream_ended();
      std::shared_ptr<Stream> more;
      {
        const std::lock_guard lock(mutex);
        more = stream;
        wants_more = !more;  // the batch came before subscribe() returned
      }
      if (more) more->request_next();
    }
  };

  static void forward(const std::shared_ptr<Shared>& shared, Service& service, const HandlerRow& row) {
    const StreamRequest wanted{.handler_id = row.handler_id, .run_id = row.run_id};
    std::shared_ptr<Stream> stream = service.subscribe(wanted, [shared](const StreamBatch& batch) { shared->pass_on(batch); });
    {
      const std::lock_guard lock(shared->mutex);
      if (!shared->streaming || shared->finished) return;
      shared->stream = stream;
      if (!std::exchange(shared->wants_more, false)) return;
    }
    stream->request_next();
  }

  Service& service_;
  const std::string handler_id_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace

std::unique_ptr<ChildRun> start_child_run(Service& service, ChildRequest request) {
  auto child = std::make_unique<LiveChild>(service, std::move(request));
  child->start();
  return child;
}

}  // namespace weir::runtime
