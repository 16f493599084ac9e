// One code base on CAF 0.17.6 (Debian) and CAF 1.x: what only the runtime needs.
#pragma once

#include <weir/caf_compat.hpp>

#if WEIR_CAF_0_17
#include <caf/policy/work_sharing.hpp>
#include <caf/scheduler/coordinator.hpp>
#endif

#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>

// ThreadSanitizer cannot see inside Debian's libcaf, so the order that a mailbox gives to sender and receiver is told to
// it here. In other builds these are nothing.
#if defined(__SANITIZE_THREAD__)
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#define WEIR_TSAN_ACQUIRE(address) __tsan_acquire(address)
#define WEIR_TSAN_RELEASE(address) __tsan_release(address)
#else
#define WEIR_TSAN_ACQUIRE(address) (void)(address)
#define WEIR_TSAN_RELEASE(address) (void)(address)
#endif

namespace weir::compat {

/// What sender and receiver agree on.
template <class H>
void* meeting_point(const H& actor) {
  return caf::actor_cast<caf::abstract_actor*>(actor);
}

template <class Self, class F, class M>
auto receiving(Self* self, F handler, void (F::*)(M) const) {
  return [self, handler = std::move(handler)](M message) {
    WEIR_TSAN_ACQUIRE(static_cast<caf::abstract_actor*>(self));
    handler(static_cast<M>(message));
    WEIR_TSAN_RELEASE(static_cast<caf::abstract_actor*>(self));  // the next message may be handled by another thread
  };
}
/// Every message handler goes through here.
template <class Self, class F>
auto on(Self* self, F handler) {
  return receiving(self, std::move(handler), &F::operator());
}

#if WEIR_CAF_0_17
/// CAF 0.17 wakes its clock thread whenever an actor ends, to drop timeouts it may have set. Weir's actors set none
/// (timers.hpp), and two context switches per actor are a fifth of what a short run costs.
class QuietClock final : public caf::detail::thread_safe_actor_clock {
public:
  void cancel_timeouts(caf::abstract_actor*) override {}
};

class QuietScheduler final : public caf::scheduler::coordinator<caf::policy::work_sharing> {
public:
  using Base = caf::scheduler::coordinator<caf::policy::work_sharing>;
  explicit QuietScheduler(caf::actor_system& system) : Base(system) {}
  caf::detail::thread_safe_actor_clock& clock() noexcept override { return clock_; }
  static caf::actor_system::module* make(caf::actor_system& system, caf::detail::type_list<>) { return new QuietScheduler(system); }

private:
  QuietClock clock_;
};
#endif

/// How many messages an actor takes before others have their turn: a run that has much to do shares the threads with those that have
/// little.
inline constexpr std::size_t messages_in_turn_max = 64;

inline void set_threads(caf::actor_system_config& config, std::size_t threads) {
  config.set(WEIR_CAF_1 ? "caf.scheduler.max-threads" : "scheduler.max-threads", threads);
}

/// Configuration of a system whose messages are in the type-id block `Block`.
template <class Block>
struct Config : caf::actor_system_config {
  explicit Config(std::size_t threads) {
#if WEIR_CAF_0_17
    this->template add_message_types<Block>();
    this->template load<QuietScheduler>();
#else
    static const bool once = [] {
      caf::init_global_meta_objects<Block>();
      caf::core::init_global_meta_objects();
      return true;
    }();
    (void)once;
    this->set("caf.scheduler.policy", "sharing");
#endif
    this->set(WEIR_CAF_1 ? "caf.scheduler.max-throughput" : "scheduler.max-throughput", messages_in_turn_max);
    set_threads(*this, threads);
  }
};

#if defined(__SANITIZE_THREAD__)
/// The envelope must exist before the release, or its creation would look like a race with its reading.
template <class H, class... T>
void enqueue(const H& to, T&&... content) {
  auto envelope = caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::forward<T>(content)...);
  WEIR_TSAN_RELEASE(meeting_point(to));
  caf::actor_cast<caf::abstract_actor*>(to)->enqueue(std::move(envelope), nullptr);
}
#endif

/// Sends from anywhere that is no actor.
template <class H, class... T>
void post(const H& to, T&&... content) {
#if defined(__SANITIZE_THREAD__)
  enqueue(to, std::forward<T>(content)...);
#elif WEIR_CAF_1
  caf::anon_mail(std::forward<T>(content)...).send(to);
#else
  caf::anon_send(to, std::forward<T>(content)...);
#endif
}

/// Sends from an actor.
template <class Self, class H, class... T>
void send(Self* self, const H& to, T&&... content) {
#if defined(__SANITIZE_THREAD__)
  (void)self;
  enqueue(to, std::forward<T>(content)...);
#elif WEIR_CAF_1
  self->mail(std::forward<T>(content)...).send(to);
#else
  self->send(to, std::forward<T>(content)...);
#endif
}

template <class H>
void stop(const H& who) {
  WEIR_TSAN_RELEASE(meeting_point(who));
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
    WEIR_TSAN_RELEASE(static_cast<caf::abstract_actor*>(this));
  }
  ~Host() override { WEIR_TSAN_ACQUIRE(static_cast<caf::abstract_actor*>(this)); }  // NOLINT: the object is destroyed in on_exit
  typename Base::behavior_type make_behavior() override {
    WEIR_TSAN_ACQUIRE(static_cast<caf::abstract_actor*>(this));
    return object_.make_behavior();
  }
  void on_exit() override {
    WEIR_TSAN_ACQUIRE(static_cast<caf::abstract_actor*>(this));
    object_.~T();
    Base::on_exit();
    WEIR_TSAN_RELEASE(static_cast<caf::abstract_actor*>(this));
  }
  const char* name() const override { return T::actor_name; }

private:
  union {
    T object_;
  };
};

/// For an actor of `system`, after it has called into another system.
inline void take_logger_of([[maybe_unused]] caf::actor_system& system) {
#if WEIR_CAF_0_17
  caf::logger::set_current_actor_system(&system);
#endif
}

inline std::unique_ptr<caf::actor_system> make_system(caf::actor_system_config& config) {
  [[maybe_unused]] const LetGoOfLogger let_go;
  return std::make_unique<caf::actor_system>(config);
}
/// On a thread of its own: whoever ends a system holds on to its logger once more, and the thread-locals of one that is ending, as the
/// main thread does while objects of static storage are destroyed, must not be touched.
inline void end_system(std::unique_ptr<caf::actor_system>& system) {
  if (system) std::thread([&] { system.reset(); }).join();
}

template <class T, class Handle, class Where, class... A>
Handle spawn(Where& where, A&&... args) {
  [[maybe_unused]] const LetGoOfLogger let_go;
  return where.template spawn<Host<T, typename Handle::base>>(std::forward<A>(args)...);
}

}  // namespace weir::compat
