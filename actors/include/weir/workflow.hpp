// How a workflow is written: a class whose constructor names its methods as steps.
#pragma once

#include <weir/context.hpp>
#include <weir/event.hpp>
#include <weir/retry.hpp>
#include <weir/task.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace weir {

class Workflow;

namespace detail {

struct StepInput {
  EventBox event;
  std::vector<EventBox> batch;  ///< the collected events of a `std::vector` parameter
};

struct StepOutput {
  std::vector<EventBox> events;
  bool fanned_out = false;
};

using PlainBody = std::function<StepOutput(Workflow&, Context&, const StepInput&)>;
using CoroutineBody = std::function<Task<StepOutput>(Workflow&, Context&, const StepInput&)>;

/// Everything known about a step. Filled by step<>() and the builder; read by the runtime.
struct StepSpec {
  std::string name;
  std::string description;
  std::vector<const EventType*> accepts;
  bool collects = false;
  std::vector<const EventType*> returns;
  std::vector<const EventType*> returns_in_list;
  PlainBody plain;  ///< exactly one of the two
  CoroutineBody coroutine;
  int num_workers = 4;
  bool blocking = false;
  bool accept_subclasses = false;
  bool skip_reachability = false;
  bool skip_dead_end = false;
  std::optional<Retry> retry;
  std::uint32_t take = 0;
  bool is_error_handler = false;
  std::vector<std::string> handles_steps;
  int max_recoveries = 1;
};

template <class T>
constexpr bool is_event_or_alternatives() {
  if constexpr (codec::is_variant<T>) return true;
  else return reflect::Reflectable<T>;
}

template <class T>
struct Alternatives {
  template <class F>
  static void each(F&& f) {
    f.template operator()<T>();
  }
};
template <class... T>
struct Alternatives<std::variant<T...>> {
  template <class F>
  static void each(F&& f) {
    (f.template operator()<T>(), ...);
  }
};

/// What a step returns, taken apart: events, alternatives, lists.
template <class T>
void declare_result(StepSpec& spec, bool in_list = false) {
  if constexpr (std::is_void_v<T> || std::same_as<T, std::monostate>) {
  } else if constexpr (codec::is_optional<T>) {
    declare_result<typename T::value_type>(spec, in_list);
  } else if constexpr (codec::is_variant<T>) {
    Alternatives<T>::each([&]<class A>() { declare_result<A>(spec, in_list); });
  } else if constexpr (codec::is_vector<T>) {
    declare_result<typename T::value_type>(spec, true);
  } else if constexpr (reflect::Reflectable<T>) {
    (in_list ? spec.returns_in_list : spec.returns).push_back(&event_type<T>());
  } else {
    static_assert(never<T>, "a step returns an event, a std::optional, std::variant or std::vector of events, or void");
  }
}

template <class T>
void append_result(StepOutput& out, T&& result) {
  using U = std::remove_cvref_t<T>;
  if constexpr (std::same_as<U, std::monostate>) {
  } else if constexpr (codec::is_optional<U>) {
    if (result) append_result(out, *std::forward<T>(result));
  } else if constexpr (codec::is_variant<U>) {
    std::visit([&](auto&& alternative) { append_result(out, std::forward<decltype(alternative)>(alternative)); }, std::forward<T>(result));
  } else if constexpr (codec::is_vector<U>) {
    out.fanned_out = true;
    out.events.reserve(result.size());
    for (auto& item : result) append_result(out, std::move(item));
  } else {
    out.events.emplace_back(std::forward<T>(result));
  }
}

/// A step's event parameter, made from what the engine hands over.
template <class P>
struct EventParameter {
  using Type = std::remove_cvref_t<P>;

