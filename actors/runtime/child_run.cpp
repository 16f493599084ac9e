#include "actors/runtime/step/child_run.hpp"

#include "actors/runtime/messages/event_row.hpp"
#include "service.hpp"

#include <mutex>

namespace weir::runtime {
namespace {

/// Ends when the child has ended and, if it is forwarded, everything it showed has been passed on.
class LiveChild final : public ChildRun {
public:
  LiveChild(Service& service, ChildRequest request) : service_(service), handler_id_(request.handler_id) {
    shared_->streaming = static_cast<bool>(request.publish);
    shared_->request = std::move(request);
  }

  void start() { begin(shared_, service_); }

  ~LiveChild() override {
    bool finished = false;
    {
      const std::lock_guard lock(shared_->mutex);
      finished = shared_->finished;
      shared_->finished = shared_->dropped = true;
      shared_->stream = nullptr;
    }
    // A process that stops leaves its runs to the next one.
    if (!finished && !service_.stopping()) service_.give_up(handler_id_);
  }

private:
  struct Shared {
    std::mutex mutex;
    ChildRequest request;
    bool streaming = false;  ///< something may still be shown
    bool wants_more = false;
    bool finished = false;
    bool dropped = false;  ///< nobody waits for the child any more
    std::optional<ChildOutcome> outcome;
    std::shared_ptr<Stream> stream;

    bool nobody_waits() {
      const std::lock_guard lock(mutex);
      return dropped;
    }
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
    void ask_for_more() {
      std::shared_ptr<Stream> more;
      {
        const std::lock_guard lock(mutex);
        more = stream;
        wants_more = !more;  // the batch came before subscribe() returned
      }
      if (more) more->request_next();
    }
  };

  static void begin(const std::shared_ptr<Shared>& shared, Service& service) {
    service.when_store_answers([shared, &service] { start(shared, service); });
  }

  /// A process that died may have left the child at work, or even done: its key tells that it is this attempt's.
  static void start(const std::shared_ptr<Shared>& shared, Service& service) {
    const auto& request = shared->request;
    const auto& store = service.store();
    const IdempotencyKey key{"\n" + request.attempt, "child run"};  // no client's: a header has no line breaks
    if (const auto known = store.durable() ? store.find_key(key.key) : std::nullopt)
      if (const auto row = store.find_run(known->run_id)) return follow(shared, service, *row);
    StartRequest wanted{.workflow = request.workflow,
                        .start = request.start,
                        .handler_id = request.handler_id,
                        .parent_handler_id = request.parent_handler_id,
                        .patient = true};
    if (store.durable()) wanted.key = key;
    std::function<void(const Expected<HandlerRow>&)> started;
    if (request.publish)
      started = [shared, &service](const Expected<HandlerRow>& row) {
        if (row) forward(shared, service, *row);
        else shared->stream_ended();
      };
    const auto refused = [shared, &service](const Error& error) {
      if (error.code == Code::conflict) return start_behind(shared, service);
      if (service.stopping()) return;
      if (error.code == Code::unavailable) throw StoreFailure(error.code, error.message);
      shared->finish({HandlerStatus::failed, error.message, {}});
    };
    service.start(std::move(wanted), started, ended(shared, service), refused);
  }

  /// An earlier attempt's child is still being cancelled: this one begins when that is over.
  static void start_behind(const std::shared_ptr<Shared>& shared, Service& service) {
    service.await_end(shared->request.handler_id, [shared, &service](const Expected<HandlerRow>& row) {
      if (shared->nobody_waits() || service.stopping()) return;
      if (row && !row->terminal())
        return shared->finish({HandlerStatus::failed, "an earlier run of the child could not be ended: " + row->error, {}});
      service.when_store_answers([shared, &service] {
        start(shared, service);
        if (shared->nobody_waits()) service.give_up(shared->request.handler_id);
      });
    });
  }

  static void follow(const std::shared_ptr<Shared>& shared, Service& service, const HandlerRow& row) {
    if (shared->request.publish) forward(shared, service, row);
    if (row.terminal()) end(shared, service, row);
    else service.await_end(row.handler_id, ended(shared, service));
  }

  static HandlerReply ended(const std::shared_ptr<Shared>& shared, Service& service) {
    return [shared, &service](const Expected<HandlerRow>& row) {
      if (service.stopping() && (!row || !row->terminal())) return;  // the next process goes on with both
      if (row) return service.when_store_answers([shared, &service, row = *row] { end(shared, service, row); });
      if (row.error().code == Code::unavailable) return begin(shared, service);  // finds it
      shared->child_ended({HandlerStatus::failed, row.error().message, EventBox()});
    };
  }

  static void end(const std::shared_ptr<Shared>& shared, Service& service, const HandlerRow& row) {
    const auto last = service.store().last_event(row.run_id);
    shared->child_ended({row.status, row.terminal() ? row.error : "the child workflow was interrupted",
                         last ? event_of(*last, shared->request.workflow->registry) : EventBox()});
  }

  static void pass_on(const std::shared_ptr<Shared>& shared, const StreamBatch& batch) {
    const auto& request = shared->request;
    for (const auto& row : batch.rows)
      if (!row.terminal) request.publish(event_of(row, request.workflow->registry));
    if (batch.end) return shared->stream_ended();
    if (request.when_room) request.when_room([shared] { shared->ask_for_more(); });
    else shared->ask_for_more();
  }

  static void forward(const std::shared_ptr<Shared>& shared, Service& service, const HandlerRow& row) {
    const StreamRequest wanted{.handler_id = row.handler_id, .run_id = row.run_id};
    std::shared_ptr<Stream> stream = service.subscribe(wanted, [shared](const StreamBatch& batch) { pass_on(shared, batch); });
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
