// A thin face on the SQLite library: connections, prepared statements, transactions. Errors are exceptions inside this
// folder; store.cpp turns them into values.
#pragma once

#include "failures.hpp"

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace weir::sqlite_detail {

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

  /// Anything else in that column is damage, as it is for text.
  std::int64_t integer(int column) const;
  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  /// Empty for NULL. Valid until the next step.
  std::string_view text(int column) const;

private:
  void check(int code);
  [[noreturn]] void fail(int code) const;
  [[noreturn]] void impossible(int column) const;

  sqlite3_stmt* statement_;
  int next_ = 0;
};

/// Not thread-safe: one thread at a time. After a failure it can be used again.
class Connection {
public:
  /// Throws DatabaseError with the path and what to do.
  Connection(const std::string& path, bool read_only, const char* vfs = nullptr);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// How long to wait while another program, or another connection, has the file locked; at first 5 seconds.
  /// Returns what it was before.
  std::chrono::milliseconds wait_for_locks(std::chrono::milliseconds limit);
  void execute(const std::string& sql);
  /// Prepared once per text.
  Query query(std::string_view sql);
  std::int64_t last_insert() const { return sqlite3_last_insert_rowid(database_); }
  std::int64_t changes() const { return sqlite3_changes(database_); }
  std::int64_t pragma(const std::string& name);
  bool in_transaction() const noexcept { return sqlite3_get_autocommit(database_) == 0; }
  /// Ends the transaction if there is one: after some failures SQLite has done so already.
  void roll_back() noexcept;
  /// When it is closed nothing is copied back from the write-ahead log.
  void leave_the_file_alone() noexcept { sqlite3_db_config(database_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr); }
  sqlite3* handle() const noexcept { return database_; }

private:
  [[noreturn]] void fail(int code, std::string_view doing);

  sqlite3* database_ = nullptr;
  std::chrono::milliseconds lock_timeout_{0};
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
};

/// Reads of one moment, while others write.
class Snapshotted {
public:
  explicit Snapshotted(Connection& connection) : connection_(connection) { connection_.execute("BEGIN"); }
  ~Snapshotted() { connection_.roll_back(); }
  Snapshotted(const Snapshotted&) = delete;
  Snapshotted& operator=(const Snapshotted&) = delete;

private:
  Connection& connection_;
};

/// Rolled back unless committed.
class Transaction {
public:
  explicit Transaction(Connection& connection) : connection_(connection) { connection_.execute("BEGIN IMMEDIATE"); }
  ~Transaction() { connection_.roll_back(); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit() { connection_.execute("COMMIT"); }

private:
  Connection& connection_;
};

}  // namespace weir::sqlite_detail