  static void declare(StepSpec& spec) {
    static_assert(is_event_or_alternatives<Type>(),
                  "a step takes an event by `const Event&`, several as std::variant, or a stream as std::vector");
    Alternatives<Type>::each([&]<class A>() { spec.accepts.push_back(&event_type<A>()); });
  }
  static decltype(auto) from(const StepInput& input) {
    if constexpr (codec::is_variant<Type>) return alternative<0>(input.event);
    else return static_cast<const Type&>(*static_cast<const Type*>(input.event.body()));
  }

private:
  template <std::size_t I>
  static Type alternative(const EventBox& event) {
    using A = std::variant_alternative_t<I, Type>;
    if constexpr (I + 1 == std::variant_size_v<Type>) return unbox<A>(event);
    else return event.type().is_a(event_type<A>()) ? Type(unbox<A>(event)) : alternative<I + 1>(event);
  }
};

template <class E, class P>
struct CollectParameter {
  static void declare(StepSpec& spec) {
    static_assert(is_event_or_alternatives<E>(),
                  "a step takes an event by `const Event&`, several as std::variant, or a stream as std::vector");
    spec.collects = true;
    Alternatives<E>::each([&]<class A>() { spec.accepts.push_back(&event_type<A>()); });
  }
  static std::vector<E> from(const StepInput& input) {
    std::vector<E> out;
    out.reserve(input.batch.size());
    for (const auto& event : input.batch) out.push_back(EventParameter<E>::from(StepInput{event, {}}));
    return out;
  }
};

template <class P>
struct ParameterOf {
  using Type = EventParameter<P>;
};
template <class E>
struct ParameterOf<std::vector<E>> {
  using Type = CollectParameter<E, std::vector<E>>;
};
template <class E>
struct ParameterOf<const std::vector<E>&> {
  using Type = CollectParameter<E, const std::vector<E>&>;
};

template <class F>
struct Signature : std::false_type {};
template <class R, class C, class... A>
struct Signature<R (C::*)(A...)> : std::true_type {
  using Result = R;
  using Class = C;
  using Arguments = std::tuple<A...>;
};
template <class R, class C, class... A>
struct Signature<R (C::*)(A...) const> : Signature<R (C::*)(A...)> {};
template <class R, class C, class... A>
struct Signature<R (C::*)(A...) noexcept> : Signature<R (C::*)(A...)> {};
template <class R, class C, class... A>
struct Signature<R (C::*)(A...) const noexcept> : Signature<R (C::*)(A...)> {};

/// Argument list with a leading Context& taken off.
template <class T>
struct Arguments {
  static constexpr bool context = false;
  using Events = T;
};
template <class... A>
struct Arguments<std::tuple<Context&, A...>> {
  static constexpr bool context = true;
  using Events = std::tuple<A...>;
};

/// The first type; a harmless event when there is none, so that only one sentence is said about it.
template <class T>
struct First {
  using Type = const Event&;
};
template <class T, class... Rest>
struct First<std::tuple<T, Rest...>> {
  using Type = T;
};

template <class T>
struct TaskResult {
  static constexpr bool coroutine = false;
  using Type = T;
};
template <class T>
struct TaskResult<Task<T>> {
  static constexpr bool coroutine = true;
  using Type = T;
};

template <auto F>
struct StepMaker {
  using Sig = Signature<decltype(F)>;
  static_assert(Sig::value, "step<&Flow::method>() takes a non-static member function of the workflow");
  using Args = Arguments<typename Sig::Arguments>;
  static_assert(std::tuple_size_v<typename Args::Events> == 1,
                "a step takes exactly one event: write `Result step(const SomeEvent&)` or `Result step(weir::Context&, const SomeEvent&)`");
  using Parameter = typename ParameterOf<typename First<typename Args::Events>::Type>::Type;
  using Result = TaskResult<typename Sig::Result>;

  static decltype(auto) call(Workflow& flow, Context& context, const StepInput& input) {
    auto& self = static_cast<typename Sig::Class&>(flow);
    if constexpr (std::tuple_size_v<typename Args::Events> != 1) return typename Result::Type();
    else if constexpr (Args::context) return (self.*F)(context, Parameter::from(input));
    else return (self.*F)(Parameter::from(input));
  }

  static StepOutput run(Workflow& flow, Context& context, const StepInput& input) {
    StepOutput out;
    if constexpr (std::is_void_v<typename Result::Type>) call(flow, context, input);
    else append_result(out, call(flow, context, input));
    return out;
  }

