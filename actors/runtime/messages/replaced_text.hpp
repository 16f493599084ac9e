// Texts that are no UTF-8 are written with U+FFFD in place of their bytes (JsonWriter). The log is told, once in a run.
#pragma once

#include <weir/json_writer.hpp>
#include <weir/runtime_options.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace weir::runtime {

using LogSink = std::function<void(LogLevel, std::string_view)>;

/// Of one run. Thread-safe. Lives on with the run's events, which are put into words when somebody reads them; the log, if there is one,
/// is told as long as its owner is there.
class ReplacedTexts {
public:
  ReplacedTexts(std::string run_id, std::string workflow, std::weak_ptr<const LogSink> log)
      : run_id_(std::move(run_id)), workflow_(std::move(workflow)), log_(std::move(log)) {}

  /// `what`: what was found, as in ": step 'make' made".
  void tell(const std::string& what) {
    const auto log = log_.lock();
    if (!log || told_.exchange(true)) return;
    (*log)(LogLevel::warning, "run " + run_id_ + " of workflow '" + workflow_ + "'" + what +
                                  " a text that is not UTF-8. The bytes that are not are kept as U+FFFD");
  }

private:
  const std::string run_id_, workflow_;
  const std::weak_ptr<const LogSink> log_;
  std::atomic<bool> told_ = false;
};

/// Watches what its thread writes while it lives, for a step, or for the run itself.
class ReplacedText {
public:
  ReplacedText(ReplacedTexts& texts, std::string_view step, std::string_view run_does = " got")
      : texts_(texts), step_(step), run_does_(run_does) {}
  ~ReplacedText() {
    if (JsonWriter::replaced_bytes() != before_)
      texts_.tell(step_.empty() ? std::string(run_does_) : ": step '" + std::string(step_) + "' made");
  }
  ReplacedText(const ReplacedText&) = delete;
  ReplacedText& operator=(const ReplacedText&) = delete;

private:
  ReplacedTexts& texts_;
  const std::string_view step_, run_does_;
  const std::uint64_t before_ = JsonWriter::replaced_bytes();
};

}  // namespace weir::runtime
