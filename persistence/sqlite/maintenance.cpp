#include "maintenance.hpp"

#include "migrations.hpp"
#include "process_lock.hpp"
#include "rows.hpp"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

namespace weir::sqlite_detail {
namespace {

/// A question to the file whose every answer is a thing that is wrong: the first column names it.
struct Rule {
  const char* what;
  const char* query;
};

// One transaction writes everything that a step of the engine changes: these always hold.
constexpr Rule rules[] = {
    {"handler without its present run",
     "SELECT handler_id FROM handlers h WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.run_id = h.run_id)"},
    {"unfinished run without a journal",
     "SELECT run_id FROM handlers h JOIN runs r USING (run_id) WHERE h.status = 0 AND NOT EXISTS (SELECT 1 FROM ticks t WHERE t.run = r.run) "
     "AND NOT EXISTS (SELECT 1 FROM snapshots s WHERE s.run = r.run)"},
    {"run whose events have a gap",
     "SELECT run_id FROM runs r JOIN (SELECT run, count(*) AS n, min(sequence) AS first, max(sequence) AS last FROM events GROUP BY run) e "
     "USING (run) WHERE e.last - e.first + 1 <> e.n OR e.first <> r.kept_from"},
    {"run whose journal has a gap",
     "SELECT run_id FROM runs r JOIN (SELECT run, count(*) AS n, min(sequence) AS first, max(sequence) AS last FROM ticks GROUP BY run) t "
     "USING (run) LEFT JOIN snapshots s USING (run) WHERE t.last - t.first + 1 <> t.n OR t.first <> coalesce(s.sequence, 0) + 1"},
    {"ended handler whose last event does not say so",
     "SELECT handler_id FROM handlers h JOIN runs r USING (run_id) WHERE h.status <> 0 AND coalesce((SELECT terminal FROM events e WHERE "
     "e.run = r.run ORDER BY sequence DESC LIMIT 1), 0) = 0"},
    {"handler whose parent is gone",
     "SELECT handler_id FROM handlers h WHERE parent_handler_id <> '' AND NOT EXISTS (SELECT 1 FROM handlers p WHERE p.handler_id = "
     "h.parent_handler_id)"},
    {"run that is to wake up but is not idle", "SELECT run_id FROM handlers WHERE wake_at IS NOT NULL AND idle_since IS NULL"},
};

/// A copy of the file and what a crash has left beside it, which may be mended.
class Copy {
public:
  explicit Copy(const std::string& path) {
    std::string made = (std::filesystem::temp_directory_path() / "weir-look-XXXXXX").string();
    if (!::mkdtemp(made.data()))
      throw DatabaseError("'" + path + "' has to be mended before it can be read, and there is no place for a copy");
    folder_ = made;
    std::error_code error;
    for (const char* part : {"", "-journal", "-wal"})
      if (std::filesystem::exists(path + part)) std::filesystem::copy_file(path + part, file() + part, error);
    if (error) throw DatabaseError("'" + path + "' has to be mended before it can be read, and no copy can be made: " + error.message());
  }
  ~Copy() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  std::string file() const { return (folder_ / "weir.db").string(); }

private:
  std::filesystem::path folder_;
};

/// The file stays as it is. What a crash has left half done is undone in a copy, by the next server in the file itself.
struct Looking {
  explicit Looking(const std::string& path)
      : copy(half_done(existing(path)) ? std::make_unique<Copy>(path) : nullptr), db(copy ? copy->file() : path, !copy) {}
  const std::unique_ptr<Copy> copy;
  Connection db;

private:
  static bool half_done(const std::string& path) {
    std::error_code absent;
    return std::filesystem::file_size(path + "-journal", absent) > 0 && !absent;
  }
  static const std::string& existing(const std::string& path) {
    if (!std::filesystem::exists(path)) throw DatabaseError("there is no database '" + path + "'");
    return path;
  }
};

std::int64_t number(Connection& db, const std::string& sql) {
  auto query = db.query(sql);
  return query.step() ? query.integer(0) : 0;
}

std::int64_t size_of(const std::string& path) {
  std::error_code absent;
  const auto size = std::filesystem::file_size(path, absent);
  return absent ? 0 : static_cast<std::int64_t>(size);
}

void add_times(Object& out, Connection& db) {
  const auto add = [&](const char* name, const char* sql) {
    auto query = db.query(sql);
    if (query.step() && !query.is_null(0)) out.set(name, codec::time_text(time_of(query.integer(0))));
  };
  add("oldest_start", "SELECT min(started_at) FROM handlers");
  add("newest_start", "SELECT max(started_at) FROM handlers");
  add("next_wake", "SELECT min(wake_at) FROM handlers");
}

}  // namespace

std::vector<std::string> check(const std::string& path) {
  Looking looking(path);
  auto& db = looking.db;
  std::vector<std::string> out;
  if (const auto format = format_of(db, path); format == 0)
    throw DatabaseError("'" + path + "' is no database of Weir's: nothing is in it");
  else if (format != newest_format())
    return {"format " + std::to_string(format) + " is not this program's, which is " + std::to_string(newest_format()) +
            ": start a server on the file, or migrate it"};
  auto integrity = db.query("PRAGMA integrity_check");
  while (integrity.step())
    if (integrity.text(0) != "ok") out.push_back("damaged: " + std::string(integrity.text(0)));
  auto orphans = db.query("PRAGMA foreign_key_check");
  while (orphans.step()) out.push_back("row without its owner in table " + std::string(orphans.text(0)));
  for (const auto& rule : rules) {
    auto query = db.query(rule.query);
    while (query.step()) out.push_back(std::string(rule.what) + ": " + std::string(query.text(0)));
  }
  return out;
}

Object stats(const std::string& path) {
  Looking looking(path);
  auto& db = looking.db;
  const auto format = format_of(db, path);
  if (format == 0) throw DatabaseError("'" + path + "' is no database of Weir's: nothing is in it");
  Object out{{"path", path}, {"format", format}};
  out.set("file_bytes", size_of(path));
  out.set("wal_bytes", size_of(path + "-wal"));
  out.set("free_bytes", db.pragma("freelist_count") * db.pragma("page_size"));
  for (const auto status : {HandlerStatus::running, HandlerStatus::completed, HandlerStatus::failed, HandlerStatus::cancelled})
    out.set("handlers_" + std::string(to_string(status)),
            number(db, "SELECT count(*) FROM handlers WHERE status = " + std::to_string(static_cast<int>(status))));
  if (format == newest_format()) {
    out.set("handlers_waiting", number(db, "SELECT count(*) FROM handlers WHERE status = 0 AND idle_since IS NOT NULL"));
    for (const char* table : {"runs", "events", "ticks", "snapshots", "idempotency_keys"})
      out.set(table, number(db, std::string("SELECT count(*) FROM ") + table));
    add_times(out, db);
  }
  return out;
}

Migrated migrate_file(const std::string& path) {
  if (!std::filesystem::exists(path)) throw DatabaseError("there is no database '" + path + "'");
  const ProcessLock lock(path);
  Connection db(path, false);
  Migrated out{format_of(db, path), newest_format()};
  prepare_for_writing(db, path);
  return out;
}

}  // namespace weir::sqlite_detail
