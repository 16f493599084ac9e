// The actor behind weir/caf.hpp. The runtime calls back on threads of its own: what it says becomes a message to this actor.
#include <weir/caf.hpp>

#include "actors/runtime/messages/caf_compat.hpp"

#include "actors/runtime/clock/exceptions.hpp"
#include "service.hpp"

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

class CafService {
public:
  static constexpr const char* actor_name = "weir.service";

  CafService(Host::base* self, Service& service) : self_(self), service_(service) {}

  Host::behavior_type make_behavior() {
    compat::on_down(self_, [this](const caf::actor_addr& who) { streams_.erase(who); });
    return {
        [this](StartMessage& m) { return answering<HandlerMessage>([&](const auto& answer) { start(answer, std::move(m), false); }); },
        [this](RunMessage& m) {
          StartMessage start_message{std::move(m.workflow), std::move(m.start), std::move(m.handler_id)};
          return answering<HandlerMessage>([&](const auto& answer) { start(answer, std::move(start_message), true); });
        },
        [this](SendMessage& m) { return answering<bool>([&](const auto& answer) { send(answer, m); }); },
        [this](CancelMessage& m) { return answering<bool>([&](const auto& answer) { cancel(answer, m); }); },
        [this](QueryMessage& m) { return answering<HandlerMessage>([&](const auto& answer) { query(answer, m); }); },
        [this](SubscribeMessage& m) { return answering<HandlerMessage>([&](const auto& answer) { subscribe(answer, m); }); },
        [this](const Do& m) { (void)guarded(m.action); },
    };
  }

private:
  template <class T>
  using Promise = std::shared_ptr<caf::typed_response_promise<T>>;

  /// What this actor does has this one boundary: what is thrown ends neither it nor the subscriptions of others. Returns the reason.
  template <class F>
  std::optional<std::string> guarded(F&& work) {
    std::optional<std::string> why;
    try {
      work();
    } catch (...) { why = describe_current_exception().exception_message; }
    compat::take_logger_of(self_->system());  // the runtime has an actor system of its own
    if (why) service_.log(LogLevel::error, "the service's actor could not do what a message asks for: " + *why);
    return why;
  }

  template <class T, class F>
  caf::typed_response_promise<T> answering(F&& into_the_runtime) {
    const Promise<T> answer = std::make_shared<caf::typed_response_promise<T>>(self_->template make_response_promise<T>());
    const auto why = guarded([&] { into_the_runtime(answer); });
    if (why && answer->pending()) answer->deliver(failure(*why));
    return *answer;
  }

  /// Callable from any thread; does nothing when the actor is gone. Promises stay with the actor: they die with it.
  std::function<void(std::function<void()>)> poster() {
    return [to = caf::actor_cast<caf::weak_actor_ptr>(Host(self_))](std::function<void()> action) {
      if (const auto self = to.lock()) compat::post(caf::actor_cast<Host>(self), Do{std::move(action)});
    };
  }

  template <class T>
  static void refuse(const Promise<T>& answer, const std::string& why) {
    answer->deliver(failure(why));
  }

  void start(const Promise<HandlerMessage>& answer, StartMessage message, bool until_over) {
    const auto workflow = service_.find_workflow(message.workflow);
    if (!workflow) return refuse(answer, "Workflow '" + message.workflow + "' not found");
    auto event = parse_start(*workflow, message.start);
    if (!event) return refuse(answer, event.error().message);
    const auto post = poster();
    const auto give = [post, answer](const Expected<HandlerRow>& row) {
      if (row) post([answer, row = message_of(*row)] { answer->deliver(row); });
      else post([answer, why = row.error().message] { answer->deliver(failure(why)); });
    };
    service_.start({workflow, std::move(*event), std::move(message.handler_id)}, until_over ? nullptr : HandlerReply(give),
                   until_over ? HandlerReply(give) : nullptr, [&](const Error& error) { refuse(answer, error.message); });
  }

