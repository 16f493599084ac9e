// What a compiler says about a wrong program: one sentence for each mistake. weir.hpp includes it first, which keeps the compiler's list of
// includes short.
#pragma once

#include <cstddef>

namespace weir::detail {

/// A name as a template argument: compilers show it in their errors.
template <std::size_t N>
struct Name {
  char text[N + 1] = {};
};

/// One struct for each mistake; its arguments say what the sentence is about. `right` is an argument, too, because g++ then says nothing
/// about the condition.
namespace refused {

template <class Type, bool right>
struct EventType {
  static_assert(right, "an event is a plain struct (an aggregate), or a class whose members are named by WEIR_DESCRIBE");
};
template <class Event, bool right>
struct Base {
  static_assert(right, "an event has no base class: say what it is inside it, by `using kind = weir::StartEvent;` or another kind");
};
template <class Event, std::size_t member, bool right>
struct Reference {
  static_assert(right, "a member of an event is a value, no reference: store the thing itself, or its name");
};
template <class Event, std::size_t member, bool right>
struct BuiltInArray {
  static_assert(right, "a member of an event is no built-in array: use std::array or std::vector");
};
template <class Event, bool right>
struct ManyMembers {
  static_assert(right, "an event with more than 32 members needs WEIR_DESCRIBE(Type, member, ...) beside its definition");
};
template <class Event, bool right>
struct NoDefault {
  static_assert(right, "an event is made empty, as `Event{}`, before it is read: each member needs a default constructor");
};
template <class Event, Name member, bool right>
struct ConstMember {
  static_assert(right, "a member of an event is not const: it is written when the event is read");
};
template <class Event, auto member, class Type, bool right>
struct Member {
  static_assert(
      right, "this member's type has no JSON form: use weir::Value for any JSON, a plain struct, or name its members with WEIR_DESCRIBE");
};
template <class Type, bool right>
struct Form {
  static_assert(right, "this type has no JSON form: use weir::Value for any JSON, a plain struct, or name its members with WEIR_DESCRIBE");
};

template <class Member, bool right>
struct Step {
  static_assert(right, "step<&Flow::method>() takes a member function of the workflow, or a free function");
};
template <Name step, class Parameter, bool right>
struct ContextParameter {
  static_assert(right, "a step takes `weir::Context&` before everything else, or not at all");
};
template <Name step, bool right>
struct StepWithoutEvent {
  static_assert(
      right, "a step takes at least one event: write `Result step(const SomeEvent&)` or `Result step(weir::Context&, const SomeEvent&)`");
};
template <Name step, class Parameter, bool right>
struct EventParameter {
  static_assert(right, "a step takes an event by `const Event&`, several as std::variant, or a stream as std::vector");
};
template <Name step, bool right>
struct ResourceBeforeEvent {
  static_assert(right, "a step's resources come behind its events");
};
template <Name step, bool right>
struct VectorBesideEvents {
  static_assert(right,
                "a std::vector of events cannot be combined with other event parameters: use a single vector, or several single events");
};
template <Name step, bool right>
struct VariantInJoin {
  static_assert(right, "a step that joins several events takes exactly one type for each parameter");
};
template <Name step, class Result, bool right>
struct StepResult {
  static_assert(right, "a step returns an event, a std::optional, std::variant or std::vector of events, or void");
};

}  // namespace refused
}  // namespace weir::detail
