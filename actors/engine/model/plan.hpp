// What never changes in a run: the steps, their limits, who takes which event. Built once per registered workflow.
// Knows no user code: bodies of steps are the runtime's business.
#pragma once

#include <weir/envelope.hpp>
#include <weir/event.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::engine {

using StepIndex = std::uint32_t;

/// How a step receives its events.
enum class Input {
  single,   ///< one event, of any of the accepted types
  collect,  ///< all members of a fan-out stream at once
  join,     ///< one event for each of its parameters
};

/// What a step needs besides its events: a node of the graph.
struct ResourcePlan {
  std::string name;         ///< the edge's label
  std::string type_name;    ///< the C++ type a step receives
  std::string source_file;  ///< where the factory is registered
  std::uint32_t source_line = 0;
  std::string description;
  std::vector<std::string> needs;  ///< names of the resources its factory takes

  /// A resource read from a file instead of made by a factory.
  struct Config {
    std::string file;  ///< absolute
    std::string path;
    std::string label;
    Value schema, value;
  };
  std::optional<Config> config;
};

struct StepPlan {
  std::string name;
  std::string description;
  Input input = Input::single;
  std::vector<const EventType*> accepts;
  std::vector<const EventType*> slots;            ///< join steps: the type of each parameter, in order
  std::vector<const EventType*> returns;          ///< returned bare
  std::vector<const EventType*> returns_in_list;  ///< returned as elements of a list: the step fans out
  std::uint32_t num_workers = 4;
  bool accept_subclasses = false;
  /// Collect steps: fire at the n-th arrival instead of when the stream closes; 0 means all.
  std::uint32_t take = 0;

  bool is_error_handler = false;
  std::vector<std::string> handles_steps;  ///< empty: every step
  std::uint32_t max_recoveries = 1;

  std::optional<Duration> timeout;  ///< of one invocation; waiting for an event does not count
  bool runs_child = false;          ///< takes a child workflow's start event and returns its stop event
  std::vector<std::string> resources;

  bool skip_reachability = false;
  bool skip_dead_end = false;

  bool fans_out() const noexcept { return !returns_in_list.empty(); }
};

/// A fan-out step and a collect step that receives its stream's members (contract 5.10).
struct Binding {
  StepIndex source;
  StepIndex target;
};

/// Keeps events of this very type that nobody takes, until a step receives them.
struct MailboxPlan {
  const EventType* type;
  std::uint32_t events_max;
};

struct Plan {
  std::string class_name;
  std::string description;
  std::string version;
  std::vector<StepPlan> steps;  ///< in wire order: class steps by name, then function steps as registered
  std::optional<Duration> timeout;
  std::optional<std::uint32_t> num_concurrent_runs;  ///< more runs than this wait to be admitted
  std::vector<const EventType*> additional_events;
  std::vector<MailboxPlan> mailboxes;
  std::vector<ResourcePlan> resources;
  bool disable_validation = false;
  bool skip_reachability = false, skip_terminal_event = false, skip_dead_end = false;

  // Derived by complete().
  const EventType* start = nullptr;
  const EventType* stop = nullptr;
  EventRegistry registry;
  std::vector<Binding> bindings;
  std::vector<std::optional<StepIndex>> error_handlers;                     ///< by step: who handles its failures
  std::vector<std::pair<const EventType*, std::vector<StepIndex>>> routes;  ///< of every known type
};

/// Does the step take this event, by its own rules about descendants?
bool accepts(const StepPlan& step, const EventType& type);
/// Which of the step's declared types the event is taken as; nullptr when it is not taken.
const EventType* accepted_as(const StepPlan& step, const EventType& type);
/// Everything the step returns, bare or in a list; the list's elements first.
std::vector<const EventType*> types_produced(const StepPlan& step);
/// Does an event of this type, returned by this step, end the run? The stop event of a child workflow does not.
bool ends_run(const StepPlan& step, const EventType& type);
/// The fan-out's name for its pairing with a collect step (contract 5.10).
std::string binding_id(const Plan& plan, StepIndex source, StepIndex target);
/// All steps that take the event, in step order.
std::vector<StepIndex> accepting(const Plan& plan, const EventType& type);
std::optional<StepIndex> find_step(const Plan& plan, std::string_view name);
/// nullptr when the workflow keeps no events of that type.
const MailboxPlan* find_mailbox(const Plan& plan, const EventType& type);

/// Sorts out routes, registry, bindings and handlers. Throws WorkflowError when the graph cannot work (contract 5.9, 5.12).
void complete(Plan& plan);

}  // namespace weir::engine
