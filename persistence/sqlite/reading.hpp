// Everything that reads rows and changes none.
#pragma once

#include "rows.hpp"

namespace weir::sqlite_detail {

std::optional<HandlerRow> find_handler(Connection& db, std::string_view handler_id);
std::optional<HandlerRow> find_run(Connection& db, std::string_view run_id);
std::optional<UsedKey> find_key(Connection& db, std::string_view key);
NamedStates find_states(Connection& db, std::string_view handler_id);
std::vector<EventRow> read_events(Connection& db, std::string_view run_id, std::int64_t after, std::size_t limit);
std::optional<EventRow> last_event(Connection& db, std::string_view run_id);
/// Children whose parent is gone, at most `limit`. Looks at some parents behind `behind`, which it moves on; from the beginning again
/// after the last.
std::vector<std::string> find_orphans(Connection& db, std::string& behind, std::size_t limit);
RunOrigin find_origin(Connection& db, std::string_view run_id);
std::optional<NamedStates> find_states_at(Connection& db, std::string_view run_id, std::int64_t sequence);
Journal read_journal(Connection& db, std::string_view run_id);
std::optional<Time> next_wake(Connection& db, Time after);
std::vector<std::string> find_wakes(Connection& db, Time after, Time until);

}  // namespace weir::sqlite_detail
