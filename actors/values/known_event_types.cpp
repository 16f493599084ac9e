// The event types of the whole program: filled while it is loaded, and by libraries that it loads later.
#include <weir/event.hpp>

#include <map>
#include <mutex>

namespace weir {
namespace {

struct Known {
  const EventType* type;  ///< nullptr: several types have the name
  std::string owner;
};

struct KnownEventTypes {
  std::mutex mutex;
  std::map<std::string, Known, std::less<>> by_name;
};

thread_local std::string current_owner;

KnownEventTypes& known_event_types() {
  static auto* const types = new KnownEventTypes();  // outlives everything that may ask
  return *types;
}

}  // namespace

detail::EventTypeOwner::EventTypeOwner(std::string name) { current_owner = std::move(name); }
detail::EventTypeOwner::~EventTypeOwner() { current_owner.clear(); }

bool detail::remember_event_type(const EventType& type) {
  auto& known = known_event_types();
  const std::lock_guard lock(known.mutex);
  const auto [found, added] = known.by_name.try_emplace(type.qualified_name, Known{&type, current_owner});
  if (added || found->second.type == &type) return true;
  const bool brought_again = !current_owner.empty() && found->second.owner == current_owner;
  found->second.type = brought_again ? &type : nullptr;
  return true;
}

const EventType* find_event_type(std::string_view qualified_name) {
  auto& known = known_event_types();
  const std::lock_guard lock(known.mutex);
  const auto found = known.by_name.find(qualified_name);
  return found == known.by_name.end() ? nullptr : found->second.type;
}

}  // namespace weir