  static Expected<EventBox> parse_start(const RegisteredWorkflow& workflow, const EventMessage& message) {
    const auto fields = message.type.empty() ? Value(Object()) : message.value();
    // A plain StartEvent carries the fields of whatever the workflow begins with.
    if (message.type.empty() || message.type == event_type<StartEvent>().name) return decode_event(*workflow.start, fields);
    if (message.type != workflow.start->name)
      return Error{Code::invalid_argument,
                   "workflow '" + workflow.name + "' starts with a " + workflow.start->name + ", not with a " + message.type};
    return decode_event(*workflow.start, fields);
  }

  void send(const Promise<bool>& answer, const SendMessage& message) {
    const auto row = service_.store().find_handler(message.handler_id);
    const auto workflow = row ? service_.find_workflow(*row) : nullptr;
    if (!workflow)
      return refuse(answer, row ? "Workflow " + row->workflow_name + " not registered" : "Handler '" + message.handler_id + "' not found");
    const auto event = parse_event(Object{{"type", message.event.type}, {"value", message.event.value()}}, workflow->registry);
    if (!event) return refuse(answer, event.error().message);
    service_.send_event({.handler_id = message.handler_id, .event = *event, .step = message.step},
                        [post = poster(), answer](const Expected<bool>& sent) {
                          post([answer, sent] { sent ? answer->deliver(*sent) : answer->deliver(failure(sent.error().message)); });
                        });
  }

  void cancel(const Promise<bool>& answer, const CancelMessage& message) {
    service_.cancel(message.handler_id, [post = poster(), answer](const Expected<bool>& ended) {
      post([answer, ended] { ended ? answer->deliver(*ended) : answer->deliver(failure(ended.error().message)); });
    });
  }

  void query(const Promise<HandlerMessage>& answer, const QueryMessage& message) {
    if (const auto row = service_.store().find_handler(message.handler_id)) answer->deliver(message_of(*row));
    else refuse(answer, "Handler '" + message.handler_id + "' not found");
  }

  void subscribe(const Promise<HandlerMessage>& answer, const SubscribeMessage& message) {
    const auto row = service_.store().find_handler(message.handler_id);
    if (!row) return refuse(answer, "Handler '" + message.handler_id + "' not found");
    const auto who = message.subscriber.address();
    compat::monitor(self_, message.subscriber);
    const auto key = ++last_stream_;
    const auto post = poster();
    // Batches that come before the stream is kept wait for this message to be done with.
    auto stream = service_.subscribe({row->handler_id, row->run_id, message.after, message.include_internal},
                                     [this, post, key, who, to = message.subscriber, id = row->handler_id](StreamBatch batch) {
                                       post([this, key, who, to, id, batch = std::move(batch)] { forward(key, who, to, id, batch); });
                                     });
    streams_[who][key] = std::move(stream);
    answer->deliver(message_of(*row));
  }

  void forward(std::uint64_t key, const caf::actor_addr& who, const caf::actor& to, const std::string& handler_id,
               const StreamBatch& batch) {
    const auto streams = streams_.find(who);
    if (streams == streams_.end()) return;
    for (const auto& row : batch.rows)
      compat::post(to, StreamedMessage{handler_id, row.sequence, envelope_message(std::string(row.payload->json()))});
    // A store that throws ends the stream without the run's last event: whoever reads comes again.
    if (!batch.end && !guarded([&] { streams->second[key]->request_next(); })) return;
    compat::post(to, StreamEndedMessage{handler_id});
    streams->second.erase(key);
  }

  Host::base* self_;
  Service& service_;
  std::map<caf::actor_addr, std::map<std::uint64_t, std::unique_ptr<Stream>>> streams_;  ///< by subscriber
  std::uint64_t last_stream_ = 0;
};

}  // namespace
}  // namespace runtime

ServiceActor spawn_service(caf::actor_system& system, Runtime& runtime) {
  return caf::actor_cast<ServiceActor>(compat::spawn<runtime::CafService, runtime::Host>(system, std::ref(runtime.service())));
}

}  // namespace weir
