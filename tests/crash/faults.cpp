// LD_PRELOAD: counts the writes and syncs of database files (NAME.db, its -wal and -journal), and makes chosen ones fail, end the
// process or take long. What has not been synced can be taken away afterwards, as by a power cut. Controlled by the environment:
//
//   FAULT_KIND     die, torn (half of the bytes are written, then the process dies), eio, enospc
//   FAULT_CALLS    write, sync or both (default)
//   FAULT_FROM     the first call that is hit, counted from 1; 0 or absent: none
//   FAULT_COUNT    how many calls in a row are hit (default 1); 0: all from there on
//   FAULT_WHILE    a file: calls are hit while it exists, instead of FAULT_FROM
//   FAULT_COUNTER  a file that holds the number of calls so far, 8 bytes in the machine's order
//   FAULT_SYNC_MS  a sync takes so much longer
//   FAULT_UNSYNCED 1: beside each FILE, FILE.synced is what the disk is sure to have, FILE.unsynced what was written since (power.mjs)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>

namespace {

enum Call : unsigned { writing = 1, syncing = 2 };
enum class Kind { none, die, torn, eio, enospc };

struct Settings {
  Kind kind = Kind::none;
  unsigned calls = writing | syncing;
  std::int64_t from = 0, count = 1;
  std::string while_exists;
  long sync_ms = 0;
  bool keeps_unsynced = false;
  std::atomic<std::int64_t>* counter = nullptr;
};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::int64_t number(const char* name, std::int64_t fallback) {
  const auto text = variable(name);
  return text.empty() ? fallback : std::atoll(text.c_str());
}

std::atomic<std::int64_t>* counter_in(const std::string& path) {
  static std::atomic<std::int64_t> alone{0};
  if (path.empty()) return &alone;
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ::syscall(SYS_ftruncate, file, sizeof alone) != 0) return &alone;
  void* shared = ::mmap(nullptr, sizeof alone, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  return shared == MAP_FAILED ? &alone : static_cast<std::atomic<std::int64_t>*>(shared);
}

Kind kind_named(std::string_view name) {
  return name == "die" ? Kind::die : name == "torn" ? Kind::torn : name == "eio" ? Kind::eio : name == "enospc" ? Kind::enospc : Kind::none;
}

const Settings& settings() {
  static const Settings read = [] {
    Settings out;
    out.kind = kind_named(variable("FAULT_KIND"));
    const auto calls = variable("FAULT_CALLS");
    out.calls = calls == "write" ? writing : calls == "sync" ? syncing : writing | syncing;
    out.from = number("FAULT_FROM", 0);
    out.count = number("FAULT_COUNT", 1);
    out.while_exists = variable("FAULT_WHILE");
    out.sync_ms = static_cast<long>(number("FAULT_SYNC_MS", 0));
    out.keeps_unsynced = variable("FAULT_UNSYNCED") == "1";
    out.counter = counter_in(variable("FAULT_COUNTER"));
    return out;
  }();
  return read;
}

/// The path of a database file; empty when the descriptor is none.
std::string database_path(int fd) {
  const auto link = "/proc/self/fd/" + std::to_string(fd);
  std::array<char, 4096> path;
  const auto size = ::readlink(link.c_str(), path.data(), path.size());
  if (size <= 0) return {};
  const std::string_view name(path.data(), static_cast<std::size_t>(size));
  for (const std::string_view end : {".db", ".db-wal", ".db-journal"})
    if (name.ends_with(end)) return std::string(name);
  return {};
}

// ---- what is hit

bool is_hit(Call call) {
  const auto& set = settings();
  if (!(set.calls & call)) return false;
  const auto now = set.counter->fetch_add(1) + 1;
  if (set.kind == Kind::none) return false;
  if (!set.while_exists.empty()) return ::access(set.while_exists.c_str(), F_OK) == 0;
  return set.from > 0 && now >= set.from && (set.count == 0 || now < set.from + set.count);
}

[[noreturn]] void die() {
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

/// Whether the call fails, with errno set.
bool fails(Call call) {
  if (!is_hit(call)) return false;
  if (settings().kind == Kind::die || settings().kind == Kind::torn) die();
  errno = settings().kind == Kind::eio ? EIO : ENOSPC;
  return true;
}

// ---- what a power cut leaves

struct Change {
  std::int64_t what;  // 1: bytes written at `at`, 2: the file now ends at `at`
  std::int64_t at;
  std::int64_t size;  // of the bytes that follow
};
std::mutex changing;

ssize_t write_at(int fd, const void* bytes, std::size_t size, off_t at) { return ::syscall(SYS_pwrite64, fd, bytes, size, at); }

void append_change(const std::string& path, Change change, const void* bytes) {
  std::string record(reinterpret_cast<const char*>(&change), sizeof change);
  if (change.size > 0) record.append(static_cast<const char*>(bytes), static_cast<std::size_t>(change.size));
  const int log = ::open((path + ".unsynced").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0 || ::syscall(SYS_write, log, record.data(), record.size()) != static_cast<ssize_t>(record.size())) std::abort();
  ::close(log);
}

/// What was written since the last sync is on the disk now.
void apply_changes(const std::string& path) {
  const int log = ::open((path + ".unsynced").c_str(), O_RDWR | O_CLOEXEC);
  if (log < 0) return;
  const int synced = ::open((path + ".synced").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (synced < 0) std::abort();
  Change change{};
  std::string bytes;
  while (::read(log, &change, sizeof change) == static_cast<ssize_t>(sizeof change)) {
    bytes.resize(static_cast<std::size_t>(change.size));
    if (change.what == 2) (void)!::syscall(SYS_ftruncate, synced, change.at);
    else if (::read(log, bytes.data(), bytes.size()) == change.size) write_at(synced, bytes.data(), bytes.size(), change.at);
  }
  (void)!::syscall(SYS_ftruncate, log, 0);
  ::close(synced);
  ::close(log);
}

// ---- the calls

ssize_t write_through(int fd, const void* bytes, std::size_t size, off_t at, const std::string& path) {
  if (!settings().keeps_unsynced) return write_at(fd, bytes, size, at);
  const std::lock_guard lock(changing);
  append_change(path, {1, at, static_cast<std::int64_t>(size)}, bytes);
  return write_at(fd, bytes, size, at);
}

ssize_t guarded_write(int fd, const void* bytes, std::size_t size, off_t at) {
  const auto path = database_path(fd);
  if (path.empty()) return write_at(fd, bytes, size, at);
  if (is_hit(writing)) {
    if (settings().kind == Kind::torn) write_through(fd, bytes, size / 2, at, path);
    if (settings().kind == Kind::torn || settings().kind == Kind::die) die();
    errno = settings().kind == Kind::eio ? EIO : ENOSPC;
    return -1;
  }
  return write_through(fd, bytes, size, at, path);
}

int guarded_truncate(int fd, off_t size) {
  const auto path = database_path(fd);
  if (path.empty()) return static_cast<int>(::syscall(SYS_ftruncate, fd, size));
  if (fails(writing)) return -1;
  if (!settings().keeps_unsynced) return static_cast<int>(::syscall(SYS_ftruncate, fd, size));
  const std::lock_guard lock(changing);
  append_change(path, {2, size, 0}, nullptr);
  return static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}

void pass(long milliseconds) {
  const timespec time{milliseconds / 1000, milliseconds % 1000 * 1000000};
  ::nanosleep(&time, nullptr);
}

int guarded_sync(int fd, long number_of_call) {
  const auto path = database_path(fd);
  if (path.empty()) return static_cast<int>(::syscall(number_of_call, fd));
  if (settings().sync_ms > 0) pass(settings().sync_ms);
  if (fails(syncing)) return -1;
  if (!settings().keeps_unsynced) return static_cast<int>(::syscall(number_of_call, fd));
  const std::lock_guard lock(changing);
  apply_changes(path);
  return 0;  // Nobody cuts the power of this machine: the copy is what counts, and it is quick.
}

}  // namespace

extern "C" {
ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t at) { return guarded_write(fd, bytes, size, at); }
ssize_t pwrite64(int fd, const void* bytes, std::size_t size, off64_t at) { return guarded_write(fd, bytes, size, at); }
int ftruncate(int fd, off_t size) noexcept { return guarded_truncate(fd, size); }
int ftruncate64(int fd, off64_t size) noexcept { return guarded_truncate(fd, size); }
int fsync(int fd) { return guarded_sync(fd, SYS_fsync); }
int fdatasync(int fd) { return guarded_sync(fd, SYS_fdatasync); }

/// A file that is gone takes what was kept of it along.
int unlink(const char* path) noexcept {
  const int done = static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, 0));
  const int error = errno;
  if (done == 0 && settings().keeps_unsynced)
    for (const char* kept : {".synced", ".unsynced"}) ::syscall(SYS_unlinkat, AT_FDCWD, (std::string(path) + kept).c_str(), 0);
  errno = error;
  return done;
}
}
