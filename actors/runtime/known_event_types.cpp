// The event types of the whole program: filled while it is loaded, and by libraries that it loads later.
#include <weir/event.hpp>

#include <map>
#include <mutex>

namespace weir {
namespace {

struct KnownEventTypes {
  std::mutex mutex;
  std::map<std::string, const EventType*, std::less<>> by_name;  ///< nullptr: several types have the name
};

KnownEventTypes& known_event_types() {
  static auto* const types = new KnownEventTypes();  // outlives everything that may ask
  return *types;
}

}  // namespace

bool detail::remember_event_type(const EventType& type) {
  auto& known = known_event_types();
  const std::lock_guard lock(known.mutex);
  const auto [found, added] = known.by_name.try_emplace(type.qualified_name, &type);
  if (!added && found->second != &type) found->second = nullptr;
  return true;
}

const EventType* find_event_type(std::string_view qualified_name) {
  auto& known = known_event_types();
  const std::lock_guard lock(known.mutex);
  const auto found = known.by_name.find(qualified_name);
  return found == known.by_name.end() ? nullptr : found->second;
}

}  // namespace weir
