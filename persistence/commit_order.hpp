// What the commits of one call have to do with one another.
#pragma once

#include <weir/store.hpp>

#include <map>

namespace weir {

/// Commits one after the other. What comes after a failed commit of the same run builds on it, and fails with it; what comes after
/// an unavailable or damaged store has been met is not tried.
template <class F>
std::vector<Expected<bool>> in_order(const std::vector<Commit>& commits, F&& commit_one) {
  std::vector<Expected<bool>> out;
  out.reserve(commits.size());
  std::map<std::string, Error, std::less<>> failed;
  std::optional<Error> store;
  for (auto& commit : commits) {
    const auto run_id = commit.run_id;
    const auto before = failed.find(run_id);
    out.push_back(store ? *store : before != failed.end() ? before->second : commit_one(commit));
    if (out.back()) continue;
    const auto& error = out.back().error();
    if (error.code == Code::unavailable || error.code == Code::data_loss) store = error;
    else failed.emplace(run_id, error);
  }
  return out;
}

}  // namespace weir
