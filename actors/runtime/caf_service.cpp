// The actor behind weir/caf.hpp. The runtime calls back on threads of its own: what it says becomes a message to this actor.
#include <weir/caf.hpp>

#include "actors/runtime/messages/caf_compat.hpp"

#include "actors/runtime/clock/exceptions.hpp"
#include "service.hpp"
#include "service_door.hpp"

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace weir::runtime {
namespace {

/// Runs on the service's thread of the moment.
struct Do {
  std::function<void()> action;
};

}  // namespace
}  // namespace weir::runtime

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::Do)
CAF_BEGIN_TYPE_ID_BLOCK(weir_caf_service, caf::first_custom_type_id + 10100)
CAF_ADD_TYPE_ID(weir_caf_service, (weir::runtime::Do))
CAF_END_TYPE_ID_BLOCK(weir_caf_service)

namespace weir {

EventMessage::EventMessage(const EventBox& event) : type(event.type().name), json(to_json(event.value())) {}
EventMessage::EventMessage(std::string type_name, const Object& fields) : type(std::move(type_name)), json(to_json(fields)) {}

Value EventMessage::value() const {
  auto parsed = parse_json(json);
  return parsed ? std::move(*parsed) : Value();
}

EventBox EventMessage::decode(const EventType& expected) const {
  if (type != expected.name) throw std::invalid_argument("the event is a " + type + ", no " + expected.name);
  auto event = decode_event(expected, value());
  if (!event) throw std::invalid_argument(event.error().message);
  return std::move(*event);
}

namespace runtime {
namespace {

using Host = ServiceActor::extend<compat::Takes<void, Do>>;

EventMessage envelope_message(const std::string& envelope) {
  EventMessage out;
  const auto parsed = parse_json(envelope);
  const auto *type = parsed ? parsed->find("type") : nullptr, *value = parsed ? parsed->find("value") : nullptr;
  if (type && value && type->is_string()) {
    out.type = type->as_string();
    out.json = to_json(*value);
  }
  return out;
}

HandlerMessage message_of(const HandlerRow& row) {
  return {row.handler_id, row.workflow_name, row.run_id, std::string(to_string(row.status)), row.error, envelope_message(row.result)};
}

caf::error failure(const std::string& why) { return caf::make_error(caf::sec::runtime_error, why); }

/// Reaches the actor from any thread; does nothing when it is gone.
using Post = std::function<void(std::function<void()>)>;

constexpr const char* runtime_has_ended = "the runtime has ended";
constexpr std::size_t messages_waiting_max = 10'000;  // weir/caf.hpp says so

/// What a message is answered with, from any thread, once. One that nobody gives, because the runtime ends first, is refused.
template <class T>
class Answer {
public:
  Answer(Post post, caf::typed_response_promise<T> promise) : state_(std::make_shared<State>(std::move(post), std::move(promise))) {}
  void give(T value) const {
    state_->settle([promise = state_->promise, value = std::move(value)]() mutable { (*promise).deliver(std::move(value)); });
  }
  void refuse(const std::string& why) const { state_->refuse(why); }

private:
  struct State {
    State(Post given, caf::typed_response_promise<T> promised)
        : post(std::move(given)), promise(std::make_shared<caf::typed_response_promise<T>>(std::move(promised))) {}
    ~State() { refuse(runtime_has_ended); }
    void settle(std::function<void()> deliver) {
      if (!settled.exchange(true)) post(std::move(deliver));
    }
    void refuse(const std::string& why) {
      settle([promise = promise, why] { promise->deliver(failure(why)); });
    }
    Post post;
    std::shared_ptr<caf::typed_response_promise<T>> promise;  ///< touched by the actor alone
    std::atomic<bool> settled = false;
  };
  std::shared_ptr<State> state_;
};

// What a message asks for; these may block.

Expected<EventBox> parse_start(const RegisteredWorkflow& workflow, const EventMessage& message) {
  const auto fields = message.type.empty() ? Value(Object()) : message.value();
  // A plain StartEvent carries the fields of whatever the workflow begins with.
  if (message.type.empty() || message.type == event_type<StartEvent>().name) return decode_event(*workflow.start, fields);
  if (message.type != workflow.start->name)
    return Error{Code::invalid_argument,
                 "workflow '" + workflow.name + "' starts with a " + workflow.start->name + ", not with a " + message.type};
  return decode_event(*workflow.start, fields);
}

void start(Service& service, const StartMessage& message, bool until_over, const Answer<HandlerMessage>& answer) {
  const auto workflow = service.find_workflow(message.workflow);
  if (!workflow) return answer.refuse("Workflow '" + message.workflow + "' not found");
  auto event = parse_start(*workflow, message.start);
  if (!event) return answer.refuse(event.error().message);
  const HandlerReply give = [answer, until_over](const Expected<HandlerRow>& row) {
    if (!row) answer.refuse(row.error().message);
    else if (until_over && !row->terminal()) answer.refuse(runtime_has_ended);
    else answer.give(message_of(*row));
  };
  service.start({workflow, std::move(*event), message.handler_id}, until_over ? nullptr : give, until_over ? give : nullptr,
                [&](const Error& error) { answer.refuse(error.message); });
}

void send(Service& service, const SendMessage& message, const Answer<bool>& answer) {
  auto workflow = service.find_live_workflow(message.handler_id);
  if (!workflow) {
    const auto row = service.store().find_handler(message.handler_id);
    workflow = row ? service.find_workflow(*row) : nullptr;
    if (!workflow)
      return answer.refuse(row ? "Workflow " + row->workflow_name + " not registered" : "Handler '" + message.handler_id + "' not found");
  }
  const auto event = parse_event(Object{{"type", message.event.type}, {"value", message.event.value()}}, workflow->registry);
  if (!event) return answer.refuse(event.error().message);
  service.send_event({.handler_id = message.handler_id, .event = *event, .step = message.step},
                     [answer](const Expected<bool>& sent) { sent ? answer.give(*sent) : answer.refuse(sent.error().message); });
}

void cancel(Service& service, const CancelMessage& message, const Answer<bool>& answer) {
  service.cancel(message.handler_id,
                 [answer](const Expected<bool>& ended) { ended ? answer.give(*ended) : answer.refuse(ended.error().message); });
}

/// Refuses the answer when there is none.
std::optional<HandlerRow> find(Service& service, const std::string& handler_id, const Answer<HandlerMessage>& answer) {
  auto row = service.store().find_handler(handler_id);
  if (!row) answer.refuse("Handler '" + handler_id + "' not found");
  return row;
}

class CafService {
public:
  static constexpr const char* actor_name = "weir.service";

