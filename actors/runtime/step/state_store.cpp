// StateStore: path look-up and exclusive edits.
#include <weir/state_store.hpp>

#include <charconv>
#include <numeric>
#include <stdexcept>

namespace weir {
namespace {

constexpr std::size_t segments_max = 1000;

/// Of an empty path none: it is the whole state.
std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> out;
  if (path.empty()) return out;
  for (auto dot = path.find('.'); dot != path.npos; dot = path.find('.')) {
    out.push_back(path.substr(0, dot));
    path.remove_prefix(dot + 1);
  }
  out.push_back(path);
  return out;
}

/// From the front, or, negative, from the back: -1 is the last element.
std::optional<std::size_t> index_of(const Value::Array& array, std::string_view segment) {
  std::int64_t index = 0;
  const auto parsed = std::from_chars(segment.data(), segment.data() + segment.size(), index);
  if (parsed.ec != std::errc() || parsed.ptr != segment.data() + segment.size()) return std::nullopt;
  const auto size = static_cast<std::int64_t>(array.size());
  if (index < -size || index >= size) return std::nullopt;
  return static_cast<std::size_t>(index < 0 ? index + size : index);
}

template <class V>
V* child(V& parent, std::string_view segment) {
  if (parent.is_object()) return parent.as_object().find(segment);
  if (!parent.is_array()) return nullptr;
  const auto index = index_of(parent.as_array(), segment);
  return index ? &parent.as_array()[*index] : nullptr;
}

std::string kind_of(const Value& value) {
  if (value.is_array()) return "an array of " + std::to_string(value.as_array().size());
  if (value.is_string()) return "a text";
  if (value.is_number()) return "a number";
  return value.is_null() ? "null" : "true or false";
}

/// Why nothing can be written there; empty: it can. What the path finds is never replaced on the way to its end.
std::string obstacle(const Value& state, const std::vector<std::string_view>& segments) {
  const Value* at = &state;
  std::string parent;
  for (const auto segment : segments) {
    const auto* next = child(*at, segment);
    if (!next && at->is_object()) return {};  // what is missing is created
    if (!next)
      return "'" + parent + "' is " + kind_of(*at) + ", which has " + (at->is_array() ? "no element '" : "no members, and so no '") +
             std::string(segment) + "'";
    parent += (at == &state ? "" : ".") + std::string(segment);
    at = next;
  }
  return {};
}

}  // namespace

const Value* StateStore::find(std::string_view path) const {
  const Value* at = &content_->state;
  for (const auto segment : split(path)) {
    at = child(*at, segment);
    if (!at) return nullptr;
  }
  return at;
}

Value StateStore::value_at(std::string_view path) const {
  const std::lock_guard lock(content_->mutex);
  content_->touched = true;
  if (const auto* found = find(path)) return *found;
  throw std::out_of_range("Path '" + std::string(path) + "' not found in state");
}

/// One writer at a time; a writer inside its own edit would wait for itself.
class StateStore::Writing {
public:
  explicit Writing(Content& content) : content_(content) {
    if (content.writer == std::this_thread::get_id())
      throw std::logic_error("the state is written to inside edit(): change what its callback is given instead");
    content.writers.lock();
    content.writer = std::this_thread::get_id();
    content.touched = true;
  }
  ~Writing() {
    ++content_.writes;
    content_.writer = std::thread::id();
    content_.writers.unlock();
  }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;

private:
  Content& content_;
};

namespace {

/// The edits whose callbacks this thread is in.
thread_local int edits_open = 0;

std::uint64_t total(const std::vector<std::uint32_t>& runs) { return std::accumulate(runs.begin(), runs.end(), std::uint64_t{0}); }

/// Runs of edits that were done stand at even places, of those that threw at odd ones.
void append(std::vector<std::uint32_t>& runs, bool done) {
  if (runs.empty()) runs.push_back(0);
  const bool last_done = runs.size() % 2 == 1;
  if (last_done == done) ++runs.back();
  else runs.push_back(1);
}

bool was_done(const std::vector<std::uint32_t>& runs, std::uint64_t index) {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (index < runs[i]) return i % 2 == 0;
    index -= runs[i];
  }
  return false;
}

}  // namespace

/// Counts an edit as done or as thrown, together with what it does to the state.
class StateStore::Edit {
public:
  explicit Edit(StateStore& store) : store_(store), counts_(store.editor_ && edits_open == 0) {}
  /// True when an earlier pass of the body has done it: this pass does not.
  bool known() {
    if (!counts_) return false;
    const std::lock_guard lock(store_.content_->mutex);
    if (!was_done(store_.known_, total(store_.done_))) return false;
    append(store_.done_, true);
    store_.content_->touched = true;
    return true;
  }
  template <class F>
  void run(const F& change) {
    ++edits_open;
    try {
      change();
      --edits_open;
    } catch (...) {
      --edits_open;
      const std::lock_guard lock(store_.content_->mutex);
      count(false);
      throw;
    }
  }
  /// With the content's mutex held.
  void count(bool done) {
    if (!counts_) return;
    append(store_.done_, done);
    store_.content_->edits[*store_.editor_] = store_.done_;
  }

private:
  StateStore& store_;
  const bool counts_;
};

void StateStore::set_value(std::string_view path, Value value) {
  const auto segments = split(path);
  if (segments.empty()) throw std::invalid_argument("Path cannot be empty");
  if (segments.size() > segments_max) throw std::invalid_argument("Path length exceeds 1000 segments");
  Edit edit(*this);
  if (edit.known()) return;
  const Writing writing(*content_);
  const std::lock_guard lock(content_->mutex);
  const auto why = obstacle(content_->state, segments);
  edit.count(why.empty());
  if (!why.empty()) throw std::invalid_argument("Path '" + std::string(path) + "' cannot be set: " + why);
  Value* at = &content_->state;
  for (const auto segment : segments) {
    auto* next = child(*at, segment);
    if (!next && !at->is_object()) *at = Object();  // created here, by the segment before
    at = next ? next : &at->as_object()[segment];
  }
  *at = std::move(value);
}

void StateStore::edit_object(const std::function<void(Object&)>& change) {
  Edit edit(*this);
  if (edit.known()) return;
  const Writing writing(*content_);
  auto copy = snapshot();
  edit.run([&] { change(copy); });
  const std::lock_guard lock(content_->mutex);
  content_->state = std::move(copy);
  edit.count(true);
}

Object StateStore::snapshot() const {
  const std::lock_guard lock(content_->mutex);
  return content_->state.as_object();
}

void StateStore::refuse(std::string_view path, const std::string& why) {
  throw std::invalid_argument("state at '" + std::string(path) + "': " + why);
}

}  // namespace weir
