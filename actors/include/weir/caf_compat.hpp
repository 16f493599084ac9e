// What weir/caf.hpp needs of CAF, on 0.17.6 (Debian) and 1.x alike. This file and the runtime's own are the only ones that ask for
// CAF's version.
#pragma once

#include <caf/all.hpp>
#include <caf/config.hpp>

#include <string>
#include <utility>

// CAF 1.0 and 1.1 define CAF_VERSION as an octal literal: only major and minor can be trusted.
#define WEIR_CAF_1 (CAF_MAJOR_VERSION >= 1)
#define WEIR_CAF_0_17 (CAF_MAJOR_VERSION == 0 && CAF_MINOR_VERSION < 18)

namespace weir::compat {

#if WEIR_CAF_0_17
template <class R, class... A>
struct Signature {
  using Type = typename caf::replies_to<A...>::template with<R>;
};
template <class... A>
struct Signature<void, A...> {
  using Type = caf::reacts_to<A...>;
};
/// The signature of one message handler in a typed actor's interface.
template <class R, class... A>
using Takes = typename Signature<R, A...>::Type;

template <class Block>
void add_message_types(caf::actor_system_config& config) {
  config.add_message_types<Block>();
}

inline std::string text_of(caf::actor_system& system, const caf::error& error) { return system.render(error); }

template <class Self, class Handle, class Timeout, class... A>
auto request_within(Self* self, const Handle& actor, Timeout timeout, A&&... message) {
  return self->request(actor, timeout, std::forward<A>(message)...);
}

/// A message's members, inside its class: WEIR_CAF_MESSAGE(Type, x.a, x.b).
#define WEIR_CAF_MESSAGE(type, ...)                                               \
  template <class Inspector>                                                      \
  friend typename Inspector::result_type inspect(Inspector& inspector, type& x) { \
    return inspector(caf::meta::type_name(#type), __VA_ARGS__);                   \
  }
#else
template <class R, class... A>
using Takes = caf::result<R>(A...);

template <class Block>
void add_message_types(caf::actor_system_config&) {
  caf::init_global_meta_objects<Block>();  // CAF 1.x: before the system is made, once for a program
}

inline std::string text_of(caf::actor_system&, const caf::error& error) { return caf::to_string(error); }

template <class Self, class Handle, class Timeout, class... A>
auto request_within(Self* self, const Handle& actor, Timeout timeout, A&&... message) {
  return self->mail(std::forward<A>(message)...).request(actor, timeout);
}

#define WEIR_CAF_MESSAGE(type, ...)                                 \
  template <class Inspector>                                        \
  friend bool inspect(Inspector& inspector, type& x) {              \
    return weir::compat::inspect_object(inspector, x, __VA_ARGS__); \
  }
template <class Inspector, class X, class... T, std::size_t... I>
bool inspect_numbered(Inspector& inspector, X& x, std::index_sequence<I...>, T&... fields) {
  static constexpr const char* names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
  return inspector.object(x).fields(inspector.field(names[I], fields)...);
}
template <class Inspector, class X, class... T>
bool inspect_object(Inspector& inspector, X& x, T&... fields) {
  return inspect_numbered(inspector, x, std::index_sequence_for<T...>(), fields...);
}
#endif

/// CAF 0.17 makes a thread that spawns an actor hold on to the logger of that actor's system, and the system's end waits for
/// it. A thread that is none of the system's lets go again.
class LetGoOfLogger {
#if WEIR_CAF_0_17
public:
  LetGoOfLogger() : before_(caf::logger::current_logger()) {}
  ~LetGoOfLogger() {
    if (caf::logger::current_logger() != before_) caf::logger::set_current_actor_system(nullptr);
  }
  LetGoOfLogger(const LetGoOfLogger&) = delete;
  LetGoOfLogger& operator=(const LetGoOfLogger&) = delete;

private:
  caf::logger* before_;
#endif
};

/// What a typed actor answers to a message.
template <class Handle, class... A>
using AnswerTo = caf::response_type_t<typename Handle::signatures, std::decay_t<A>...>;

template <class Self, class Handle, class... A>
auto request(Self* self, const Handle& actor, A&&... message) {
  return request_within(self, actor, caf::infinite, std::forward<A>(message)...);
}

/// Calls `gone(reason)` on the actor's thread when `other` has ended. For an actor that monitors one other, or does the same for all.
template <class Self, class Handle, class F>
void on_down(Self* self, const Handle& other, F gone) {
#if WEIR_CAF_1
  self->monitor(other, [gone, source = other.address()](const caf::error& reason) { gone(source, reason); });
#else
  self->set_down_handler([gone](caf::down_msg& message) { gone(message.source, message.reason); });
  self->monitor(other);
#endif
}
/// Calls `lost()` when `other` lives in another process and has ended, or that process cannot be reached any more.
template <class Self, class Handle, class F>
void on_lost(Self* self, const Handle& other, F lost) {
  if (other.node() == self->node()) return;  // what it leaves unanswered comes back by itself
  on_down(self, other, [lost](const caf::actor_addr&, const caf::error&) { lost(); });
}

template <class Handle>
bool has_ended(const Handle& actor) {
  const auto* known = caf::actor_cast<caf::abstract_actor*>(actor);
  return !known || known->getf(caf::abstract_actor::is_terminated_flag);
}

}  // namespace weir::compat