  CafService(Host::base* self, std::shared_ptr<ServiceDoor> door) : self_(self), door_(std::move(door)) {}

  Host::behavior_type make_behavior() {
    return {
        [this](StartMessage& m) {
          return answering<HandlerMessage>(
              [m = std::move(m)](Service& service, const auto& answer) { runtime::start(service, m, false, answer); });
        },
        [this](RunMessage& m) {
          return answering<HandlerMessage>([m = StartMessage{std::move(m.workflow), std::move(m.start), std::move(m.handler_id)}](
                                               Service& service, const auto& answer) { runtime::start(service, m, true, answer); });
        },
        [this](SendMessage& m) {
          return answering<bool>([m = std::move(m)](Service& service, const auto& answer) { runtime::send(service, m, answer); });
        },
        [this](CancelMessage& m) {
          return answering<bool>([m = std::move(m)](Service& service, const auto& answer) { runtime::cancel(service, m, answer); });
        },
        [this](QueryMessage& m) {
          return answering<HandlerMessage>([m = std::move(m)](Service& service, const auto& answer) {
            if (const auto row = find(service, m.handler_id, answer)) answer.give(message_of(*row));
          });
        },
        [this](SubscribeMessage& m) { return subscribe(std::move(m)); },
        [this](const Do& m) { (void)guarded(m.action); },
    };
  }

private:
  /// What is thrown ends neither this actor nor the subscriptions of others. Returns the reason.
  template <class F>
  std::optional<std::string> guarded(F&& work) {
    std::optional<std::string> why;
    try {
      const BlockingForbidden not_here;
      work();
    } catch (...) { why = describe_current_exception().exception_message; }
    compat::take_logger_of(self_->system());  // the runtime has an actor system of its own
    if (why) tell_log(*door_, *why);
    return why;
  }

  static void tell_log(ServiceDoor& door, const std::string& why) {
    door.enter([&](Service& service) { service.log(LogLevel::error, "the service's actor could not do what a message asks for: " + why); });
  }

  template <class T, class Work>
  caf::typed_response_promise<T> answering(Work work) {
    auto promise = self_->template make_response_promise<T>();
    if (overloaded()) {
      promise.deliver(failure(std::to_string(messages_waiting_max) + " messages wait for the store already; nothing was done: try again"));
      return promise;
    }
    in_order([work = std::move(work), answer = Answer<T>(poster(), promise), door = door_] {
      try {
        door->enter([&](Service& service) { work(service, answer); });
      } catch (...) {
        const auto why = describe_current_exception().exception_message;
        tell_log(*door, why);
        answer.refuse(why);
      }
    });
    return promise;
  }

