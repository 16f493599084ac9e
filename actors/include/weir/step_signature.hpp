// How a step's signature becomes what the engine knows of it: name, events in, events out, and a body to call.
#pragma once

#include <weir/context.hpp>
#include <weir/event.hpp>
#include <weir/resource.hpp>
#include <weir/retry.hpp>
#include <weir/task.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeindex>
#include <utility>
#include <variant>
#include <vector>

namespace weir {

class Workflow;

namespace detail {

struct StepInput {
  EventBox event;
  std::vector<EventBox> batch;  ///< the collected events of a `std::vector` parameter, or one event per parameter
  Objects resources;            ///< one per resource parameter
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
  std::vector<const EventType*> slots;  ///< of a step with several event parameters
  std::vector<std::type_index> resources;
  std::vector<const EventType*> returns;
  std::vector<const EventType*> returns_in_list;
  PlainBody plain;  ///< exactly one of the two
  CoroutineBody coroutine;
  std::shared_ptr<Workflow> child;  ///< instead of a body: the step runs this workflow
  std::string child_class;
  bool forward_stream = false;
  int num_workers = 4;
  bool blocking = false;
  bool accept_subclasses = false;
  bool skip_reachability = false;
  bool skip_dead_end = false;
  std::optional<RetryPolicy> retry;
  std::optional<Duration> timeout;
  std::uint32_t take = 0;
  bool is_error_handler = false;
  std::vector<std::string> handles_steps;
  int max_recoveries = 1;
};

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
  } else {
    (in_list ? spec.returns_in_list : spec.returns).push_back(&event_type<T>());
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

/// An event seen as one of the types that a parameter declares.
template <class P>
struct EventParameter {
  using Type = std::remove_cvref_t<P>;

  static void declare(std::vector<const EventType*>& types) {
    Alternatives<Type>::each([&]<class A>() { types.push_back(&event_type<A>()); });
  }
  static decltype(auto) from(const EventBox& event) {
    if constexpr (codec::is_variant<Type>) return alternative<0>(event);
    else return static_cast<const Type&>(*static_cast<const Type*>(event.body()));
  }

private:
  template <std::size_t I>
  static Type alternative(const EventBox& event) {
    using A = std::variant_alternative_t<I, Type>;
    if constexpr (I + 1 == std::variant_size_v<Type>) return unbox<A>(event);
    else return event.type().is_a(event_type<A>()) ? Type(unbox<A>(event)) : alternative<I + 1>(event);
  }
};

template <class E>
std::vector<E> collected(const std::vector<EventBox>& batch) {
  std::vector<E> out;
  out.reserve(batch.size());
  for (const auto& event : batch) out.push_back(EventParameter<E>::from(event));
  return out;
}

/// A step's parameters taken apart: a leading Context&, then events, then resources.
template <class T>
struct Parameters;
template <class... P>
struct Parameters<std::tuple<P...>> {
  template <std::size_t I>
  using At = std::tuple_element_t<I, std::tuple<P..., void>>;

  static constexpr std::size_t count = sizeof...(P);
  static constexpr std::size_t first = std::same_as<At<0>, Context&> ? 1 : 0;
  static constexpr std::size_t resources = (std::size_t{0} + ... + (is_resource<std::remove_cvref_t<P>> ? 1 : 0));
  static constexpr std::size_t events = count - first - resources;
  static constexpr bool resources_last = []<std::size_t... I>(std::index_sequence<I...>) {
    return (true && ... && is_resource<std::remove_cvref_t<At<first + events + I>>>);
  }
  (std::make_index_sequence<resources>{});
  static constexpr bool collects = (false || ... || codec::is_vector<std::remove_cvref_t<P>>);
  static constexpr bool unions = (false || ... || codec::is_variant<std::remove_cvref_t<P>>);

  static void declare(StepSpec& spec) {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (declare_event<std::remove_cvref_t<At<first + I>>>(spec), ...); }
    (std::make_index_sequence<events>{});
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (spec.resources.push_back(ResourceOf<std::remove_cvref_t<At<first + events + I>>>::type()), ...);
    }
    (std::make_index_sequence<resources>{});
  }

