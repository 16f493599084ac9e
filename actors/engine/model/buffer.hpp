// A growing list of events that snapshots share: appending makes a new head, older heads stay valid.
// Keeps counts by type, so that a decision over n events costs the number of types, not n.
#pragma once

#include <weir/event.hpp>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace weir::engine {

class Buffer;
using BufferPtr = std::shared_ptr<const Buffer>;  ///< null: empty

using TypeCounts = std::vector<std::pair<const EventType*, std::uint32_t>>;

class Buffer {
public:
  Buffer(BufferPtr rest, EventBox event);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  const TypeCounts& counts() const noexcept { return counts_; }
  const EventBox& last() const noexcept { return event_; }
  const BufferPtr& rest() const noexcept { return rest_; }

private:
  EventBox event_;
  TypeCounts counts_;
  mutable BufferPtr rest_;
};

/// Oldest first.
std::vector<EventBox> contents(const BufferPtr& buffer);
std::uint32_t count_of(const TypeCounts& counts, const EventType& type);

/// What collect_events does with an event (contract 5.6). `expected` names each type once.
enum class Collected {
  fired,     ///< the expected set is complete
  buffered,  ///< kept for later
  dropped,   ///< enough of its type are there already
};
Collected decide(const BufferPtr& buffer, const EventType& type, const TypeCounts& expected);

}  // namespace weir::engine
