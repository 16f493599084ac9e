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
  Retention retention = {};  ///< what is older is purged in the background, after Runtime::recover
  std::function<void(LogLevel, std::string_view)> log = log_to_stderr;  ///< called from any thread
};

}  // namespace weir
