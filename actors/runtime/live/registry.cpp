#include "registry.hpp"

namespace weir::runtime {

void Registry::add(const std::string& handler_id, Entry entry) {
  auto& shard = shard_of(handler_id);
  const std::lock_guard lock(shard.mutex);
  shard.entries.insert_or_assign(handler_id, std::move(entry));
}

bool Registry::try_add(const std::string& handler_id, Entry entry, const std::string& ended_run_id, const std::function<void()>& added) {
  auto& shard = shard_of(handler_id);
  const std::lock_guard lock(shard.mutex);
  const auto [found, is_new] = shard.entries.try_emplace(handler_id, entry);
  if (!is_new && found->second.run->row.run_id != ended_run_id) return false;
  if (!is_new) found->second = std::move(entry);
  added();
  return true;
}

void Registry::remove(const std::string& handler_id, const std::string& run_id) {
  auto& shard = shard_of(handler_id);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.entries.find(handler_id);
  if (found != shard.entries.end() && found->second.run->row.run_id == run_id) shard.entries.erase(found);
}

bool Registry::with(const std::string& handler_id, const std::function<void(const Entry&)>& use) {
  auto& shard = shard_of(handler_id);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.entries.find(handler_id);
  if (found == shard.entries.end()) return false;
  use(found->second);
  return true;
}

std::vector<Registry::Entry> Registry::all() const {
  std::vector<Entry> out;
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const auto& [id, entry] : shard.entries) out.push_back(entry);
  }
  return out;
}

std::size_t Registry::size() const {
  std::size_t out = 0;
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    out += shard.entries.size();
  }
  return out;
}

}  // namespace weir::runtime
