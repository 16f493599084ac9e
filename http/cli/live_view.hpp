// A run as it happens: steps and events on a terminal, lines in a pipe, JSON for programs.
#pragma once

#include "remote.hpp"

#include <map>
#include <string>

namespace weir::cli {

class LiveView {
public:
  explicit LiveView(Output output) : output_(output), colours_(colours_for(output)) {}
  LiveView(const LiveView&) = delete;
  LiveView& operator=(const LiveView&) = delete;

  void show(const RemoteEvent& event);
  /// How it ended.
  void show(const RemoteHandler& handler);
  /// Takes the lines about steps away, for something else to be written.
  void clear();
  /// Only a terminal shows what the engine tells about itself.
  bool wants_internal() const { return output_ == Output::terminal; }

private:
  struct Step {
    int running = 0, waiting = 0, done = 0;
  };
  void step_changed(const RemoteEvent& event);
  void draw();

  /// Empty where there are to be none.
  struct Colours {
    const char *dim = "", *bold = "", *green = "", *red = "", *cyan = "", *plain = "";
  };
  static Colours colours_for(Output output);

  const Output output_;
  const Colours colours_;
  std::map<std::string, Step> steps_;
  std::size_t lines_ = 0;  ///< drawn below the events
};

}  // namespace weir::cli
