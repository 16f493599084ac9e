#include "checkpointer.hpp"

#include <weir/time.hpp>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace weir::sqlite_detail {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t frame_header_bytes = 24;             // before each page in the log
constexpr milliseconds readers_wait_max{20};                // for our own reads, when the log is to begin anew
constexpr milliseconds finish_pause{50};                    // after a rest that could not be copied
constexpr milliseconds busy_pause{100}, idle_pause{10000};  // while somebody holds the log: shortest, and on an idle server
constexpr milliseconds busy_pause_max{1000};                // while the log grows
constexpr milliseconds hold_told_after{1000};
constexpr std::int64_t hold_told_targets = 4;  // a log that is that many times too large is worth a line
constexpr milliseconds next_pass_pause{1}, piece_pause_max{200};

std::string seconds_text(std::chrono::steady_clock::duration time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s";
}

}  // namespace

Checkpointer::Checkpointer(const std::string& path, std::int64_t wal_bytes_target, Connection& writer, Condition& condition)
    : writer_(writer), condition_(condition), own_(path, false, paced_vfs()), page_bytes_(writer.pragma("page_size") + frame_header_bytes),
      target_pages_(std::max<std::int64_t>(1, wal_bytes_target / page_bytes_)),
      rest_pages_max_(std::max<std::int64_t>(8, target_pages_ / 16)) {
  own_.wait_for_locks(milliseconds(0));
  own_.execute("PRAGMA wal_autocheckpoint = 0");
  own_.pragma("schema_version");  // a connection that has read nothing knows of no log
  writer_.execute("PRAGMA wal_autocheckpoint = 0");
  writer_.execute("PRAGMA journal_size_limit = " + std::to_string(wal_bytes_target * hold_told_targets));
  sqlite3_wal_hook(writer_.handle(), &Checkpointer::count_pages, this);
  std::error_code absent;
  const auto left = std::filesystem::file_size(path + "-wal", absent);
  if (!absent) log_.pages = static_cast<std::int64_t>(left) / page_bytes_;
  asked_ = worth_a_pass(log_);
  thread_ = std::thread([this] { run(); });
}

Checkpointer::~Checkpointer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    sqlite3_interrupt(own_.handle());
  }
  changed_.notify_all();
  thread_.join();
  sqlite3_wal_hook(writer_.handle(), nullptr, nullptr);
  if (condition_.damaged()) own_.leave_the_file_alone();
}

int Checkpointer::count_pages(void* self, sqlite3*, const char*, int pages) {
  auto& checkpointer = *static_cast<Checkpointer*>(self);
  auto& log = checkpointer.log_;
  const std::lock_guard lock(checkpointer.mutex_);
  if (pages < log.pages) log = {.commits = log.commits, .generation = log.generation + 1};
  ++log.commits;
  log.pages = pages;
  return SQLITE_OK;
}

Checkpointer::Log Checkpointer::known() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

/// Passes that do not come to an end make the rest that the writing thread takes larger: sooner or later the log begins anew.
bool Checkpointer::nearly_copied(const Log& log) const noexcept {
  constexpr std::int64_t rest_pages_most = 4096;
  return log.pages - log.copied <= std::min(rest_pages_most, rest_pages_max_ << std::min(log.passes, 12));
}

void Checkpointer::transaction_ended() {
  const auto log = known();
  const bool backlog = log.was_held && log.pages - log.copied > 2 * target_pages_;
  if (std::exchange(shares_, backlog) && !backlog) set_hurry(false);
  if (!worth_a_pass(log) || condition_.damaged()) return;
  const bool may_finish = !log.held && Clock::now() >= next_finish_;
  if (may_finish && nearly_copied(log)) return void(finish(std::unique_lock(copying_, std::try_to_lock)));
  if (may_finish && falls_behind(log)) return void(finish_now());
  if (backlog && !log.held) return share();
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(asked_, true)) return;
  }
  changed_.notify_all();
}

/// Commits leave half of the time to what a hold has left behind, or it would never be copied back.
void Checkpointer::share() {
  constexpr milliseconds rest_max{50};
  std::unique_lock lock(mutex_);
  asked_ = hurry_ = true;
  changed_.notify_all();
  changed_.wait_until(lock, later(Clock::now(), std::min<Clock::duration>(Clock::now() - shared_at_, rest_max)),
                      [this] { return stopping_; });
  shared_at_ = Clock::now();
}

void Checkpointer::set_hurry(bool hurry) {
  {
    const std::lock_guard lock(mutex_);
    hurry_ = hurry;
  }
  changed_.notify_all();
}

std::optional<Error> Checkpointer::refusal() {
  const auto log = known();
  return log.fails && log.pages > log.copied ? finish_now() : std::nullopt;
}

void Checkpointer::transaction_failed() {
  const std::lock_guard lock(mutex_);
  log_.fails = true;
}

