// A thin face on the SQLite library: connections, prepared statements, transactions. Errors are exceptions inside this
// folder; store.cpp turns them into values.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace weir::sqlite_detail {

struct DatabaseError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// One execution of a prepared statement. Parameters are bound in order; it is reset when it goes out of scope.
class Query {
public:
  explicit Query(sqlite3_stmt* statement) : statement_(statement) {}
  Query(Query&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)), next_(other.next_) {}
  ~Query();

  Query& bind(std::int64_t value);
  Query& bind(std::string_view text);
  Query& bind(const std::optional<std::int64_t>& value);
  Query& bind_or_null(const std::optional<std::string_view>& text);
  /// True while there is a row.
  bool step();
  void run() {
    while (step()) {}
  }

  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  /// Valid until the next step.
  std::string_view text(int column) const;

private:
  void check(int code);

  sqlite3_stmt* statement_;
  int next_ = 0;
};

/// Not thread-safe: its owner holds a lock.
class Connection {
public:
  /// Throws DatabaseError with the path and what to do.
  Connection(const std::string& path, bool read_only);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// How long to wait while another program has the file locked; at first 5 seconds.
  void wait_for_locks(std::chrono::milliseconds limit);
  void execute(const std::string& sql);
  /// Prepared once per text.
  Query query(std::string_view sql);
  std::int64_t last_insert() const { return sqlite3_last_insert_rowid(database_); }
  std::int64_t changes() const { return sqlite3_changes(database_); }
  std::int64_t pragma(const std::string& name);

private:
  [[noreturn]] void fail(const std::string& doing);

  sqlite3* database_ = nullptr;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
};

/// Reads of one moment, while others write.
class Snapshotted {
public:
  explicit Snapshotted(Connection& connection) : connection_(connection) { connection_.execute("BEGIN"); }
  ~Snapshotted();
  Snapshotted(const Snapshotted&) = delete;
  Snapshotted& operator=(const Snapshotted&) = delete;

private:
  Connection& connection_;
};

/// Rolled back unless committed.
class Transaction {
public:
  explicit Transaction(Connection& connection) : connection_(connection) { connection_.execute("BEGIN IMMEDIATE"); }
  ~Transaction();
  void commit();

private:
  Connection& connection_;
  bool done_ = false;
};

}  // namespace weir::sqlite_detail