  /// The arguments behind the Context&. References point into `input`.
  static auto from(const StepInput& input) {
    return std::tuple_cat(event_arguments(input, std::make_index_sequence<events>{}),
                          resource_arguments(input, std::make_index_sequence<resources>{}));
  }

private:
  template <class E>
  static void declare_event(StepSpec& spec) {
    if constexpr (codec::is_vector<E>) {
      spec.collects = true;
      EventParameter<typename E::value_type>::declare(spec.accepts);
    } else if constexpr (events == 1) {
      EventParameter<E>::declare(spec.accepts);
    } else {
      EventParameter<E>::declare(spec.slots);
      if (std::find(spec.accepts.begin(), spec.accepts.end(), spec.slots.back()) == spec.accepts.end())
        spec.accepts.push_back(spec.slots.back());
    }
  }

  template <std::size_t... I>
  static auto event_arguments(const StepInput& input, std::index_sequence<I...>) {
    if constexpr (events > 1) {
      return std::tuple<decltype(EventParameter<At<first + I>>::from(input.batch[I]))...>(
          EventParameter<At<first + I>>::from(input.batch[I])...);
    } else {
      using E = std::remove_cvref_t<At<first>>;
      if constexpr (codec::is_vector<E>) return std::tuple<E>(collected<typename E::value_type>(input.batch));
      else return std::tuple<decltype(EventParameter<E>::from(input.event))>(EventParameter<E>::from(input.event));
    }
  }
  template <std::size_t... I>
  static auto resource_arguments(const StepInput& input, std::index_sequence<I...>) {
    return std::tuple<std::remove_cvref_t<At<first + events + I>>...>(
        ResourceOf<std::remove_cvref_t<At<first + events + I>>>::from(input.resources[I])...);
  }
};

/// A member function of a workflow, or a free function.
template <class F>
struct Signature : std::false_type {};
template <class R, class... A>
struct Signature<R (*)(A...)> : std::true_type {
  using Result = R;
  using Class = void;
  using Arguments = std::tuple<A...>;
};
template <class R, class... A>
struct Signature<R (*)(A...) noexcept> : Signature<R (*)(A...)> {};
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

template <class T>
constexpr auto mistake_in_events() {
  return detail::mistake_in_event<T>();
}
template <class T>
requires(codec::is_vector<T>) constexpr auto mistake_in_events() { return mistake_in_events<typename T::value_type>(); }
template <class... T>
constexpr auto mistake_in_alternatives(std::variant<T...>*) {
  return detail::first_mistake(detail::mistake_in_event<T>()...);
}
template <class T>
requires(codec::is_variant<T>) constexpr auto mistake_in_events() { return mistake_in_alternatives(static_cast<T*>(nullptr)); }

/// Of one parameter. Vectors and variants are made for the call, events are shared.
template <Name step, class P>
constexpr auto mistake_in_parameter() {
  using T = std::remove_cvref_t<P>;
  constexpr bool copied = codec::is_vector<T> || codec::is_variant<T> || is_resource<T>;
  constexpr bool shared = !std::is_reference_v<P> || std::is_const_v<std::remove_reference_t<P>>;
  if constexpr (std::same_as<T, Context>) return Wrong<refused::ContextParameter<step, P, false>>{};
  else if constexpr (std::is_rvalue_reference_v<P> || !std::is_class_v<T> || !(copied || shared))
    return Wrong<refused::EventParameter<step, P, false>>{};
  else if constexpr (is_resource<T>) return Right{};
  else return mistake_in_events<T>();
}

template <Name step, class... P>
constexpr auto mistake_in_parameters(std::tuple<P...>*) {
  using Params = Parameters<std::tuple<P...>>;
  constexpr bool joins = Params::events > 1;
  if constexpr (Params::events == 0) return Wrong<refused::StepWithoutEvent<step, false>>{};
  else if constexpr (!Params::resources_last) return Wrong<refused::ResourceBeforeEvent<step, false>>{};
  else if constexpr (joins && Params::collects) return Wrong<refused::VectorBesideEvents<step, false>>{};
  else if constexpr (joins && Params::unions) return Wrong<refused::VariantInJoin<step, false>>{};
  else return detail::first_mistake(mistake_in_parameter<step, P>()...);
}

