// Answering a run that waits for a person.
#pragma once

#include "remote.hpp"

#include <string>
#include <vector>

namespace weir::cli {

/// Whether a run waits for a person, told from its events. The protocol does not say: what was asked last is open when the run
/// is idle and nothing more comes. A run that still does other things is given a little longer.
class OpenPrompt {
public:
  /// In order, internal events too.
  void see(const RemoteEvent& event);
  /// Waits a moment for what the stream may still bring.
  bool waits(const EventStream& stream) const;
  RemoteEvent take();

private:
  std::optional<RemoteEvent> asked_;
  bool idle_ = false;
};

struct Answer {
  std::string type;  ///< of the event; empty: the only one that the workflow takes from people
  std::string step;
  std::vector<std::string> fields = {};  ///< key=value: those that need not be asked for
  bool is_shown = false;                 ///< the prompt: the person sees it already
};

/// Shows the prompt, asks on standard input for each field that `answer` lacks, and sends the event, with what the question requires; once
/// more for what the server does not take. Returns what was sent.
/// Throws RemoteError, or std::runtime_error when standard input ends before all required fields have a value.
RemoteEvent answer_prompt(const Client& client, const std::string& handler_id, const RemoteEvent& prompt, const Answer& answer);

/// Follows the run until it waits for a person, and returns what it asked last. Throws std::runtime_error when it ends first.
RemoteEvent find_prompt(const Client& client, const std::string& handler_id);

}  // namespace weir::cli
