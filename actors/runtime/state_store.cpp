// StateStore: path look-up and exclusive edits.
#include <weir/state_store.hpp>

#include <charconv>
#include <stdexcept>

namespace weir {
namespace {

constexpr std::size_t segments_max = 1000;

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> out;
  while (!path.empty()) {
    const auto dot = path.find('.');
    out.push_back(path.substr(0, dot));
    path = dot == path.npos ? std::string_view{} : path.substr(dot + 1);
  }
  return out;
}

template <class V>
V* child(V& parent, std::string_view segment) {
  if (parent.is_object()) return parent.as_object().find(segment);
  if (!parent.is_array()) return nullptr;
  std::size_t index = 0;
  const auto parsed = std::from_chars(segment.data(), segment.data() + segment.size(), index);
  if (parsed.ec != std::errc() || parsed.ptr != segment.data() + segment.size()) return nullptr;
  return index < parent.as_array().size() ? &parent.as_array()[index] : nullptr;
}

}  // namespace

const Value* StateStore::find(std::string_view path) const {
  const Value* at = &state_;
  for (const auto segment : split(path)) {
    at = child(*at, segment);
    if (!at) return nullptr;
  }
  return at;
}

Value StateStore::value_at(std::string_view path) const {
  const std::lock_guard lock(mutex_);
  touched_ = true;
  if (const auto* found = find(path)) return *found;
  throw std::out_of_range("Path '" + std::string(path) + "' not found in state");
}

/// One writer at a time; a writer inside its own edit would wait for itself.
class StateStore::Writing {
public:
  explicit Writing(StateStore& store) : store_(store) {
    if (store.writer_ == std::this_thread::get_id())
      throw std::logic_error("writer called inside edit_state: mutate the yielded state instead");
    store.writers_.lock();
    store.writer_ = std::this_thread::get_id();
    store.touched_ = true;
  }
  ~Writing() {
    ++store_.writes_;
    store_.writer_ = std::thread::id();
    store_.writers_.unlock();
  }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;

private:
  StateStore& store_;
};

void StateStore::set_value(std::string_view path, Value value) {
  const auto segments = split(path);
  if (segments.empty()) throw std::invalid_argument("Path cannot be empty");
  if (segments.size() > segments_max) throw std::invalid_argument("Path length exceeds 1000 segments");
  const Writing writing(*this);
  const std::lock_guard lock(mutex_);
  Value* at = &state_;
  for (const auto segment : segments) {
    auto* next = child(*at, segment);
    if (!next) {
      if (!at->is_object()) *at = Object();
      next = &at->as_object()[segment];
    }
    at = next;
  }
  *at = std::move(value);
}

void StateStore::edit_object(const std::function<void(Object&)>& change) {
  const Writing writing(*this);
  auto copy = snapshot();
  change(copy);
  const std::lock_guard lock(mutex_);
  state_ = std::move(copy);
}

Object StateStore::snapshot() const {
  const std::lock_guard lock(mutex_);
  return state_.as_object();
}

void StateStore::refuse(std::string_view path, const std::string& why) {
  throw std::invalid_argument("state at '" + std::string(path) + "': " + why);
}

}  // namespace weir
