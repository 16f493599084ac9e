// Texts that are no UTF-8 are written with U+FFFD in place of their bytes (JsonWriter). The log is told, once in a run.
#pragma once

#include "actors/runtime/live/run_context.hpp"

#include <weir/json_writer.hpp>
#include <weir/runtime_options.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace weir::runtime {

/// Watches what its thread writes while it lives.
class ReplacedText {
public:
  ReplacedText(RunContext& run, const std::function<void(LogLevel, std::string_view)>& log, std::string_view step)
      : run_(run), log_(log), step_(step) {}
  ~ReplacedText() {
    if (JsonWriter::replaced_bytes() == before_ || !log_ || run_.told_of_replaced_text.exchange(true)) return;
    const auto from = step_.empty() ? std::string(" got") : ": step '" + std::string(step_) + "' made";
    log_(LogLevel::warning, "run " + run_.row.run_id + " of workflow '" + run_.row.workflow_name + "'" + from +
                                " a text that is not UTF-8. The bytes that are not are kept as U+FFFD");
  }
  ReplacedText(const ReplacedText&) = delete;
  ReplacedText& operator=(const ReplacedText&) = delete;

private:
  RunContext& run_;
  const std::function<void(LogLevel, std::string_view)>& log_;
  const std::string_view step_;
  const std::uint64_t before_ = JsonWriter::replaced_bytes();
};

}  // namespace weir::runtime
