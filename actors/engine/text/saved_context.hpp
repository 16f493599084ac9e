// A run's context as the protocol serialises it: what the Python library's JSON serialiser writes and reads, and we too
// where types correspond (contract 5.13).
#pragma once

#include <weir/error.hpp>
#include <weir/value.hpp>

#include <map>
#include <memory>
#include <string>

namespace weir::engine {

struct Plan;
struct State;

/// A context that was read: the contents of the state stores by name, and where the run was.
struct SavedContext {
  std::map<std::string, Object> states;
  /// Null: the run had ended and left nothing, so a new one begins. One that has not `started` takes its start event, too.
  std::shared_ptr<const State> state;
};

/// `states` are the contents of the run's state stores by name. The keys `requirements`, `timed_out`, `deadline` and
/// `receives` and `trigger` of waiters, `published`, `sent` and `edits` of attempts, `recorded`, `early`, `mail` and
/// `namespaces` are ours: without them a wait would forget what it waits for, a repeated body would repeat itself, and mail be lost.
Object save_context(const Plan& plan, const State& state, const std::map<std::string, Object>& states);

/// Reads format versions 0 to 2. Steps that the workflow does not have are skipped; missing keys have defaults. The error
/// says what is wrong and where.
Expected<SavedContext> read_context(const Plan& plan, const Value& context);

}  // namespace weir::engine
