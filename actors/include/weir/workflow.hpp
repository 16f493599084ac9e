// How a workflow is written: a class whose constructor names its methods as steps.
#pragma once

#include <weir/step_signature.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// Options of a step, chained after step<>(). Wrong values throw WorkflowError at once.
class StepBuilder {
public:
  explicit StepBuilder(detail::StepSpec& spec) : spec_(&spec) {}

  /// How many invocations of the step may run at once in one run; more wait. Default 4.
  StepBuilder& num_workers(int count);
  /// Without it the first failure counts.
  StepBuilder& retry(Retry policy) { return retry(policy.policy()); }
  StepBuilder& retry(RetryPolicy policy = {});
  /// How long one invocation may run; beyond that it fails with a TimeoutError, which counts like any failure. Waiting for
  /// an event does not count. Coroutines are dropped where they are; other bodies run on unheard: look at ctx.stop_token().
  StepBuilder& timeout(Duration limit);
  /// The step runs on the blocking pool: it may block a thread. Not for coroutines, which never need it.
  StepBuilder& blocking();
  /// Freezes the step's wire name before the method is renamed.
  StepBuilder& named(std::string name);
  StepBuilder& description(std::string text);
  /// Also takes events whose kind descends from a declared one; the step sees the declared type's fields.
  StepBuilder& accept_event_subclasses();
  /// Collect steps: fire at the n-th arrival instead of when the fan-out is complete.
  StepBuilder& take(std::uint32_t count);
  /// Child workflows: also shows what the child publishes, but for its end, on this run's stream.
  StepBuilder& forward_stream();
  StepBuilder& skip_reachability_check();
  StepBuilder& skip_dead_end_check();

private:
  detail::StepSpec* spec_;
};

/// How many events a mailbox keeps when its declaration does not say.
inline constexpr std::uint32_t mailbox_events_max = 1000;

/// Base of all workflows. Declare steps in the constructor. One object serves all runs of the workflow at once: keep
/// per-run data in events and `ctx.store()`, and guard other members yourself.
class Workflow {
public:
  Workflow() = default;
  Workflow(const Workflow&) = delete;
  Workflow& operator=(const Workflow&) = delete;
  virtual ~Workflow() = default;

  struct Definition {
    std::vector<std::unique_ptr<detail::StepSpec>> steps;           ///< the class's own
    std::vector<std::unique_ptr<detail::StepSpec>> function_steps;  ///< as they were added
    std::vector<std::unique_ptr<detail::ResourceSpec>> resources;
    std::optional<Duration> timeout;  ///< of a run; empty: it may go on for ever
    std::optional<int> num_concurrent_runs;
    std::vector<std::pair<const EventType*, std::uint32_t>> mailboxes;  ///< and how many events each keeps
    std::string description;
    std::string version;
    bool disable_validation = false;
    bool verbose = false;
    bool skip_reachability = false, skip_terminal_event = false, skip_dead_end = false;
  };
  const Definition& definition() const noexcept { return definition_; }
  const std::shared_ptr<detail::ResourceCache>& resource_cache() const noexcept { return resource_cache_; }

  /// Makes a free function a step of this workflow object, behind the class's own steps.
  template <auto F, class M = decltype(F)>
  requires(std::is_pointer_v<M>) StepBuilder add_step() {
    (void)sizeof(detail::SentenceAboutStep<F, M>);
    return add_function(detail::make_step<F, M>());
  }

  /// Uses this object where steps ask for a Resource<T>, whatever the workflow says: for tests and for programs that own
  /// the object. Before the workflow is registered.
  template <class T>
  void provide(std::shared_ptr<T> object) {
    add_resource(detail::make_resource<T>([object = std::move(object)] { return object; }, std::source_location::current()));
  }

protected:
  /// Makes a method a step: `step<&Flow::method>()`. Name, input and outputs come from its signature.
  template <auto F, class M = decltype(F)>
  StepBuilder step() {
    (void)sizeof(detail::SentenceAboutStep<F, M>);
    return add(detail::make_step<F, M>());
  }

