// Events: plain structs with a kind, described once per type and carried in a box.
// `using kind = X;` inside a struct names its parent: a built-in kind or any other event type.
#pragma once

#include <weir/codec.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {

/// What an event means to the engine.
enum class Kind { event, start, stop, input_required, human_response, internal };

/// The description of one event type. One immutable object per type and program; lives for ever.
struct EventType {
  std::string name;                   ///< wire name: `type`
  std::string qualified_name;         ///< dotted name with at least one dot
  std::string class_text;             ///< "<class 'qualified_name'>", as StepStateChanged prints it
  const EventType* parent = nullptr;  ///< nullptr: derives straight from Event
  Kind kind = Kind::event;
  bool dynamic = false;  ///< free keys live in the body, none beside it

  /// Writes the members, and `_data` for free keys, into an open JSON object.
  void (*encode)(const void* body, const Object* extras, JsonWriter& out) = nullptr;
  /// Builds a body from a JSON object; keys that are no member go to `extras`. Null when `issues` were found.
  std::shared_ptr<const void> (*decode)(const Value& object, Object& extras, Issues& issues) = nullptr;
  Value (*schema)() = nullptr;

  /// Same type, also when described by two libraries of one program.
  bool same_as(const EventType& other) const noexcept { return this == &other || qualified_name == other.qualified_name; }
  /// Same type or descendant.
  bool is_a(const EventType& other) const noexcept {
    for (const auto* type = this; type; type = type->parent)
      if (type->same_as(other)) return true;
    return false;
  }
};

template <class T>
const EventType& event_type();

class EventBox;

template <class T>
concept EventLike = reflect::Reflectable<std::remove_cvref_t<T>> && !std::same_as<std::remove_cvref_t<T>, EventBox> &&
                    std::copy_constructible<std::remove_cvref_t<T>>;

/// Any event: its type and its shared, immutable body. Copying is cheap; safe to read from any thread.
class EventBox {
public:
  EventBox() = default;

  template <EventLike T>
  EventBox(T&& event)
      : type_(&event_type<std::remove_cvref_t<T>>()), body_(std::make_shared<const std::remove_cvref_t<T>>(std::forward<T>(event))) {}

  EventBox(const EventType& type, std::shared_ptr<const void> body, std::shared_ptr<const Object> extras = nullptr)
      : type_(&type), body_(std::move(body)), extras_(std::move(extras)) {}

  explicit operator bool() const noexcept { return type_ != nullptr; }
  const EventType& type() const noexcept { return *type_; }
  const void* body() const noexcept { return body_.get(); }
  /// Keys the sender added that the type does not declare; may be null.
  const Object* extras() const noexcept { return extras_.get(); }

  template <class T>
  bool is() const noexcept {
    return type_ && type_->same_as(event_type<T>());
  }
  /// The body when the event is exactly a T, else nullptr.
  template <class T>
  const T* as() const noexcept {
    return is<T>() ? static_cast<const T*>(body_.get()) : nullptr;
  }
  /// The event seen as one of its ancestors: the ancestor's fields.
  EventBox upcast(const EventType& ancestor) const;

  /// The value object as the wire shows it; numbers that JSON does not have are texts here, so that it can be read back.
  Value value() const;
  /// One field, free keys included; null when there is none.
  Value field(std::string_view name) const;

  /// Two boxes of the very same body: how buffers tell their entries apart.
  bool identical(const EventBox& other) const noexcept { return body_ == other.body_; }

private:
  const EventType* type_ = nullptr;
  std::shared_ptr<const void> body_;
  std::shared_ptr<const Object> extras_;
};

/// Base of the built-in events with free keys, as Python users know them.
class DynamicEvent {
public:
  DynamicEvent() = default;
  explicit DynamicEvent(Object fields) : fields_(std::move(fields)) {}

  const Object& fields() const noexcept { return fields_; }
  bool has(std::string_view key) const noexcept { return fields_.find(key) != nullptr; }

  /// The field as a T. Throws std::invalid_argument naming the field when it is absent or no T.
  template <class T>
  T get(std::string_view key) const {
    return decoded<T>(key, required(key));
  }
  /// The same, with a value for when the field is absent.
  template <class T>
  T get(std::string_view key, T fallback) const {
    const auto* found = fields_.find(key);
    return found ? decoded<T>(key, *found) : std::move(fallback);
  }
  std::string get(std::string_view key, const char* fallback) const { return get<std::string>(key, fallback); }

private:
  const Value& required(std::string_view key) const;
  [[noreturn]] static void refuse(std::string_view key, const std::string& why);