  static Task<StepOutput> run_coroutine(Workflow& flow, Context& context, const StepInput& input) {
    auto& self = static_cast<typename Sig::Class&>(flow);
    // Named, so that what the parameter refers to lives as long as the body.
    decltype(auto) event = Parameter::from(input);
    StepOutput out;
    if constexpr (std::is_void_v<typename Result::Type>) {
      if constexpr (Args::context) co_await (self.*F)(context, event);
      else co_await (self.*F)(event);
    } else {
      if constexpr (Args::context) append_result(out, co_await (self.*F)(context, event));
      else append_result(out, co_await (self.*F)(event));
    }
    co_return out;
  }

  static StepSpec make() {
    StepSpec spec;
    spec.name = reflect::function_name<F>();
    Parameter::declare(spec);
    declare_result<typename Result::Type>(spec);
    if constexpr (Result::coroutine) spec.coroutine = &run_coroutine;
    else spec.plain = &run;
    return spec;
  }
};

}  // namespace detail

/// Options of a step, chained after step<>(). Wrong values throw WorkflowError at once.
class StepBuilder {
public:
  explicit StepBuilder(detail::StepSpec& spec) : spec_(&spec) {}

  /// How many invocations of the step may run at once in one run; more wait. Default 4.
  StepBuilder& num_workers(int count);
  /// Without it the first failure counts.
  StepBuilder& retry(Retry policy);
  /// The step runs on the blocking pool: it may block a thread. Not for coroutines, which never need it.
  StepBuilder& blocking();
  /// Freezes the step's wire name before the method is renamed.
  StepBuilder& named(std::string name);
  StepBuilder& description(std::string text);
  /// Also takes events whose kind descends from a declared one; the step sees the declared type's fields.
  StepBuilder& accept_event_subclasses();
  /// Collect steps: fire at the n-th arrival instead of when the fan-out is complete.
  StepBuilder& take(std::uint32_t count);
  StepBuilder& skip_reachability_check();
  StepBuilder& skip_dead_end_check();

private:
  detail::StepSpec* spec_;
};

/// Base of all workflows. Declare steps in the constructor. One object serves all runs of the workflow at once: keep
/// per-run data in events and `ctx.store()`, and guard other members yourself.
class Workflow {
public:
  Workflow() = default;
  Workflow(const Workflow&) = delete;
  Workflow& operator=(const Workflow&) = delete;
  virtual ~Workflow() = default;

  struct Definition {
    std::vector<std::unique_ptr<detail::StepSpec>> steps;
    std::optional<Duration> timeout = std::chrono::seconds(45);
    std::string description;
    std::string version;
    bool skip_reachability = false, skip_terminal_event = false, skip_dead_end = false;
  };
  const Definition& definition() const noexcept { return definition_; }

protected:
  /// Makes a method a step: `step<&Flow::method>()`. Name, input and outputs come from its signature.
  template <auto F>
  StepBuilder step() {
    return add(detail::StepMaker<F>::make());
  }

  /// Makes a method the handler of steps whose retries are used up. It takes a StepFailedEvent.
  /// `steps` empty: every step. `max_recoveries` counts along an event's ancestry.
  template <auto F>
  StepBuilder catch_error(std::vector<std::string> steps = {}, int max_recoveries = 1) {
    return add_error_handler(detail::StepMaker<F>::make(), std::move(steps), max_recoveries);
  }

  /// How long a run may take. Default 45 s.
  void timeout(Duration limit) { definition_.timeout = limit; }
  void no_timeout() { definition_.timeout.reset(); }
  /// Shown with the graph.
  void description(std::string text) { definition_.description = std::move(text); }
  void version(std::string text) { definition_.version = std::move(text); }
  void skip_reachability_check() { definition_.skip_reachability = true; }
  void skip_terminal_event_check() { definition_.skip_terminal_event = true; }
  void skip_dead_end_check() { definition_.skip_dead_end = true; }

private:
  StepBuilder add(detail::StepSpec spec);
  StepBuilder add_error_handler(detail::StepSpec spec, std::vector<std::string> steps, int max_recoveries);

  Definition definition_;
};

}  // namespace weir
