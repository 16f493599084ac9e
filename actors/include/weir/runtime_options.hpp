// Options of a runtime, with or without HTTP in front of it.
#pragma once

#include <weir/codec.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

namespace weir {

class Store;

enum class LogLevel { info, warning, error };

/// Writes "weir: <level>: <text>" to standard error.
void log_to_stderr(LogLevel level, std::string_view text);

struct RuntimeOptions {
  std::shared_ptr<Store> store = nullptr;                               ///< empty: weir::memory()
  std::size_t actor_threads = 1;                                        ///< threads that run supervisors and steps that do not block
  std::size_t blocking_threads_max = 64;                                ///< threads for `.blocking()` steps and ctx.blocking()
  Duration slow_step = std::chrono::milliseconds(100);                  ///< a step that holds an actor thread longer is named in the log
  std::function<void(LogLevel, std::string_view)> log = log_to_stderr;  ///< called from any thread
};

}  // namespace weir
