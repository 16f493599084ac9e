// The state of a run that its steps share: one JSON object, reached by path or as a typed whole.
#pragma once

#include <weir/codec.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace weir {

namespace runtime {
class StateStores;
}

/// Thread-safe. Paths are dotted: object keys and array indexes ("cart.lines.0"; -1 is the last element). Writes take effect at once and
/// are not undone when the step fails later. A body that is repeated from its top (behind a wait after the run has slept, after a crash,
/// when collect_events saw too little) does not do again the edits that it has done before: they are counted, by store and in
/// order, and their callbacks are not called. So what a callback finds out belongs into the state, or into run_once. A retry
/// begins anew. An edit inside another one's callback belongs to that one.
class StateStore {
public:
  StateStore() : StateStore(Object()) {}
  explicit StateStore(Object state) : content_(std::make_shared<Content>(std::move(state))) {}
  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;

  /// Throws std::out_of_range "Path 'a.b' not found in state" when there is nothing.
  template <class T = Value>
  T get(std::string_view path) const {
    return decoded<T>(path, value_at(path));
  }
  template <class T>
  T get(std::string_view path, T fallback) const {
    const std::lock_guard lock(content_->mutex);
    content_->touched = true;
    const auto* found = find(path);
    return found ? decoded<T>(path, *found) : std::move(fallback);
  }

  /// Creates missing objects on the way, replaces what stands at the end, and nothing else. Throws std::invalid_argument, and changes
  /// nothing, when the path is empty or too long, leads into a text, a number, true, false or null, or names an element that an array
  /// does not have.
  template <class T>
  void set(std::string_view path, const T& value) {
    set_value(path, to_value(value));
  }
  void set(std::string_view path, const char* text) { set_value(path, Value(text)); }

  /// Runs `change` on a T read from the whole state and writes it back, alone; nothing is written when it throws.
  /// Readers meanwhile see the state as it was; other writers wait; a write to the same store from inside `change` throws
  /// std::logic_error. T is Object for free keys, or a plain struct whose members all have defaults.
  template <class T = Object, class F>
  void edit(F&& change) {
    edit_object([&](Object& object) {
      if constexpr (std::same_as<T, Object>) {
        change(object);
      } else {
        T typed = decoded<T>("", Value(object));
        change(typed);
        merge(object, to_value(typed));
      }
    });
  }

  /// A copy of the whole state as a T.
  template <class T = Object>
  T get_state() const {
    if constexpr (std::same_as<T, Object>) return value_at("").as_object();
    else return decoded<T>("", value_at(""));
  }
  /// Writes the members of a T; other keys stay. An Object replaces everything.
  template <class T>
  void set_state(const T& state) {
    edit_object([&](Object& object) {
      if constexpr (std::same_as<T, Object>) object = state;
      else merge(object, to_value(state));
    });
  }
  /// Forgets everything. With a T, its members then have their defaults.
  template <class T = Object>
  void clear() {
    edit_object([](Object& object) {
      object = Object();
      if constexpr (!std::same_as<T, Object>) merge(object, to_value(T{}));
    });
  }

  Object snapshot() const;
  /// Grows with every write.
  std::uint64_t writes() const noexcept { return content_->writes; }
  /// True once a step has looked at or changed it.
  bool touched() const noexcept { return content_->touched; }

private:
  friend class runtime::StateStores;
  /// How many edits were done, how many after these threw, how many were done then, and so on.
  using Runs = std::vector<std::uint32_t>;
  /// What a store and the views of it share.
  struct Content {
    explicit Content(Object object) : state(std::move(object)) {}
    std::mutex mutex;    ///< held for moments
    std::mutex writers;  ///< held while `edit` runs
    std::atomic<std::thread::id> writer = std::thread::id();
    std::atomic<bool> touched = false;
    std::atomic<std::uint64_t> writes = 0;
    Value state;
    std::map<std::uint64_t, Runs> edits;  ///< of each editor, all that it has done: true of the state at the same instant
  };
  /// One editor's view: its edits are counted, and those that are known are not done again.
  StateStore(std::shared_ptr<Content> content, std::uint64_t editor, Runs known)
      : content_(std::move(content)), editor_(editor), known_(std::move(known)) {}

  const Value* find(std::string_view path) const;
  Value value_at(std::string_view path) const;
  void set_value(std::string_view path, Value value);
  void edit_object(const std::function<void(Object&)>& change);
  static void merge(Object& object, Value members) {
    for (auto& [key, value] : members.as_object()) object.set(key, std::move(value));
  }
  [[noreturn]] static void refuse(std::string_view path, const std::string& why);

  template <class T>
  static T decoded(std::string_view path, const Value& value) {
    T out{};
    Issues issues;
    if constexpr (reflect::Reflectable<T> && !std::same_as<T, Value>) {
      // A struct read from state may be new to it: members that are absent keep their initialisers.
      reflect::for_each_member(out, [&](auto, std::string_view name, auto& member) {
        if (const auto* found = value.find(name)) codec::decode(*found, member, issues);
      });
    } else {
      codec::decode(value, out, issues);
    }
    if (!issues.empty()) refuse(path, issues.text("state"));
    return out;
  }

  class Writing;
  class Edit;

  std::shared_ptr<Content> content_;
  std::optional<std::uint64_t> editor_;  ///< of a view; guarded like what follows by the content's mutex
  Runs known_, done_;
};

}  // namespace weir
