// Foreseen failures as values: a code a program can branch on and a sentence a person can act on.
// Knows nothing of HTTP; http/translate.cpp maps codes to status numbers.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

namespace weir {

/// What kind of failure happened. The text in Error::message says the rest.
enum class Code {
  invalid_argument,     ///< the caller's input is wrong; message names the thing, the value and what to do
  not_found,            ///< no such workflow, handler, step or event type
  conflict,             ///< the handler is already running, or already over
  failed_precondition,  ///< the operation is switched off or makes no sense in this state
  unavailable,          ///< the runtime is shutting down, the server cannot be reached, or the store does not answer now: try again
  unauthenticated,      ///< the server wants an API key, or another one
  resource_exhausted,   ///< what has a limit is full: try again when there is room
  deadline_exceeded,    ///< no answer in the time that was given
  cancelled,            ///< the caller gave up
  data_loss,            ///< what the store keeps is damaged: nothing more is written to it
  internal,             ///< a bug
};

struct Error {
  Code code = Code::internal;
  std::string message;
};

/// A value or an Error. Read `value()` only after checking `ok()`.
template <class T>
class [[nodiscard]] Expected {
public:
  Expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Expected(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { return std::get<1>(state_); }

private:
  std::variant<T, Error> state_;
};

/// Thrown by `add_workflow` and by step declarations: the workflow itself is wrong and must be corrected.
struct WorkflowError : std::logic_error {
  using std::logic_error::logic_error;
};

/// Thrown when a store cannot be opened; the text says why and what to do.
struct StoreError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Thrown by a store's reads when it cannot answer now (Code::unavailable: try again), or when what it keeps is damaged
/// (Code::data_loss). Its writes return the same codes; any other code means that this write can never succeed.
struct StoreFailure : StoreError {
  StoreFailure(Code kind, const std::string& text) : StoreError(text), code(kind) {}
  Code code;
};

/// Thrown inside a step by `wait_for_event` when its timeout passes. On the wire it is `builtins.TimeoutError`.
struct WaitTimeout : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Thrown by `Run::result` when the run failed, was cancelled or timed out; `what()` is the handler's error text.
struct RunFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace weir
