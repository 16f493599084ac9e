// The actor behind weir/caf.hpp. The runtime calls back on threads of its own: what it says becomes a message to this actor.
#include <weir/caf.hpp>

#include "actors/runtime/messages/caf_compat.hpp"

#include "service.hpp"

#include <functional>
#include <map>

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
        [this](StartMessage& m) { return calling([&] { return start(std::move(m), false); }); },
        [this](RunMessage& m) {
          return calling([&] { return start({std::move(m.workflow), std::move(m.start), std::move(m.handler_id)}, true); });
        },
        [this](SendMessage& m) { return calling([&] { return send(m); }); },
        [this](CancelMessage& m) { return calling([&] { return cancel(m); }); },
        [this](QueryMessage& m) { return calling([&] { return query(m); }); },
        [this](SubscribeMessage& m) { return calling([&] { return subscribe(m); }); },
        [](const Do& m) { m.action(); },
    };
  }

private:
  template <class T>
  using Promise = std::shared_ptr<caf::typed_response_promise<T>>;

  /// The runtime has an actor system of its own.
  template <class F>
  std::invoke_result_t<F&> calling(F into_the_runtime) {
    auto out = into_the_runtime();
    compat::take_logger_of(self_->system());
    return out;
  }

  template <class T>
  Promise<T> promise() {
    return std::make_shared<caf::typed_response_promise<T>>(self_->template make_response_promise<T>());
  }

  /// Callable from any thread; does nothing when the actor is gone. Promises stay with the actor: they die with it.
  std::function<void(std::function<void()>)> poster() {
    return [to = caf::actor_cast<caf::weak_actor_ptr>(Host(self_))](std::function<void()> action) {
      if (const auto self = to.lock()) compat::post(caf::actor_cast<Host>(self), Do{std::move(action)});
    };
  }

  caf::typed_response_promise<HandlerMessage> start(StartMessage message, bool until_over) {
    const auto answer = promise<HandlerMessage>();
    const auto refuse = [answer](const std::string& why) { answer->deliver(failure(why)); };
    const auto workflow = service_.find_workflow(message.workflow);
    if (!workflow) {
      refuse("Workflow '" + message.workflow + "' not found");
      return *answer;
    }
    auto event = parse_start(*workflow, message.start);
    if (!event) {
      refuse(event.error().message);
      return *answer;
    }
    const auto post = poster();
    const auto give = [post, answer](const Expected<HandlerRow>& row) {
      if (row) post([answer, row = message_of(*row)] { answer->deliver(row); });
      else post([answer, why = row.error().message] { answer->deliver(failure(why)); });
    };
    service_.start({workflow, std::move(*event), std::move(message.handler_id)}, until_over ? nullptr : HandlerReply(give),
                   until_over ? HandlerReply(give) : nullptr, [&](const Error& error) { refuse(error.message); });
    return *answer;
  }

  static Expected<EventBox> parse_start(const WorkflowInfo& workflow, const EventMessage& message) {
    const auto fields = message.type.empty() ? Value(Object()) : message.value();
    // A plain StartEvent carries the fields of whatever the workflow begins with.
    if (message.type.empty() || message.type == event_type<StartEvent>().name) return decode_event(*workflow.start, fields);
    if (message.type != workflow.start->name)
      return Error{Code::invalid_argument,
                   "workflow '" + workflow.name + "' starts with a " + workflow.start->name + ", not with a " + message.type};
    return decode_event(*workflow.start, fields);
  }

  caf::typed_response_promise<bool> send(const SendMessage& message) {
    const auto answer = promise<bool>();
    const auto row = service_.store().find_handler(message.handler_id);
    const auto workflow = row ? service_.find_workflow(*row) : nullptr;
    if (!workflow) {
      answer->deliver(
          failure(row ? "Workflow " + row->workflow_name + " not registered" : "Handler '" + message.handler_id + "' not found"));
      return *answer;
    }
    const auto event = parse_event(Object{{"type", message.event.type}, {"value", message.event.value()}}, workflow->registry);
    if (!event) {
      answer->deliver(failure(event.error().message));
      return *answer;
    }
    service_.send_event(message.handler_id, *event, message.step, [post = poster(), answer](const Expected<bool>& sent) {
      post([answer, sent] { sent ? answer->deliver(true) : answer->deliver(failure(sent.error().message)); });
    });
    return *answer;
  }

  caf::typed_response_promise<bool> cancel(const CancelMessage& message) {
    const auto answer = promise<bool>();
    service_.cancel(message.handler_id, [post = poster(), answer](const Expected<bool>& ended) {
      post([answer, ended] { ended ? answer->deliver(*ended) : answer->deliver(failure(ended.error().message)); });
    });
    return *answer;
  }

  caf::typed_response_promise<HandlerMessage> query(const QueryMessage& message) {
    const auto answer = promise<HandlerMessage>();
    if (const auto row = service_.store().find_handler(message.handler_id)) answer->deliver(message_of(*row));
    else answer->deliver(failure("Handler '" + message.handler_id + "' not found"));
    return *answer;
  }

  caf::typed_response_promise<HandlerMessage> subscribe(const SubscribeMessage& message) {
    const auto answer = promise<HandlerMessage>();
    const auto row = service_.store().find_handler(message.handler_id);
    if (!row) {
      answer->deliver(failure("Handler '" + message.handler_id + "' not found"));
      return *answer;
    }
    answer->deliver(message_of(*row));
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
    return *answer;
  }

  void forward(std::uint64_t key, const caf::actor_addr& who, const caf::actor& to, const std::string& handler_id,
               const StreamBatch& batch) {
    const auto streams = streams_.find(who);
    if (streams == streams_.end()) return;
    for (const auto& row : batch.rows)
      compat::post(to, StreamedMessage{handler_id, row.sequence, envelope_message(std::string(row.payload->json()))});
    if (!batch.end) return streams->second[key]->request_next();
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
