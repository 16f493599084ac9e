// SQLite's view of the disk, with accidents: operations that fail, and a power cut at any sync.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace faulty_vfs {

/// What a file would be after a power cut: what was synced, and what was written since then and may or may not be there.
struct Disk {
  struct Write {
    std::int64_t offset;
    std::vector<char> bytes;
  };
  struct File {
    std::vector<char> synced;
    std::vector<Write> unsynced;
  };
  std::map<std::string, File> files;  ///< by path
};

/// While one exists, everything that SQLite opens goes through it. One at a time.
class Installed {
public:
  Installed();
  ~Installed();
  Installed(const Installed&) = delete;
  Installed& operator=(const Installed&) = delete;

  /// Writes, truncations and syncs so far.
  int operations() const;
  /// From the n-th on, as many operations fail with that SQLite code, as if they had not been tried.
  void fail(int nth, int count, int code);
  /// Until it is said otherwise all operations of that sort answer with that SQLite code; SQLITE_OK heals.
  void break_writes(int code);           ///< truncations and syncs too
  void break_database_writes(int code);  ///< writes to the database file alone, not to its log
  void break_reads(int code);
  void break_locks(int code);  ///< those for writing
  void break_opens(int code);
  /// Called after every sync, on the thread that syncs, with what a power cut would now leave.
  void on_sync(std::function<void(const Disk&)> look);
};

/// Writes the files of the disk into a folder: of what was not synced, a part chosen by the seed, the last write torn.
void after_power_cut(const Disk& disk, const std::string& folder, std::uint32_t seed);

}  // namespace faulty_vfs