  template <class T>
  static T decoded(std::string_view key, const Value& value) {
    auto result = from_value<T>(value);
    if (!result) refuse(key, result.error().message);
    return std::move(*result);
  }

  Object fields_;
};

struct Event : DynamicEvent {
  using DynamicEvent::DynamicEvent;
};
struct StartEvent : DynamicEvent {
  using DynamicEvent::DynamicEvent;
};
struct InputRequiredEvent : DynamicEvent {
  using DynamicEvent::DynamicEvent;
};
struct HumanResponseEvent : DynamicEvent {
  using DynamicEvent::DynamicEvent;
};

/// Ends the run; `result` is any JSON value.
struct StopEvent {
  StopEvent() = default;
  StopEvent(Value value) : result(std::move(value)) {}
  template <class T>
  requires(!std::convertible_to<T, Value> && !std::same_as<std::remove_cvref_t<T>, StopEvent>) explicit StopEvent(const T& value)
      : result(*parse_json(codec::encoded(value, JsonWriter::NonFinite::null))) {}

  Value result;
};

/// Parent of the events the engine tells about itself; shown only to readers that ask for them.
struct InternalDispatchEvent {};

/// An error as events carry it; `exception_type` is dotted ("builtins.ValueError").
struct ExceptionInfo {
  std::string exception_type;
  std::string exception_message;
  static Value json_schema() { return Object(); }
};

struct StepStateChanged {
  using kind = InternalDispatchEvent;
  std::string name;
  std::string step_state;  ///< "preparing", "running" or "not_running"
  std::string worker_id;   ///< slot number, or "<enqueued>"
  std::optional<std::string> input_event_name;
  std::optional<std::string> output_event_name;
};

struct WorkflowIdleEvent {
  using kind = InternalDispatchEvent;
};

struct UnhandledEvent {
  using kind = InternalDispatchEvent;
  std::string event_type;
  std::string qualified_name;
  std::optional<std::string> step_name;
  bool idle;
};

/// The run has gone beyond one of its budgets (RunBudget), and is slowed or keeps less from now on.
struct RunBudgetExceeded {
  using kind = InternalDispatchEvent;
  static constexpr std::string_view qualified_name = "weir.events.RunBudgetExceeded";
  std::string limit;      ///< its name
  std::int64_t max;       ///< what it allows
  std::string step_name;  ///< the step that was at work then; empty: none
};

struct WorkflowTimedOutEvent {
  using kind = StopEvent;
  double timeout;  ///< seconds
  std::vector<std::string> active_steps;
};

struct WorkflowCancelledEvent {
  using kind = StopEvent;
};

struct WorkflowFailedEvent {
  using kind = StopEvent;
  std::string step_name;
  ExceptionInfo exception;
  std::optional<std::int64_t> attempts;
  std::optional<double> elapsed_seconds;
};

/// An event inside another event: written with its type, so that it can be read back.
struct WrappedEvent {
  EventBox event;
  static Value json_schema() { return Object(); }
};

/// What a catch-error handler receives.
struct StepFailedEvent {
  std::string step_name;
  WrappedEvent input_event;
  ExceptionInfo exception;
  std::int64_t attempts;
  double elapsed_seconds;
  Time failed_at;
  static constexpr std::string_view description = "Delivered to a catch-error handler when a step has used up its retries.";
};

/// The trigger of a step that collects a fan-out stream.
struct CollectionReleaseEvent {
  std::vector<WrappedEvent> events;
  std::string stream_id;
  std::string binding_id;
};

