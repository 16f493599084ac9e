#include "faulty_vfs.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <new>
#include <random>

namespace faulty_vfs {
namespace {

struct Shared {
  std::mutex mutex;
  int operations = 0, fail_first = 0, fail_count = 0, fail_code = 0;
  std::atomic<int> writes = SQLITE_OK, database_writes = SQLITE_OK, reads = SQLITE_OK, locks = SQLITE_OK,
                   opens = SQLITE_OK;  ///< what they answer
  Disk disk;
  std::function<void(const Disk&)> look;
};
Shared* shared = nullptr;
sqlite3_vfs* real = nullptr;
sqlite3_vfs ours;

/// What SQLite holds for an open file: ours in front, the real one behind.
struct File {
  sqlite3_file base;
  std::string* path;
  sqlite3_file* inner() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }

/// SQLITE_OK, or what this operation fails with.
int next_operation() {
  const int number = ++shared->operations;
  if (const int code = shared->writes) return code;
  const bool fails = number >= shared->fail_first && number - shared->fail_first < shared->fail_count;
  return fails ? shared->fail_code : SQLITE_OK;
}

Disk::File& on_disk(sqlite3_file* file) { return shared->disk.files[*of(file).path]; }

int close(sqlite3_file* file) {
  const int code = of(file).inner()->pMethods->xClose(of(file).inner());
  delete of(file).path;
  return code;
}
int read(sqlite3_file* file, void* out, int count, sqlite3_int64 offset) {
  if (const int code = shared->reads) return code;
  return of(file).inner()->pMethods->xRead(of(file).inner(), out, count, offset);
}
int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
  const std::lock_guard lock(shared->mutex);
  if (const int code = next_operation()) return code;
  if (const int code = shared->database_writes; code && !of(file).path->ends_with("-wal")) return code;
  const auto* from = static_cast<const char*>(bytes);
  on_disk(file).unsynced.push_back({offset, {from, from + count}});
  return of(file).inner()->pMethods->xWrite(of(file).inner(), bytes, count, offset);
}
int truncate(sqlite3_file* file, sqlite3_int64 size) {
  const std::lock_guard lock(shared->mutex);
  if (const int code = next_operation()) return code;
  return of(file).inner()->pMethods->xTruncate(of(file).inner(), size);
}
int sync(sqlite3_file* file, int flags) {
  const std::lock_guard lock(shared->mutex);
  if (const int code = next_operation()) return code;
  if (const int code = of(file).inner()->pMethods->xSync(of(file).inner(), flags)) return code;
  auto& disk = on_disk(file);
  sqlite3_int64 size = 0;
  of(file).inner()->pMethods->xFileSize(of(file).inner(), &size);
  disk.synced.assign(static_cast<std::size_t>(size), 0);
  if (size > 0) of(file).inner()->pMethods->xRead(of(file).inner(), disk.synced.data(), static_cast<int>(size), 0);
  disk.unsynced.clear();
  if (shared->look) shared->look(shared->disk);
  return SQLITE_OK;
}
int file_size(sqlite3_file* file, sqlite3_int64* size) { return of(file).inner()->pMethods->xFileSize(of(file).inner(), size); }
int lock(sqlite3_file* file, int level) { return of(file).inner()->pMethods->xLock(of(file).inner(), level); }
int unlock(sqlite3_file* file, int level) { return of(file).inner()->pMethods->xUnlock(of(file).inner(), level); }
int check_lock(sqlite3_file* file, int* held) { return of(file).inner()->pMethods->xCheckReservedLock(of(file).inner(), held); }
int control(sqlite3_file* file, int op, void* argument) { return of(file).inner()->pMethods->xFileControl(of(file).inner(), op, argument); }
int sector_size(sqlite3_file* file) { return of(file).inner()->pMethods->xSectorSize(of(file).inner()); }
int traits(sqlite3_file* file) { return of(file).inner()->pMethods->xDeviceCharacteristics(of(file).inner()); }
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return of(file).inner()->pMethods->xShmMap(of(file).inner(), page, size, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  if (const int code = shared->locks; code && (flags & SQLITE_SHM_EXCLUSIVE) && (flags & SQLITE_SHM_LOCK)) return code;
  return of(file).inner()->pMethods->xShmLock(of(file).inner(), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) { of(file).inner()->pMethods->xShmBarrier(of(file).inner()); }
int shm_unmap(sqlite3_file* file, int remove) { return of(file).inner()->pMethods->xShmUnmap(of(file).inner(), remove); }

const sqlite3_io_methods methods = {2,       close,       read,   write,   truncate, sync,        file_size, lock,    unlock, check_lock,
                                    control, sector_size, traits, shm_map, shm_lock, shm_barrier, shm_unmap, nullptr, nullptr};

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto& opened = of(file);
  opened.base.pMethods = nullptr;
  if (const int code = shared->opens) return code;
  const int code = real->xOpen(real, name, opened.inner(), flags, out_flags);
  opened.base.pMethods = opened.inner()->pMethods ? &methods : nullptr;
  if (opened.base.pMethods) opened.path = new std::string(name ? name : "");
  return code;
}

}  // namespace

Installed::Installed() {
  assert(!shared);
  shared = new Shared();
  real = sqlite3_vfs_find(nullptr);
  ours = *real;
  ours.zName = "weir-faulty";
  ours.szOsFile = static_cast<int>(sizeof(File)) + real->szOsFile;
  ours.xOpen = open;
  sqlite3_vfs_register(&ours, 1);
}

Installed::~Installed() {
  sqlite3_vfs_unregister(&ours);
  sqlite3_vfs_register(real, 1);
  delete shared;
  shared = nullptr;
}

int Installed::operations() const {
  const std::lock_guard lock(shared->mutex);
  return shared->operations;
}

void Installed::fail(int nth, int count, int code) {
  const std::lock_guard lock(shared->mutex);
  shared->fail_first = nth;
  shared->fail_count = count;
  shared->fail_code = code;
}

void Installed::break_writes(int code) { shared->writes = code; }
void Installed::break_database_writes(int code) { shared->database_writes = code; }
void Installed::break_reads(int code) { shared->reads = code; }
void Installed::break_locks(int code) { shared->locks = code; }
void Installed::break_opens(int code) { shared->opens = code; }

void Installed::on_sync(std::function<void(const Disk&)> look) {
  const std::lock_guard lock(shared->mutex);
  shared->look = std::move(look);
}

void after_power_cut(const Disk& disk, const std::string& folder, std::uint32_t seed) {
  std::mt19937 random(seed);
  for (const auto& [path, file] : disk.files) {
    auto content = file.synced;
    for (std::size_t i = 0; i < file.unsynced.size(); ++i) {
      if (random() % 2) continue;
      auto bytes = file.unsynced[i].bytes;
      if (i + 1 == file.unsynced.size()) bytes.resize(bytes.size() / 2);
      const auto end = static_cast<std::size_t>(file.unsynced[i].offset) + bytes.size();
      if (content.size() < end) content.resize(end);
      std::copy(bytes.begin(), bytes.end(), content.begin() + static_cast<std::ptrdiff_t>(file.unsynced[i].offset));
    }
    std::ofstream(folder + "/" + std::filesystem::path(path).filename().string(), std::ios::binary)
        .write(content.data(), static_cast<std::streamsize>(content.size()));
  }
}

}  // namespace faulty_vfs
