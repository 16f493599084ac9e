// How long a text SQLite takes, made small enough for a test.
#pragma once

#include <sqlite3.h>

/// Texts that are longer are too large for the connections that are opened while it lives.
class LengthLimit {
public:
  explicit LengthLimit(int bytes) {
    bytes_max = bytes;
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&limit));
  }
  ~LengthLimit() { sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&limit)); }
  LengthLimit(const LengthLimit&) = delete;
  LengthLimit& operator=(const LengthLimit&) = delete;

private:
  static int limit(sqlite3* database, const char**, const void*) {
    sqlite3_limit(database, SQLITE_LIMIT_LENGTH, bytes_max);
    return SQLITE_OK;
  }
  static inline int bytes_max = 0;
};
