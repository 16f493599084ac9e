#include "live_view.hpp"

#include <weir/printable.hpp>

#include <iostream>

namespace weir::cli {

LiveView::Colours LiveView::colours_for(Output output) {
  if (output != Output::terminal || !wants_colours()) return {};
  return {.dim = "\033[2m", .bold = "\033[1m", .green = "\033[32m", .red = "\033[31m", .cyan = "\033[36m", .plain = "\033[0m"};
}

void LiveView::clear() {
  if (lines_ > 0) std::cout << "\033[" << lines_ << "A\033[J";
  lines_ = 0;
}

void LiveView::draw() {
  for (const auto& [name, step] : steps_) {
    std::cout << (step.running ? colours_.cyan : colours_.dim)
              << (step.running ? "  \u25cf "
                  : step.done  ? "  \u2713 "
                               : "  \u25cb ")
              << printable(name) << colours_.plain;
    if (step.running > 1) std::cout << colours_.dim << "  " << step.running << " at once" << colours_.plain;
    if (step.waiting) std::cout << colours_.dim << "  " << step.waiting << " queued" << colours_.plain;
    if (step.done > 1) std::cout << colours_.dim << "  ran " << step.done << " times" << colours_.plain;
    std::cout << '\n';
  }
  lines_ = steps_.size();
  flush_output();
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
    print_line(to_json(to_json_value(event)));
    flush_output();
    return;
  }
  if (output_ == Output::plain) {
    print_line(event.type + " " + to_json(event.value));
    flush_output();
    return;
  }
  clear();
  if (event.type == "StepStateChanged") step_changed(event);
  else if (!event.is("InternalDispatchEvent"))
    std::cout << colours_.bold << printable(event.type) << colours_.plain << ' ' << printable(to_json(event.value)) << '\n';
  draw();
}

void LiveView::show(const RemoteHandler& handler) {
  clear();
  if (output_ == Output::json) {
    print_line(to_json(to_json_value(handler)));
    flush_output();
    return;
  }
  const bool completed = handler.status == HandlerStatus::completed;
  std::cout << (completed ? colours_.green : colours_.red) << to_string(handler.status) << colours_.plain;
  if (!handler.error.empty()) std::cout << ": " << printable(handler.error);
  // The last event has shown the result already.
  std::cout << colours_.dim << "  " << printable(handler.handler_id) << colours_.plain << '\n';
  flush_output();
}

}  // namespace weir::cli
