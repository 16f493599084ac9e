#include "buffer.hpp"

#include <algorithm>

namespace weir::engine {

Buffer::Buffer(BufferPtr rest, EventBox event) : event_(std::move(event)), rest_(std::move(rest)) {
  if (rest_) counts_ = rest_->counts_;
  for (auto& [type, count] : counts_)
    if (type->same_as(event_.type())) {
      ++count;
      return;
    }
  counts_.emplace_back(&event_.type(), 1);
}

// Unlinks iteratively: a chain of 100,000 must not recurse.
Buffer::~Buffer() {
  auto next = std::move(rest_);
  while (next && next.use_count() == 1) next = std::move(next->rest_);
}

std::vector<EventBox> contents(const BufferPtr& buffer) {
  std::vector<EventBox> out;
  for (const auto* node = buffer.get(); node; node = node->rest().get()) out.push_back(node->last());
  std::reverse(out.begin(), out.end());
  return out;
}

std::uint32_t count_of(const TypeCounts& counts, const EventType& type) {
  for (const auto& [known, count] : counts)
    if (known->same_as(type)) return count;
  return 0;
}

Collected decide(const BufferPtr& buffer, const EventType& type, const TypeCounts& expected) {
  std::uint32_t missing = 0;
  for (const auto& [wanted, count] : expected) {
    const auto present = buffer ? count_of(buffer->counts(), *wanted) : 0;
    missing += count > present ? count - present : 0;
  }
  const auto wanted = count_of(expected, type);
  const auto present = buffer ? count_of(buffer->counts(), type) : 0;
  if (wanted <= present) return Collected::dropped;
  return missing == 1 ? Collected::fired : Collected::buffered;
}

}  // namespace weir::engine
