// The door for programs that already have a caf::actor_system: Weir's workflows as an actor that takes and answers messages, and
// steps that ask the program's own actors. Every message can be sent over caf::io.
#pragma once

#include <weir/caf_compat.hpp>
#include <weir/envelope.hpp>
#include <weir/pending.hpp>
#include <weir/runtime.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace weir {

/// An event as a message. Made of any event; as<T>() gives it back where its type is known.
struct EventMessage {
  EventMessage() = default;
  template <EventLike T>
  EventMessage(const T& event) : EventMessage(EventBox(event)) {}
  EventMessage(const EventBox& event);
  /// With the name of a type that is not known here, and its fields.
  EventMessage(std::string type_name, const Object& fields);

  template <EventLike T>
  bool is() const noexcept {
    return type == event_type<T>().name;
  }
  /// Throws std::invalid_argument when it is another type, or its fields do not fit.
  template <EventLike T>
  T as() const {
    return *static_cast<const T*>(decode(event_type<T>()).body());
  }
  /// Its fields by name.
  Value value() const;

  std::string type;  ///< empty: no event
  std::string json;  ///< its fields

  WEIR_CAF_MESSAGE(EventMessage, x.type, x.json)

private:
  EventBox decode(const EventType& expected) const;
};

// ---- to the service

/// Start a run; answered with a HandlerMessage when it is recorded.
struct StartMessage {
  std::string workflow;
  EventMessage start = {};
  std::string handler_id = {};  ///< empty: one is made up
  WEIR_CAF_MESSAGE(StartMessage, x.workflow, x.start, x.handler_id)
};
/// Start a run; answered when it is over, however it ended.
struct RunMessage {
  std::string workflow;
  EventMessage start = {};
  std::string handler_id = {};
  WEIR_CAF_MESSAGE(RunMessage, x.workflow, x.start, x.handler_id)
};
/// Put an event into a run; answered when it is accepted: as Run::send_event, false when nothing takes it.
struct SendMessage {
  std::string handler_id;
  EventMessage event;
  std::string step = {};  ///< empty: every step that takes it
  WEIR_CAF_MESSAGE(SendMessage, x.handler_id, x.event, x.step)
};
/// End a run; answered when it has ended: true when this message ended it.
struct CancelMessage {
  std::string handler_id;
  WEIR_CAF_MESSAGE(CancelMessage, x.handler_id)
};
/// Answered with the handler as it is.
struct QueryMessage {
  std::string handler_id;
  WEIR_CAF_MESSAGE(QueryMessage, x.handler_id)
};
/// Send the run's events to `subscriber`, each as a StreamedMessage, then a StreamEndedMessage. Answered with the handler as it is.
/// The subscription ends with the subscriber.
struct SubscribeMessage {
  std::string handler_id;
  caf::actor subscriber;
  std::int64_t after = -1;  ///< begin after this sequence; -1: from the start
  bool include_internal = false;
  WEIR_CAF_MESSAGE(SubscribeMessage, x.handler_id, x.subscriber, x.after, x.include_internal)
};

// ---- from the service

/// A handler as it is.
struct HandlerMessage {
  std::string handler_id, workflow, run_id;
  std::string status;   ///< "running", "completed", "failed" or "cancelled"
  std::string error;    ///< empty unless failed
  EventMessage result;  ///< of a completed run
  WEIR_CAF_MESSAGE(HandlerMessage, x.handler_id, x.workflow, x.run_id, x.status, x.error, x.result)
};
struct StreamedMessage {
  std::string handler_id;
  std::int64_t sequence = 0;
  EventMessage event;
  WEIR_CAF_MESSAGE(StreamedMessage, x.handler_id, x.sequence, x.event)
};
/// Nothing follows: the run is over.
struct StreamEndedMessage {
  std::string handler_id;
  WEIR_CAF_MESSAGE(StreamEndedMessage, x.handler_id)
};

}  // namespace weir

// Far behind where programs begin to number their own types.
CAF_BEGIN_TYPE_ID_BLOCK(weir_messages, caf::first_custom_type_id + 10000)
CAF_ADD_TYPE_ID(weir_messages, (weir::EventMessage))
CAF_ADD_TYPE_ID(weir_messages, (weir::StartMessage))
CAF_ADD_TYPE_ID(weir_messages, (weir::RunMessage))
CAF_ADD_TYPE_ID(weir_messages, (weir::SendMessage))
CAF_ADD_TYPE_ID(weir_messages, (weir::CancelMessage))
CAF_ADD_TYPE_ID(weir_messages, (weir::QueryMessage))
CAF_ADD_TYPE_ID(weir_messages, (weir::SubscribeMessage))
CAF_ADD_TYPE_ID(weir_messages, (weir::HandlerMessage))
CAF_ADD_TYPE_ID(weir_messages, (weir::StreamedMessage))
CAF_ADD_TYPE_ID(weir_messages, (weir::StreamEndedMessage))
CAF_END_TYPE_ID_BLOCK(weir_messages)

