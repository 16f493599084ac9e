#include "database.hpp"

#include "private_file.hpp"

#include <weir/assert.hpp>

#include <algorithm>

namespace weir::sqlite_detail {
namespace {

/// What SQLite says, and of what, for the log.
std::string problem(sqlite3* database, std::string_view doing) {
  constexpr std::size_t shown_max = 80;
  const auto* path = sqlite3_db_filename(database, "main");
  return std::string(doing.substr(0, std::min(shown_max, doing.find('\n')))) + ": " + sqlite3_errmsg(database) + " (database '" +
         (path ? path : "") + "')";
}

[[noreturn]] void fail_with(sqlite3* database, int code, std::string_view doing) {
  if ((code & 0xff) != SQLITE_NOTADB) throw DatabaseError(code, problem(database, doing));
  throw DatabaseError(code, "'" + std::string(sqlite3_db_filename(database, "main")) + "' is no SQLite database");
}

}  // namespace

Query::~Query() {
  if (!statement_) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Query::check(int code) {
  if (code != SQLITE_OK) fail(code);
}

void Query::fail(int code) const { fail_with(sqlite3_db_handle(statement_), code, sqlite3_sql(statement_)); }

void Query::impossible(int column) const {
  throw impossible_row("column " + std::to_string(column) + " of " + std::string(sqlite3_sql(statement_)).substr(0, 80));
}

Query& Query::bind(std::int64_t value) {
  check(sqlite3_bind_int64(statement_, ++next_, value));
  return *this;
}
Query& Query::bind(std::string_view text) {
  check(sqlite3_bind_text64(statement_, ++next_, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}
Query& Query::bind(const std::optional<std::int64_t>& value) {
  if (value) return bind(*value);
  check(sqlite3_bind_null(statement_, ++next_));
  return *this;
}

Query& Query::bind_or_null(const std::optional<std::string_view>& text) {
  if (text) return bind(*text);
  check(sqlite3_bind_null(statement_, ++next_));
  return *this;
}

bool Query::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) fail(code);
  return false;
}

std::int64_t Query::integer(int column) const {
  if (sqlite3_column_type(statement_, column) != SQLITE_INTEGER) impossible(column);
  return sqlite3_column_int64(statement_, column);
}

std::string_view Query::text(int column) const {
  const int type = sqlite3_column_type(statement_, column);
  if (type == SQLITE_NULL) return {};
  if (type != SQLITE_TEXT) impossible(column);
  const auto* bytes = sqlite3_column_text(statement_, column);
  if (!bytes) fail(SQLITE_NOMEM);
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Connection::Connection(const std::string& path, bool read_only, const char* vfs) {
  if (!read_only) create_private(path);
  const int flags = (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path.c_str(), &database_, flags, vfs) != SQLITE_OK) {
    const std::string why = database_ ? sqlite3_errmsg(database_) : "out of memory";
    sqlite3_close(database_);
    throw DatabaseError("cannot open the database '" + path + "': " + why + ". Does its directory exist, and may this user write there?");
  }
  sqlite3_extended_result_codes(database_, 1);
  wait_for_locks(std::chrono::seconds(5));
}

std::chrono::milliseconds Connection::wait_for_locks(std::chrono::milliseconds limit) {
  sqlite3_busy_timeout(database_, static_cast<int>(limit.count()));
  return std::exchange(lock_timeout_, limit);
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(database_);
}

void Connection::fail(int code, std::string_view doing) { fail_with(database_, code, doing); }

void Connection::execute(const std::string& sql) {
  if (const int code = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr); code != SQLITE_OK) fail(code, sql);
}

Query Connection::query(std::string_view sql) {
  if (const auto known = statements_.find(sql); known != statements_.end()) {
    WEIR_ASSERT(!sqlite3_stmt_busy(known->second), "a statement goes through its rows before it is begun again");
    return Query(known->second);
  }
  sqlite3_stmt* statement = nullptr;
  const int size = static_cast<int>(sql.size());
  if (const int code = sqlite3_prepare_v3(database_, sql.data(), size, SQLITE_PREPARE_PERSISTENT, &statement, nullptr); code != SQLITE_OK)
    fail(code, sql);
  statements_.emplace(sql, statement);
  return Query(statement);
}

std::int64_t Connection::pragma(const std::string& name) {
  auto query = this->query("PRAGMA " + name);
  return query.step() ? query.integer(0) : 0;
}

void Connection::roll_back() noexcept {
  if (in_transaction()) sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace weir::sqlite_detail
