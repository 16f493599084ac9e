// One code base on CAF 0.17.6 (Debian) and CAF 1.x. The only file that asks for CAF's version.
#pragma once

#include <caf/all.hpp>
#include <caf/config.hpp>

#include <cstddef>
#include <new>
#include <string>
#include <utility>

// CAF 1.0 and 1.1 define CAF_VERSION as an octal literal: only major and minor can be trusted.
#define WEIR_CAF_1 (CAF_MAJOR_VERSION >= 1)
#define WEIR_CAF_0_17 (CAF_MAJOR_VERSION == 0 && CAF_MINOR_VERSION < 18)

namespace weir::compat {

#if WEIR_CAF_0_17
template <class R, class... A> struct Signature { using Type = typename caf::replies_to<A...>::template with<R>; };
template <class... A> struct Signature<void, A...> { using Type = caf::reacts_to<A...>; };
/// The signature of one message handler in a typed actor's interface.
template <class R, class... A> using Takes = typename Signature<R, A...>::Type;
#else
template <class R, class... A> using Takes = caf::result<R>(A...);
#endif

/// Configuration of a system whose messages are in the type-id block `Block`.
template <class Block>
struct Config : caf::actor_system_config {
  Config(std::size_t threads, const std::string& policy) {
#if WEIR_CAF_0_17
    this->template add_message_types<Block>();
    this->set("scheduler.max-threads", threads);
    this->set("scheduler.policy", caf::atom_from_string(policy));
#else
    static const bool once = [] {
      caf::init_global_meta_objects<Block>();
      caf::core::init_global_meta_objects();
      return true;
    }();
    (void)once;
    this->set("caf.scheduler.max-threads", threads);
    this->set("caf.scheduler.policy", policy);
#endif
  }
};

/// Sends from anywhere that is no actor.
template <class H, class... T>
void post(const H& to, T&&... content) {
#if WEIR_CAF_1
  caf::anon_mail(std::forward<T>(content)...).send(to);
#else
  caf::anon_send(to, std::forward<T>(content)...);
#endif
}

/// Sends from an actor.
template <class Self, class H, class... T>
void send(Self* self, const H& to, T&&... content) {
#if WEIR_CAF_1
  self->mail(std::forward<T>(content)...).send(to);
#else
  self->send(to, std::forward<T>(content)...);
#endif
}

template <class H>
void stop(const H& who) {
  caf::anon_send_exit(who, caf::exit_reason::user_shutdown);
}

/// Makes an actor of a plain class: `struct A { A(Base* self, args...); Base::behavior_type make_behavior(); }`.
/// The object dies when the actor exits, on the actor's own thread, not when the last handle goes.
template <class T, class Base>
class Host final : public Base {
public:
  template <class... A>
  explicit Host(caf::actor_config& config, A&&... args) : Base(config) {
    new (&object_) T(static_cast<Base*>(this), std::forward<A>(args)...);
  }
  ~Host() override {}  // NOLINT: the object is destroyed in on_exit
  typename Base::behavior_type make_behavior() override { return object_.make_behavior(); }
  void on_exit() override {
    object_.~T();
    Base::on_exit();
  }
  const char* name() const override { return T::actor_name; }

private:
  union {
    T object_;
  };
};

template <class T, class Handle, class Where, class... A>
Handle spawn(Where& where, A&&... args) {
  return where.template spawn<Host<T, typename Handle::base>>(std::forward<A>(args)...);
}

}  // namespace weir::compat