  /// Makes a method the handler of steps whose retries are used up. It takes a StepFailedEvent.
  /// `steps` empty: every step. `max_recoveries` counts along an event's ancestry.
  template <auto F, class M = decltype(F)>
  StepBuilder catch_error(std::vector<std::string> steps = {}, int max_recoveries = 1) {
    (void)sizeof(detail::SentenceAboutStep<F, M>);
    return add_error_handler(detail::make_step<F, M>(), std::move(steps), max_recoveries);
  }

  /// Runs another workflow as a step: the child's start event starts it, its stop event comes back as an event. Each child
  /// run is a handler of its own, named PARENT.STEP.N; it ends with this run at the latest.
  template <class W>
  StepBuilder child(std::string name, std::shared_ptr<W> workflow = std::make_shared<W>()) {
    return add_child(std::move(name), std::string(reflect::type_name<W>()), std::move(workflow));
  }

  /// How steps get a `weir::Resource<T>`: `factory` returns a T or a pointer to one, and may take resources itself. It is
  /// called on a thread that may block, once per workflow object unless per_use(); a failure is the step's failure. A
  /// later factory for the same T replaces an earlier one.
  template <class T, class F>
  ResourceBuilder resource(F factory, std::source_location where = std::source_location::current()) {
    return add_resource(detail::make_resource<T>(std::move(factory), where));
  }

  /// A `weir::Resource<T>` read from a JSON file when the workflow is registered.
  template <class T>
  ResourceBuilder resource_config(std::string file, ConfigOptions options = {},
                                  std::source_location where = std::source_location::current()) {
    return add_resource(detail::make_config<T>(std::move(file), std::move(options), where));
  }

  /// How long a run may take; beyond that it fails. Without it, for ever.
  void timeout(Duration limit) { definition_.timeout = limit; }
  void no_timeout() { definition_.timeout.reset(); }
  /// How many runs may go on at once; more wait, without events and without their timeout counting. A run that has left memory
  /// because it only waits gives its place back; it goes on at once when it wakes up.
  void num_concurrent_runs(int count);
  /// Keeps events of exactly this type that no step and no wait takes, in the order in which they come, until a step receives them
  /// with Context::receive. They are part of the run: they survive a restart, hibernate with it, and are there in a fork. When so many
  /// are kept, more are refused (429, Code::resource_exhausted). No step may take such events by its parameters.
  template <EventLike E>
  void mailbox(std::uint32_t events_max = mailbox_events_max) {
    definition_.mailboxes.emplace_back(&event_type<E>(), events_max);
  }
  /// Shown with the graph.
  void description(std::string text) { definition_.description = std::move(text); }
  /// Runs keep the version they began with; the version registered last gets new ones.
  void version(std::string text) { definition_.version = std::move(text); }
  /// Tells the log about every step that begins or ends.
  void verbose() { definition_.verbose = true; }
  /// Registers the workflow whatever its graph looks like, as long as it has a start and a stop event.
  void disable_validation() { definition_.disable_validation = true; }
  void skip_reachability_check() { definition_.skip_reachability = true; }
  void skip_terminal_event_check() { definition_.skip_terminal_event = true; }
  void skip_dead_end_check() { definition_.skip_dead_end = true; }

private:
  StepBuilder add(detail::StepSpec spec);
  StepBuilder add_function(detail::StepSpec spec);
  StepBuilder add_error_handler(detail::StepSpec spec, std::vector<std::string> steps, int max_recoveries);
  StepBuilder add_child(std::string name, std::string class_name, std::shared_ptr<Workflow> workflow);
  ResourceBuilder add_resource(detail::ResourceSpec spec);

  Definition definition_;
  std::shared_ptr<detail::ResourceCache> resource_cache_ = detail::make_resource_cache();
};

}  // namespace weir
