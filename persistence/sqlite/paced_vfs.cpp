#include "paced_vfs.hpp"

#include <sqlite3.h>

#include <cstddef>

namespace weir::sqlite_detail {
namespace {

thread_local Pace* current = nullptr;

/// What SQLite holds for an open file: ours in front, the real one behind.
struct File {
  sqlite3_file base;
  std::int64_t unsynced;  ///< bytes; negative: not a database file
  alignas(8) std::byte inner[4096];
};

sqlite3_file* inner(sqlite3_file* file) { return reinterpret_cast<sqlite3_file*>(reinterpret_cast<File*>(file)->inner); }
const sqlite3_io_methods& real(sqlite3_file* file) { return *inner(file)->pMethods; }

int close(sqlite3_file* file) { return real(file).xClose(inner(file)); }
int read(sqlite3_file* file, void* out, int count, sqlite3_int64 offset) { return real(file).xRead(inner(file), out, count, offset); }
int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
  if (const int code = real(file).xWrite(inner(file), bytes, count, offset); code != SQLITE_OK) return code;
  auto& unsynced = reinterpret_cast<File*>(file)->unsynced;
  if (!current || unsynced < 0 || (unsynced += count) < paced_piece_bytes) return SQLITE_OK;
  unsynced = 0;
  const int code = real(file).xSync(inner(file), SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
  if (code == SQLITE_OK) current->piece_written();
  return code;
}
int truncate(sqlite3_file* file, sqlite3_int64 size) { return real(file).xTruncate(inner(file), size); }
int sync(sqlite3_file* file, int flags) { return real(file).xSync(inner(file), flags); }
int file_size(sqlite3_file* file, sqlite3_int64* size) { return real(file).xFileSize(inner(file), size); }
int lock(sqlite3_file* file, int level) { return real(file).xLock(inner(file), level); }
int unlock(sqlite3_file* file, int level) { return real(file).xUnlock(inner(file), level); }
int check_lock(sqlite3_file* file, int* held) { return real(file).xCheckReservedLock(inner(file), held); }
int control(sqlite3_file* file, int op, void* argument) { return real(file).xFileControl(inner(file), op, argument); }
int sector_size(sqlite3_file* file) { return real(file).xSectorSize(inner(file)); }
int traits(sqlite3_file* file) { return real(file).xDeviceCharacteristics(inner(file)); }
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return real(file).xShmMap(inner(file), page, size, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) { return real(file).xShmLock(inner(file), offset, count, flags); }
void shm_barrier(sqlite3_file* file) { real(file).xShmBarrier(inner(file)); }
int shm_unmap(sqlite3_file* file, int remove) { return real(file).xShmUnmap(inner(file), remove); }

// Version 2: without memory mapping of the database file, which we do not use.
const sqlite3_io_methods methods = {2,       close,       read,   write,   truncate, sync,        file_size, lock,    unlock, check_lock,
                                    control, sector_size, traits, shm_map, shm_lock, shm_barrier, shm_unmap, nullptr, nullptr};

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;
  auto* vfs = sqlite3_vfs_find(nullptr);
  if (!vfs || vfs->szOsFile > static_cast<int>(sizeof(File::inner))) return SQLITE_CANTOPEN;
  const int code = vfs->xOpen(vfs, name, inner(file), flags, out_flags);
  if (inner(file)->pMethods) file->pMethods = &methods;
  reinterpret_cast<File*>(file)->unsynced = (flags & SQLITE_OPEN_MAIN_DB) != 0 ? 0 : -1;
  return code;
}

}  // namespace

Paced::Paced(Pace& pace) { current = &pace; }
Paced::~Paced() { current = nullptr; }

const char* paced_vfs() {
  static sqlite3_vfs ours = [] {
    sqlite3_vfs out = *sqlite3_vfs_find("unix");
    out.zName = "weir-paced";
    out.szOsFile = sizeof(File);
    out.xOpen = open;
    return out;
  }();
  static const int registered = sqlite3_vfs_register(&ours, 0);
  return registered == SQLITE_OK ? ours.zName : nullptr;
}

}  // namespace weir::sqlite_detail
