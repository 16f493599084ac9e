// How much a store keeps of what a run's steps have kept in the past: one rule for all stores.
#pragma once

#include <weir/store.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <optional>

namespace weir::state_history {

/// Of all entries of a run. Beyond, the oldest go, down to `bytes_left`, so that this is not needed at every change; the newest stays.
/// One entry without content stays in the place of all that went: what was kept then is no longer known.
inline constexpr std::size_t bytes_max = 4 * 1024 * 1024;
inline constexpr std::size_t bytes_left = bytes_max - bytes_max / 8;
/// Of a larger one only that something changed is kept: a history of it would outgrow everything else.
inline constexpr std::size_t entry_bytes_max = 256 * 1024;

/// What an entry counts for.
constexpr std::size_t cost(std::size_t content_bytes) {
  constexpr std::size_t beside_it = 64;
  return content_bytes + beside_it;
}

/// About what it takes as JSON, without making that.
inline std::size_t size_of(const Value& value);
inline std::size_t size_of(const Object& object) {
  constexpr std::size_t punctuation = 4;
  std::size_t out = punctuation;
  for (const auto& [key, member] : object) out += key.size() + punctuation + size_of(member);
  return out;
}
inline std::size_t size_of(const Value& value) {
  constexpr std::size_t scalar = 8;
  if (value.is_string()) return value.as_string().size() + scalar;
  if (value.is_object()) return size_of(value.as_object());
  std::size_t out = scalar;
  if (value.is_array())
    for (const auto& item : value.as_array()) out += size_of(item);
  return out;
}

/// What a run's steps kept, by the event behind which they did.
class History {
public:
  void add(std::int64_t sequence, const NamedStates& states) {
    std::size_t bytes = 0;
    for (const auto& [name, state] : states) bytes += name.size() + size_of(state);
    const bool kept = bytes <= entry_bytes_max;
    if (!entries_.empty() && entries_.back().sequence == sequence) drop_newest();
    entries_.push_back({sequence, kept ? std::optional(states) : std::nullopt, cost(kept ? bytes : 0)});
    bytes_ += entries_.back().bytes;
    if (bytes_ > bytes_max) drop_oldest();
  }
  std::optional<NamedStates> at(std::int64_t sequence) const {
    const auto later =
        std::partition_point(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.sequence <= sequence; });
    return later == entries_.begin() ? NamedStates() : std::prev(later)->states;
  }

private:
  struct Entry {
    std::int64_t sequence;
    std::optional<NamedStates> states;
    std::size_t bytes;
  };
  void drop_newest() {
    bytes_ -= entries_.back().bytes;
    entries_.pop_back();
  }
  void drop_oldest() {
    const auto first = entries_.front().sequence;
    for (; entries_.size() > 1 && bytes_ > bytes_left; entries_.pop_front()) bytes_ -= entries_.front().bytes;
    entries_.push_front({first, std::nullopt, cost(0)});
    bytes_ += entries_.front().bytes;
  }

  std::deque<Entry> entries_;
  std::size_t bytes_ = 0;
};

}  // namespace weir::state_history
