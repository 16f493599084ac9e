// Where a run's newest commit is. All that a run may do, and what is said to those who ask it for something, follows from
// this one word. Pure; every transition has a test.
//
//                submit              durable
//        idle -----------> writing -----------> idle
//                           |   |   refuse
//                     delay |   +-----------------> ending -----------> closed
//                           v       refuse             ^  durable, refuse
//        idle <----------- delayed --------------------+
//                durable      |  withdraw
//                             +-----------> closed
//
// `ending` and `delayed` stay what they are by `delay`. From `idle`, `close` leads to `closed`, and `refuse`, when the engine itself
// has failed, to `ending`.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::runtime {

enum class CommitState : std::uint8_t {
  idle,     ///< what the run has done so far is durable
  writing,  ///< a commit is with the store. What comes meanwhile is gathered
  delayed,  ///< the same, but the store does not answer: the commit is kept and tried again. What depends on it is not begun, nothing
            ///< more is taken in, and whoever waits has been told
  ending,   ///< the store refused a commit for good; the one that ends the run with that reason is with the store
  closed,   ///< the run is over, has left memory, or never came to be
};

enum class CommitEvent : std::uint8_t {
  submit,    ///< a commit is handed to the store
  delay,     ///< the store does not answer for now
  durable,   ///< the commit is made
  refuse,    ///< it can never be made, or the engine could not say what it would be
  withdraw,  ///< it is taken back before it was made: of a start that was refused because of the delay
  close,     ///< the run leaves
};

/// The state after the event; nothing when the event cannot happen there, which is a fault of ours.
constexpr std::optional<CommitState> after(CommitState state, CommitEvent event) {
  using enum CommitState;
  using enum CommitEvent;
  switch (state) {
    case idle:
      if (event == submit) return writing;
      if (event == refuse) return ending;
      if (event == close) return closed;
      return std::nullopt;
    case writing:
      if (event == durable) return idle;
      if (event == delay) return delayed;
      if (event == refuse) return ending;
      return std::nullopt;
    case delayed:
      if (event == durable) return idle;
      if (event == delay) return delayed;
      if (event == refuse) return ending;
      if (event == withdraw) return closed;
      return std::nullopt;
    case ending:
      if (event == delay) return ending;
      if (event == durable || event == refuse) return closed;
      return std::nullopt;
    case closed: return std::nullopt;
  }
  return std::nullopt;
}

constexpr std::string_view to_string(CommitState state) {
  constexpr std::string_view names[] = {"idle", "writing", "delayed", "ending", "closed"};
  return names[static_cast<std::size_t>(state)];
}

constexpr std::string_view to_string(CommitEvent event) {
  constexpr std::string_view names[] = {"submit", "delay", "durable", "refuse", "withdraw", "close"};
  return names[static_cast<std::size_t>(event)];
}

}  // namespace weir::runtime
