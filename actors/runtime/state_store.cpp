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

void StateStore::set_value(std::string_view path, Value value) {
  const auto segments = split(path);
  if (segments.empty()) throw std::invalid_argument("Path cannot be empty");
  if (segments.size() > segments_max) throw std::invalid_argument("Path length exceeds 1000 segments");
  const std::lock_guard lock(mutex_);
  touched_ = true;
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
  const std::lock_guard lock(mutex_);
  touched_ = true;
  Object copy = state_.as_object();
  change(copy);
  state_ = std::move(copy);
}

Object StateStore::snapshot() const {
  const std::lock_guard lock(mutex_);
  return state_.as_object();
}

void StateStore::replace(Object state) {
  const std::lock_guard lock(mutex_);
  touched_ = true;
  state_ = std::move(state);
}

void StateStore::refuse(std::string_view path, const std::string& why) {
  throw std::invalid_argument("state at '" + std::string(path) + "': " + why);
}

}  // namespace weir
