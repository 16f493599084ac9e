// Options of a runtime, with or without HTTP in front of it.
#pragma once

#include <weir/codec.hpp>
#include <weir/retention.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace weir {

class Store;

enum class LogLevel { info, warning, error };

/// Writes "weir: <level>: <text>" to standard error.
void log_to_stderr(LogLevel level, std::string_view text);

/// What a run in a durable store waits for before it goes on. What is shown outside always waits for the disk.
enum class Durability {
  strict,     ///< a step starts when what led to it is durable
  pipelined,  ///< at once: after a crash, steps that ran ahead of the disk run again, perhaps on other events
};

/// What one run may use of what all share. A run that goes beyond one of the last three is slowed or keeps less, and goes on: the log
/// names it, the step and the limit once, and the run shows a RunBudgetExceeded event.
struct RunBudget {
  /// What its steps have written to the stream and sent, and the store has not taken yet. Beyond, blocking steps and jobs wait
  /// where they write, coroutines where they await.
  std::size_t stream_backlog_events_max = 4096;
  std::size_t stream_backlog_bytes_max = 1024 * 1024;
  std::size_t events_in_memory_max = 100'000;        ///< in stores that are not durable: beyond, the oldest events are forgotten
  std::int64_t history_rows_max = 10'000'000;        ///< events, in any store: beyond, the oldest are forgotten and the run is slowed
  std::size_t steps_per_second_past_history = 1000;  ///< how many bodies begin in a run that has gone beyond history_rows_max
};

struct RuntimeOptions {
  std::shared_ptr<Store> store = nullptr;               ///< empty: weir::memory()
  std::size_t actor_threads = 1;                        ///< threads that run supervisors and steps that do not block
  std::size_t blocking_threads_max = 64;                ///< threads for `.blocking()` steps and ctx.blocking()
  Duration slow_step = std::chrono::milliseconds(100);  ///< a step that holds an actor thread longer is named in the log
  Durability durability = Durability::strict;
  /// A run in a durable store that has only waited for so long leaves memory, until an event, a time or somebody who asks
  /// wakes it; empty: never.
  std::optional<Duration> idle_timeout = std::chrono::seconds(60);
  /// How long the runtime's end waits for steps that still run, which are asked to end; after that they are left behind.
  Duration stop_timeout = std::chrono::seconds(5);
  RunBudget budget = {};
  Retention retention = {};  ///< what is older is purged in the background, after Runtime::recover
  std::function<void(LogLevel, std::string_view)> log = log_to_stderr;  ///< called from any thread
};

}  // namespace weir