namespace weir {

using ServiceActor = caf::typed_actor<compat::Takes<HandlerMessage, StartMessage>, compat::Takes<HandlerMessage, RunMessage>,
                                      compat::Takes<bool, SendMessage>, compat::Takes<bool, CancelMessage>,
                                      compat::Takes<HandlerMessage, QueryMessage>, compat::Takes<HandlerMessage, SubscribeMessage>>;

/// Call it once on the program's configuration, before its actor system is made.
inline void add_message_types(caf::actor_system_config& config) { compat::add_message_types<caf::id_block::weir_messages>(config); }

/// An actor in `system` that runs the workflows of `runtime`, which keeps threads and actors of its own. What a message asks
/// for and cannot have (no such workflow, handler or event type) is answered with a caf::error that says why. It may be monitored,
/// linked and published like any actor. Runtime and system may end in any order: what waits for a run is answered with an error when
/// the runtime ends, and so is who asks later. Runs go on until the runtime goes. Messages are done in the order in which they come; while
/// 10,000 of them wait for the store, more are answered with an error at once.
ServiceActor spawn_service(caf::actor_system& system, Runtime& runtime);

namespace detail {

template <class R>
using NoVoid = std::conditional_t<std::is_void_v<R>, bool, R>;

template <class List>
struct SingleAnswer;
template <template <class...> class List>
struct SingleAnswer<List<>> {
  using Type = void;
};
template <template <class...> class List, class R>
struct SingleAnswer<List<R>> {
  using Type = R;
};

/// How long an actor may take for its answer.
inline constexpr std::chrono::minutes actor_answers_within{5};

/// Asks from an actor made for this one question. An actor that has ended is not asked: its system may have ended, too.
template <class R, class Handle, class... A>
Pending<Expected<NoVoid<R>>> ask_actor(Handle actor, A... message) {
  return Pending<Expected<NoVoid<R>>>([actor, words = std::tuple<A...>(std::move(message)...)](auto answer) {
    if (compat::has_ended(actor)) return answer(Error{Code::unavailable, "the actor did not answer: it has ended"});
    auto& system = actor.home_system();
    [[maybe_unused]] const compat::LetGoOfLogger let_go;
    // CAF 0.17 binds a reference to nothing when a function is spawned without an argument.
    system.spawn(
        [answer, actor, &system](caf::event_based_actor* self, const std::tuple<A...>& given) {
          const auto answered = std::make_shared<bool>(false);  // touched by this actor alone
          const auto settle = [answer, answered](Expected<NoVoid<R>> value) {
            if (!std::exchange(*answered, true)) answer(std::move(value));
          };
          const auto fail = [settle](const std::string& why) { settle(Error{Code::unavailable, "the actor did not answer: " + why}); };
          const auto failed = [fail, &system](const caf::error& error) { fail(compat::text_of(system, error)); };
          compat::on_lost(self, actor, [fail, self] {
            fail("it has ended, or its process cannot be reached any more");
            self->quit();
          });
          std::apply(
              [&](const A&... word) {
                if constexpr (std::is_void_v<R>)
                  compat::request_within(self, actor, actor_answers_within, word...).then([settle] { settle(true); }, failed);
                else
                  compat::request_within(self, actor, actor_answers_within, word...)
                      .then([settle](R value) { settle(std::move(value)); }, failed);
              },
              given);
        },
        words);
  });
}

template <class R, class Handle, class... A>
Task<R> await_actor(Handle actor, A... message) {
  auto asking = ask_actor<R>(std::move(actor), std::move(message)...);
  auto answer = co_await asking;
  if (!answer) throw std::runtime_error(answer.error().message);
  if constexpr (!std::is_void_v<R>) co_return std::move(*answer);
}

}  // namespace detail

/// Behind Context::request. The answer's type is the typed actor's; for a caf::actor it is named: ctx.request<int>(actor, ...).
template <class... Signature, class... A>
auto request_actor(Context&, const caf::typed_actor<Signature...>& actor, A&&... message) {
  (detail::check_effect<A>(), ...);
  using Answer = typename detail::SingleAnswer<compat::AnswerTo<caf::typed_actor<Signature...>, A...>>::Type;
  return detail::await_actor<Answer>(actor, std::decay_t<A>(std::forward<A>(message))...);
}
template <class R, class Handle, class... A>
Task<R> request_actor_as(Context&, const Handle& actor, A&&... message) {
  (detail::check_effect<A>(), ...);
  return detail::await_actor<R>(actor, std::decay_t<A>(std::forward<A>(message))...);
}

}  // namespace weir