namespace codec {

template <>
void encode(JsonWriter& out, const WrappedEvent& value);
template <>
bool decode(const Value& in, WrappedEvent& out, Issues& issues);

template <class T>
concept HasKind = requires {
  typename T::kind;
};

template <class T>
constexpr Kind kind_of() {
  if constexpr (std::same_as<T, StartEvent>) return Kind::start;
  else if constexpr (std::same_as<T, StopEvent>) return Kind::stop;
  else if constexpr (std::same_as<T, InputRequiredEvent>) return Kind::input_required;
  else if constexpr (std::same_as<T, HumanResponseEvent>) return Kind::human_response;
  else if constexpr (std::same_as<T, InternalDispatchEvent>) return Kind::internal;
  else if constexpr (HasKind<T>) return kind_of<typename T::kind>();
  else return Kind::event;
}

template <class T>
const EventType* parent_of() {
  if constexpr (HasKind<T>) {
    if constexpr (!std::same_as<typename T::kind, Event>) return &event_type<typename T::kind>();
  }
  return nullptr;
}

template <class T>
std::string qualified_name_of() {
  if constexpr (requires {
                  { T::qualified_name } -> std::convertible_to<std::string_view>;
                  requires !std::is_member_object_pointer_v<decltype(&T::qualified_name)>;
                }) {
    return std::string(T::qualified_name);
  } else {
    auto module = reflect::module_name<T>();
    return (module == "weir" ? "workflows.events" : module) + "." + std::string(reflect::type_name<T>());
  }
}

void write_extras(const Object* extras, JsonWriter& out);
/// Members of `_data`, which is an object or null, and keys that are not among `members`.
bool collect_extras(const Value& object, const std::string_view* members, std::size_t count, Object& extras, Issues& issues);
Value builtin_schema(std::string_view name);
/// Names and flags; the function pointers are the caller's.
EventType make_event_type(std::string_view name, std::string qualified_name, const EventType* parent, Kind kind);

template <class T>
void encode_body(const void* body, const Object* extras, JsonWriter& out) {
  encode_members(out, *static_cast<const T*>(body));
  write_extras(extras, out);
}

template <class T>
std::shared_ptr<const void> decode_body(const Value& object, Object& extras, Issues& issues) {
  auto out = std::make_shared<T>();
  if (!expect_object(object, reflect::type_name<T>(), false, issues)) return nullptr;
  if (!decode_members(object, *out, issues)) return nullptr;
  static const auto names = []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<std::string_view, sizeof...(I) + 1>{reflect::member_name<T, I>()..., std::string_view()};
  }
  (std::make_index_sequence<reflect::member_count<T>>{});
  if (!collect_extras(object, names.data(), names.size() - 1, extras, issues)) return nullptr;
  return out;
}

template <class T>
EventType describe_event() {
  auto type = make_event_type(reflect::type_name<T>(), qualified_name_of<T>(), parent_of<T>(), kind_of<T>());
  type.encode = &encode_body<T>;
  type.decode = &decode_body<T>;
  type.schema = &root_schema<T>;
  return type;
}

// The built-in events with free keys and StopEvent have bodies of their own (event.cpp).
template <>
EventType describe_event<Event>();
template <>
EventType describe_event<StartEvent>();
template <>
EventType describe_event<InputRequiredEvent>();
template <>
EventType describe_event<HumanResponseEvent>();
template <>
EventType describe_event<StopEvent>();

}  // namespace codec

namespace detail {

bool remember_event_type(const EventType& type);
/// Never defined: stands for what the compiler has refused.
const EventType& no_event_type();

/// While it lives, libraries that this thread loads are `name`'s: their types take the place of those of the same names that
/// `name` brought before. For loading a changed library.
class EventTypeOwner {
public:
  explicit EventTypeOwner(std::string name);
  ~EventTypeOwner();
  EventTypeOwner(const EventTypeOwner&) = delete;
  EventTypeOwner& operator=(const EventTypeOwner&) = delete;
};

/// Makes every event type that a program mentions known before main() begins.
template <class T>
struct KnownEventType {
  static const bool known;
};

}  // namespace detail

/// The event type of that name that this program mentions anywhere, for reading back what it has written itself; nullptr when
/// there is none, or more than one. Thread-safe.
const EventType* find_event_type(std::string_view qualified_name);

template <class T>
const EventType& event_type() {
  if constexpr (!valid_event<T>) {
    (void)sizeof(detail::SentenceAboutEvent<T>);
    return detail::no_event_type();
  } else {
    (void)&detail::KnownEventType<T>::known;
    static const EventType type = codec::describe_event<T>();
    return type;
  }
}

template <class T>
const bool detail::KnownEventType<T>::known = remember_event_type(event_type<T>());

}  // namespace weir

WEIR_DESCRIBE(weir::StopEvent, result);
template <>
struct weir::reflect::Described<weir::Event> : std::true_type {
  static auto tie(auto&) { return std::tie(); }
};
template <>
struct weir::reflect::Described<weir::StartEvent> : std::true_type {
  static auto tie(auto&) { return std::tie(); }
};
template <>
struct weir::reflect::Described<weir::InputRequiredEvent> : std::true_type {
  static auto tie(auto&) { return std::tie(); }
};
template <>
struct weir::reflect::Described<weir::HumanResponseEvent> : std::true_type {
  static auto tie(auto&) { return std::tie(); }
};
