#include "database.hpp"

namespace weir::sqlite_detail {
namespace {

std::string problem(sqlite3* database) {
  const auto* path = sqlite3_db_filename(database, "main");
  return std::string(sqlite3_errmsg(database)) + " (database '" + (path ? path : "") + "')";
}

}  // namespace

Query::~Query() {
  if (!statement_) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Query::check(int code) {
  if (code == SQLITE_OK) return;
  throw DatabaseError(problem(sqlite3_db_handle(statement_)));
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
  if (code != SQLITE_DONE) throw DatabaseError(problem(sqlite3_db_handle(statement_)));
  return false;
}

std::string_view Query::text(int column) const {
  const auto* bytes = sqlite3_column_text(statement_, column);
  if (!bytes) return {};
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Connection::Connection(const std::string& path, bool read_only) {
  const int flags = (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path.c_str(), &database_, flags, nullptr) != SQLITE_OK) {
    const std::string why = database_ ? sqlite3_errmsg(database_) : "out of memory";
    sqlite3_close(database_);
    throw DatabaseError("cannot open the database '" + path + "': " + why + ". Does its directory exist, and may this user write there?");
  }
  wait_for_locks(std::chrono::seconds(5));
}

void Connection::wait_for_locks(std::chrono::milliseconds limit) { sqlite3_busy_timeout(database_, static_cast<int>(limit.count())); }

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(database_);
}

void Connection::fail(const std::string& doing) { throw DatabaseError(doing + ": " + problem(database_)); }

void Connection::execute(const std::string& sql) {
  if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail(sql.substr(0, sql.find('\n')));
}

Query Connection::query(std::string_view sql) {
  if (const auto known = statements_.find(sql); known != statements_.end()) return Query(known->second);
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
    fail(std::string(sql));
  statements_.emplace(sql, statement);
  return Query(statement);
}

std::int64_t Connection::pragma(const std::string& name) {
  auto query = this->query("PRAGMA " + name);
  return query.step() ? query.integer(0) : 0;
}

namespace {
void roll_back(Connection& connection) {
  try {
    connection.execute("ROLLBACK");
  } catch (const DatabaseError&) {  // SQLite has rolled back already: that is what was wanted
  }
}
}  // namespace

Snapshotted::~Snapshotted() { roll_back(connection_); }

Transaction::~Transaction() {
  if (!done_) roll_back(connection_);
}

void Transaction::commit() {
  connection_.execute("COMMIT");
  done_ = true;
}

}  // namespace weir::sqlite_detail