std::optional<Error> Checkpointer::finish_now() {
  set_hurry(true);
  auto out = finish(std::unique_lock(copying_));
  set_hurry(false);
  return out;
}

/// What a pass of whichever thread has come to, when that is a failure.
std::optional<Error> Checkpointer::passed(int code, const char* who) {
  const bool fails = code != SQLITE_OK && code != SQLITE_BUSY;
  {
    const std::lock_guard lock(mutex_);
    log_.fails = fails;
  }
  if (fails) return condition_.failed(Condition::Doing::copying_back, DatabaseError(code, who));
  if (code == SQLITE_OK) condition_.succeeded(Condition::Doing::copying_back);
  return std::nullopt;
}

std::optional<Error> Checkpointer::finish(std::unique_lock<std::mutex> copying) {
  if (!copying) return std::nullopt;
  int pages = 0, copied = 0;
  const auto lock_timeout = writer_.wait_for_locks(readers_wait_max);
  const int code = sqlite3_wal_checkpoint_v2(writer_.handle(), "main", SQLITE_CHECKPOINT_RESTART, &pages, &copied);
  writer_.wait_for_locks(lock_timeout);
  if (code == SQLITE_OK || code == SQLITE_BUSY) {
    const std::lock_guard lock(mutex_);
    log_.copied = std::max<std::int64_t>(log_.copied, copied);
  }
  if (code != SQLITE_OK) next_finish_ = later(Clock::now(), finish_pause);
  return passed(code, "checkpoint by the writer");
}

void Checkpointer::run() {
  const Paced paced(*this);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || asked_; });
    if (stopping_) return;
    asked_ = false;
    lock.unlock();
    const auto pause = condition_.damaged() ? Clock::duration() : copy_back();
    lock.lock();
    if (pause == Clock::duration()) continue;
    // Commits ask all the time: the pause is kept.
    changed_.wait_until(lock, later(Clock::now(), pause), [this] { return stopping_; });
    asked_ = true;
  }
}

/// One pass over what is there. Returns after which pause there shall be another one; zero: when somebody asks.
Checkpointer::Clock::duration Checkpointer::copy_back() {
  const std::unique_lock copying(copying_);
  const auto before = known();
  if (!worth_a_pass(before)) return {};
  piece_began_ = Clock::now();
  int pages = 0, copied = 0;
  const int code = sqlite3_wal_checkpoint_v2(own_.handle(), "main", SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);
  if (code == SQLITE_INTERRUPT) return {};  // the store ends
  passed(code, "checkpoint");
  if (code != SQLITE_OK) return pause_ = std::clamp<Clock::duration>(pause_ * 2, busy_pause, idle_pause);
  return copied < pages && copied <= before.copied ? stuck(pages) : moved(before, copied);
}

Checkpointer::Clock::duration Checkpointer::moved(const Log& before, std::int64_t copied) {
  pause_ = {};
  if (const auto hold = std::exchange(hold_, std::nullopt); hold && hold->told_pages != 0)
    condition_.tell(StoreTrouble::Level::over,
                    "the database's write-ahead log, which was held for " + seconds_text(hold->last - hold->since) +
                        ", is not held any more: " + size_text(copied - before.copied) + " have been copied back beside the commits");
  const std::lock_guard lock(mutex_);
  if (log_.generation != before.generation) return {};  // it began anew right behind this pass
  log_.held = false;
  log_.copied = copied;
  ++log_.passes;
  return nearly_copied(log_) ? Clock::duration() : Clock::duration(next_pass_pause);
}

Checkpointer::Clock::duration Checkpointer::stuck(std::int64_t pages) {
  {
    const std::lock_guard lock(mutex_);
    log_.held = log_.was_held = true;
  }
  const auto now = Clock::now();
  if (!hold_) hold_ = Hold{now};
  hold_->last = now;
  if (now - hold_->since >= hold_told_after && pages >= std::max(target_pages_ * hold_told_targets, hold_->told_pages * 2)) {
    hold_->told_pages = pages;
    condition_.tell(StoreTrouble::Level::warning,
                    "a read transaction, of another program perhaps, has held the database's write-ahead log for " +
                        seconds_text(now - hold_->since) + ": it has grown to " + size_text(pages) +
                        " and cannot be copied back before that ends");
  }
  const bool grows = std::exchange(seen_pages_, pages) != pages;
  return pause_ = std::clamp<Clock::duration>(pause_ * 2, busy_pause, grows ? busy_pause_max : idle_pause);
}

/// As long a rest as the piece took, unless commits wait.
void Checkpointer::piece_written() {
  const auto pause = std::min<Clock::duration>(Clock::now() - piece_began_, piece_pause_max);
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, later(Clock::now(), pause), [this] { return stopping_ || hurry_; });
  piece_began_ = Clock::now();
}

std::string Checkpointer::size_text(std::int64_t pages) const { return std::to_string(pages * page_bytes_ / (1024 * 1024)) + " MiB"; }

}  // namespace weir::sqlite_detail