template <Name step, class... P>
constexpr auto mistake_in_parameters(std::tuple<Context&, P...>*) {
  return mistake_in_parameters<step>(static_cast<std::tuple<P...>*>(nullptr));
}
template <Name step, class T>
constexpr auto mistake_in_result();
template <Name step, class... T>
constexpr auto mistake_in_results(std::variant<T...>*) {
  return detail::first_mistake(mistake_in_result<step, T>()...);
}
template <Name step, class T>
constexpr auto mistake_in_result() {
  if constexpr (std::is_void_v<T> || std::same_as<T, std::monostate>) return Right{};
  else if constexpr (codec::is_optional<T> || codec::is_vector<T>) return mistake_in_result<step, typename T::value_type>();
  else if constexpr (codec::is_variant<T>) return mistake_in_results<step>(static_cast<T*>(nullptr));
  else if constexpr (!std::is_class_v<T>) return Wrong<refused::StepResult<step, T, false>>{};
  else return detail::mistake_in_event<T>();
}

/// Of a step's signature: Right, or Wrong<the sentence>.
template <auto F, class M>
constexpr auto mistake_in_step() {
  using Sig = Signature<M>;
  if constexpr (!Sig::value) return Wrong<refused::Step<M, false>>{};
  else {
    constexpr auto name = name_of([] { return reflect::function_name<F>(); });
    return detail::first_mistake(mistake_in_parameters<name>(static_cast<typename Sig::Arguments*>(nullptr)),
                                 mistake_in_result<name, typename TaskResult<typename Sig::Result>::Type>());
  }
}

/// M is F's type. It keeps workflows of one name in two files' unnamed namespaces apart: g++ 12 does not see that in F alone.
template <auto F, class M>
struct StepBody {
  using Sig = Signature<M>;
  using Params = Parameters<typename Sig::Arguments>;
  using Result = TaskResult<typename Sig::Result>;

  /// `arguments` are the parameters behind the Context&; they live in the caller.
  static decltype(auto) call(Workflow& flow, Context& context, auto& arguments) {
    return std::apply(
        [&](auto&... argument) -> decltype(auto) {
          if constexpr (std::is_void_v<typename Sig::Class>) {
            if constexpr (Params::first == 1) return F(context, argument...);
            else return F(argument...);
          } else {
            auto& self = static_cast<typename Sig::Class&>(flow);
            if constexpr (Params::first == 1) return (self.*F)(context, argument...);
            else return (self.*F)(argument...);
          }
        },
        arguments);
  }

  static StepOutput run(Workflow& flow, Context& context, const StepInput& input) {
    StepOutput out;
    auto arguments = Params::from(input);
    if constexpr (std::is_void_v<typename Result::Type>) call(flow, context, arguments);
    else append_result(out, call(flow, context, arguments));
    return out;
  }

  static Task<StepOutput> run_coroutine(Workflow& flow, Context& context, const StepInput& input) {
    StepOutput out;
    auto arguments = Params::from(input);  // a local of this coroutine: lives as long as the body
    auto body = call(flow, context, arguments);
    if constexpr (std::is_void_v<typename Result::Type>) co_await std::move(body);
    else append_result(out, co_await std::move(body));
    co_return out;
  }

  static StepSpec make() {
    StepSpec spec;
    spec.name = reflect::function_name<F>();
    Params::declare(spec);
    declare_result<typename Result::Type>(spec);
    if constexpr (Result::coroutine) spec.coroutine = &run_coroutine;
    else spec.plain = &run;
    return spec;
  }
};

template <auto F, class M>
using StepMistake = decltype(mistake_in_step<F, M>());
/// Said where the step is declared, and not further inside: compilers show the way to each sentence.
template <auto F, class M>
using SentenceAboutStep = typename StepMistake<F, M>::Sentence;

template <auto F, class M>
StepSpec make_step() {
  if constexpr (std::same_as<StepMistake<F, M>, Right>) return StepBody<F, M>::make();
  else return {};
}

}  // namespace detail

}  // namespace weir