  Post poster() {
    return [to = caf::actor_cast<caf::weak_actor_ptr>(Host(self_))](std::function<void()> action) {
      if (const auto self = to.lock()) compat::post(caf::actor_cast<Host>(self), Do{std::move(action)});
    };
  }

  bool overloaded() const noexcept { return jobs_.size() >= messages_waiting_max; }

  /// Where the store may be asked, one after the other: messages are done in the order in which they came.
  void in_order(std::function<void()> job) {
    jobs_.push_back(std::move(job));
    next_job();
  }
  void next_job() {
    while (!at_work_ && !jobs_.empty()) {
      at_work_ = true;
      auto job = std::move(jobs_.front());
      jobs_.pop_front();
      // Whatever becomes of the job, the next one has its turn when it is gone.
      const std::shared_ptr<void> turn(nullptr, [post = poster(), this](void*) {
        post([this] {
          at_work_ = false;
          next_job();
        });
      });
      (void)guarded([&] { door_->enter([&](Service& service) { service.when_store_answers([job = std::move(job), turn] { job(); }); }); });
    }
  }

  caf::typed_response_promise<HandlerMessage> subscribe(SubscribeMessage message) {
    compat::on_down(self_, message.subscriber, [this](const caf::actor_addr& gone, const caf::error&) { streams_.erase(gone); });
    const auto who = message.subscriber.address();
    const auto key = ++last_stream_;
    if (!overloaded()) streams_[who][key];
    return answering<HandlerMessage>([this, post = poster(), who, key, m = std::move(message)](Service& service, const auto& answer) {
      const auto row = find(service, m.handler_id, answer);
      if (!row) return post([this, who, key] { forget(who, key); });
      // Batches that come before the stream is kept wait for it: what is posted stays in order.
      const auto opened = std::make_shared<std::shared_ptr<Stream>>();
      post([this, who, key, opened] { keep(who, key, opened); });
      *opened = service.subscribe({row->handler_id, row->run_id, m.after, m.include_internal},
                                  [this, post, key, who, to = m.subscriber, id = row->handler_id](StreamBatch batch) {
                                    post([this, key, who, to, id, batch = std::move(batch)] { forward(key, who, to, id, batch); });
                                  });
      answer.give(message_of(*row));
    });
  }

  using Opened = std::shared_ptr<std::shared_ptr<Stream>>;

  void keep(const caf::actor_addr& who, std::uint64_t key, const Opened& opened) {
    const auto streams = streams_.find(who);
    if (streams != streams_.end()) streams->second[key] = opened;  // the subscriber is there
  }
  void forget(const caf::actor_addr& who, std::uint64_t key) {
    if (const auto streams = streams_.find(who); streams != streams_.end()) streams->second.erase(key);
  }

  void forward(std::uint64_t key, const caf::actor_addr& who, const caf::actor& to, const std::string& handler_id,
               const StreamBatch& batch) {
    const auto streams = streams_.find(who);
    if (streams == streams_.end()) return;
    for (const auto& row : batch.rows)
      compat::post(to, StreamedMessage{handler_id, row.sequence, envelope_message(std::string(row.payload->json()))});
    if (!batch.end) return request_next(key, who, to, handler_id);
    compat::post(to, StreamEndedMessage{handler_id});
    streams->second.erase(key);
  }

  /// A store that throws, and a runtime that ends, end the stream without the run's last event: whoever reads comes again.
  void request_next(std::uint64_t key, const caf::actor_addr& who, const caf::actor& to, const std::string& handler_id) {
    const auto opened = streams_[who][key];
    const auto give_up = [post = poster(), this, key, who, to, handler_id] {
      post([this, key, who, to, handler_id] {
        compat::post(to, StreamEndedMessage{handler_id});
        forget(who, key);
      });
    };
    in_order([opened, give_up, door = door_] {
      bool asked = false;
      try {
        door->enter([&](Service&) {
          (*opened)->request_next();
          asked = true;
        });
      } catch (...) { tell_log(*door, describe_current_exception().exception_message); }
      if (!asked) give_up();
    });
  }

  Host::base* self_;
  const std::shared_ptr<ServiceDoor> door_;
  std::deque<std::function<void()>> jobs_;
  bool at_work_ = false;
  std::map<caf::actor_addr, std::map<std::uint64_t, Opened>> streams_;  ///< by subscriber
  std::uint64_t last_stream_ = 0;
};

}  // namespace
}  // namespace runtime

ServiceActor spawn_service(caf::actor_system& system, Runtime& runtime) {
  return caf::actor_cast<ServiceActor>(compat::spawn<runtime::CafService, runtime::Host>(system, runtime.service().door()));
}

}  // namespace weir
