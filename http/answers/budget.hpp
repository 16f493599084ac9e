// What one request may cost, and what all of them together may: every number in one place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace weir::http::budget {

using namespace std::chrono_literals;

/// Threads for one kind of work. Requests that find the queue full, or have waited in it too long, are answered with 503.
struct WorkerPool {
  std::size_t threads_max;
  std::size_t queue_max;
  std::chrono::milliseconds wait_max;
  int niceness;  ///< of its threads, on top of the process's: they leave the processor to the threads that everybody waits for
};
/// One row, or a few. As many may wait as there may be connections, but not for long.
inline constexpr WorkerPool lookups{4, 10000, 1s, 0};
/// Writes that no run makes: purges, first reads.
inline constexpr WorkerPool changes{2, 1000, 1s, 0};
/// Many rows, or large ones: searches, exports, statistics, pages of events, large results.
inline constexpr WorkerPool searches{2, 1000, 5s, 10};

/// A search that has taken so long, or looked at so many rows, answers with what it has found and where it goes on.
inline constexpr auto search_time_max = 2s;
inline constexpr std::size_t rows_walked_max = 1'000'000;
/// Statistics look at what they can in this time.
inline constexpr auto statistics_time_max = 5s;
/// How long a look at a handler waits for the run itself.
inline constexpr auto look_time_max = 200ms;
/// Rows in one page, as clients may ask for.
inline constexpr std::size_t page_rows_max = 1000;

/// Rows read from the store at once: few at first, more while they are small.
inline constexpr std::size_t rows_at_first = 8;
inline constexpr std::size_t rows_at_once_max = 512;
inline constexpr std::size_t row_bytes_at_once = 512 * 1024;

/// Bodies beyond this are parsed on a thread that may take its time.
inline constexpr std::size_t loop_body_bytes_max = 64 * 1024;
/// Runs that are over and have more events than this are read on such a thread, whatever the store.
inline constexpr std::int64_t loop_events_max = 4096;

/// Answers up to this are sent as one; larger ones piece by piece, each when the client has taken the one before.
inline constexpr std::size_t whole_answer_bytes_max = 256 * 1024;
inline constexpr std::size_t piece_bytes = 64 * 1024;
/// Answers that are being sent in pieces at the same time, in the process; beyond: 503.
inline constexpr std::size_t pieced_answers_max = 512;
/// Bytes of those that are in memory as a whole (one run's result, say), in the process; beyond: 503.
inline constexpr std::size_t pieced_bytes_max = 64 * 1024 * 1024;

/// GET /ui/stream: runs followed at once, and changes of the list that are kept for a client that does not read.
inline constexpr std::size_t tab_runs_max = 200;
inline constexpr std::size_t tab_changes_max = 200;
inline constexpr std::size_t tab_change_bytes_max = 1024 * 1024;

}  // namespace weir::http::budget
