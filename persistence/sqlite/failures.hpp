// What can go wrong with a database, by kind: the one place that knows SQLite's result codes.
#pragma once

#include <weir/error.hpp>

#include <stdexcept>
#include <string>

namespace weir::sqlite_detail {

/// `what()` is for the log: it may name files and hold SQL.
struct DatabaseError : std::runtime_error {
  /// A file that cannot be used at all, as `what()` says.
  explicit DatabaseError(const std::string& text) : std::runtime_error(text), code(Code::failed_precondition), message(text) {}
  /// SQLite's result code, an extended one if there is one, and what was being done.
  DatabaseError(int result, const std::string& doing);

  Code code;            ///< see Store
  std::string message;  ///< for clients
};

/// A row that cannot be what we wrote.
DatabaseError impossible_row(const std::string& what);

/// Code::unavailable: it may work later. Code::data_loss: the file is damaged. Code::internal: it can never succeed.
Code kind_of(int result) noexcept;

}  // namespace weir::sqlite_detail
