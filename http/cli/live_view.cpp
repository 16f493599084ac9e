#include "live_view.hpp"

#include <weir/printable.hpp>

#include <iostream>

namespace weir::cli {
namespace {

constexpr const char *dim = "\033[2m", *bold = "\033[1m", *green = "\033[32m", *red = "\033[31m", *cyan = "\033[36m", *plain = "\033[0m";

std::string text_of(const Value& value, std::string_view key) {
  const auto* found = value.find(key);
  return found && found->is_string() ? found->as_string() : std::string();
}

}  // namespace

void LiveView::clear() {
  if (lines_ > 0) std::cout << "\033[" << lines_ << "A\033[J" << std::flush;
  lines_ = 0;
}

void LiveView::draw() {
  for (const auto& [name, step] : steps_) {
    std::cout << (step.running ? cyan : dim)
              << (step.running ? "  \u25cf "
                  : step.done  ? "  \u2713 "
                               : "  \u25cb ")
              << printable(name) << plain;
    if (step.running > 1) std::cout << dim << "  " << step.running << " at once" << plain;
    if (step.waiting) std::cout << dim << "  " << step.waiting << " queued" << plain;
    if (step.done > 1) std::cout << dim << "  ran " << step.done << " times" << plain;
    std::cout << '\n';
  }
  lines_ = steps_.size();
  std::cout << std::flush;
}

void LiveView::step_changed(const RemoteEvent& event) {
  auto& step = steps_[text_of(event.value, "name")];
  const auto state = text_of(event.value, "step_state");
  const bool queued = text_of(event.value, "worker_id") == "<enqueued>";
  if (state == "preparing") {
    if (queued) ++step.waiting;
  } else if (state == "running") {
    ++step.running;
    if (step.waiting > 0) --step.waiting;
  } else {
    if (step.running > 0) --step.running;
    ++step.done;
  }
}

void LiveView::show(const RemoteEvent& event) {
  if (output_ == Output::json) {
    std::cout << printable(to_json(to_json_value(event))) << std::endl;
    return;
  }
  if (output_ == Output::plain) {
    std::cout << printable(event.type + " " + to_json(event.value)) << std::endl;
    return;
  }
  clear();
  if (event.type == "StepStateChanged") step_changed(event);
  else if (!event.is("InternalDispatchEvent"))
    std::cout << bold << printable(event.type) << plain << ' ' << printable(to_json(event.value)) << '\n';
  draw();
}

void LiveView::show(const RemoteHandler& handler) {
  clear();
  if (output_ == Output::json) {
    std::cout << printable(to_json(to_json_value(handler))) << std::endl;
    return;
  }
  const bool completed = handler.status == HandlerStatus::completed;
  const bool coloured = output_ == Output::terminal;
  std::cout << (coloured ? (completed ? green : red) : "") << to_string(handler.status) << (coloured ? plain : "");
  if (!handler.error.empty()) std::cout << ": " << printable(handler.error);
  // The last event has shown the result already.
  std::cout << (coloured ? dim : "") << "  " << printable(handler.handler_id) << (coloured ? plain : "") << std::endl;
}

}  // namespace weir::cli
