#include "failures.hpp"

#include <sqlite3.h>

namespace weir::sqlite_detail {
namespace {

struct Kind {
  int result;
  Code code;
  const char* message;
};

// By primary code, but for the extended ones that mean another kind. What is not listed is a fault of ours.
constexpr Kind kinds[] = {
    {SQLITE_IOERR_CORRUPTFS, Code::data_loss, "the file system that holds the database is damaged"},
    {SQLITE_IOERR_DATA, Code::data_loss, "the database is damaged"},
    {SQLITE_CORRUPT, Code::data_loss, "the database is damaged"},
    {SQLITE_NOTADB, Code::data_loss, "the database is damaged: its file is no database any more"},
    {SQLITE_FULL, Code::unavailable, "the database's disk is full"},
    {SQLITE_NOLFS, Code::unavailable, "the database's disk takes no larger files"},
    {SQLITE_IOERR_NOMEM, Code::unavailable, "the database is out of memory"},
    {SQLITE_IOERR, Code::unavailable, "the database's disk cannot be read or written"},
    {SQLITE_BUSY, Code::unavailable, "the database is locked by another program"},
    {SQLITE_LOCKED, Code::unavailable, "the database is locked"},
    {SQLITE_PROTOCOL, Code::unavailable, "the database is locked by another program"},
    {SQLITE_CANTOPEN, Code::unavailable, "the database's files cannot be opened"},
    {SQLITE_READONLY, Code::unavailable, "the database can only be read"},
    {SQLITE_PERM, Code::unavailable, "the database's files may not be used"},
    {SQLITE_NOMEM, Code::unavailable, "the database is out of memory"},
    {SQLITE_INTERRUPT, Code::unavailable, "the database was interrupted"},
    {SQLITE_ABORT, Code::unavailable, "the database was interrupted"},
    {SQLITE_SCHEMA, Code::unavailable, "the database is being changed by another program"},
    {SQLITE_CONSTRAINT, Code::internal, "the write contradicts what the database holds"},
    {SQLITE_TOOBIG, Code::internal, "the write is larger than the database can hold"},
};

const Kind& kind(int result) noexcept {
  static constexpr Kind ours = {SQLITE_ERROR, Code::internal, "the database cannot do that"};
  for (const auto& kind : kinds)
    if (kind.result == result || kind.result == (result & 0xff)) return kind;
  return ours;
}

}  // namespace

Code kind_of(int result) noexcept { return kind(result).code; }

DatabaseError::DatabaseError(int result, const std::string& doing)
    : std::runtime_error(doing + " (SQLite's code " + std::to_string(result) + ")"), code(kind(result).code),
      message(kind(result).message) {}

DatabaseError impossible_row(const std::string& what) { return {SQLITE_CORRUPT, "a row that Weir cannot have written: " + what}; }

}  // namespace weir::sqlite_detail
