// The events and plans of the contract's golden transcripts.
#pragma once

#include "simulator.hpp"

namespace tea {

using namespace simulator;

struct Sip {
  int n;
};
struct Leaf {
  int i;
};
struct Cup {
  int i;
};
struct Water {
  int c;
};
struct Ask {
  using kind = InputRequiredEvent;
  std::string prompt;
};
struct Ans {
  using kind = HumanResponseEvent;
  std::string text;
};
struct Green {
  using kind = Leaf;
  int i;
};

template <class... E>
std::vector<const EventType*> types() {
  return {&event_type<E>()...};
}

inline StepPlan step(std::string name, std::vector<const EventType*> accepts, std::vector<const EventType*> returns) {
  StepPlan out;
  out.name = std::move(name);
  out.accepts = std::move(accepts);
  out.returns = std::move(returns);
  return out;
}
inline StepPlan fan_out(std::string name, std::vector<const EventType*> accepts, std::vector<const EventType*> elements) {
  auto out = step(std::move(name), std::move(accepts), {});
  out.returns_in_list = std::move(elements);
  return out;
}
inline StepPlan collect(std::string name, std::vector<const EventType*> elements, std::vector<const EventType*> returns,
                        std::uint32_t take = 0) {
  auto out = step(std::move(name), std::move(elements), std::move(returns));
  out.input = Input::collect;
  out.take = take;
  return out;
}
inline StepPlan workers(StepPlan out, std::uint32_t count) {
  out.num_workers = count;
  return out;
}
inline StepPlan error_handler(std::string name, std::vector<const EventType*> returns) {
  auto out = step(std::move(name), types<StepFailedEvent>(), std::move(returns));
  out.is_error_handler = true;
  out.num_workers = 1;
  return out;
}
inline Plan plan(std::vector<StepPlan> steps, std::optional<Duration> timeout = std::nullopt, std::vector<MailboxPlan> mailboxes = {}) {
  Plan out;
  out.class_name = "Tea";
  out.steps = std::move(steps);
  out.timeout = timeout;
  out.mailboxes = std::move(mailboxes);
  complete(out);
  return out;
}

inline CollectCall collect_call(const RunStep& run, const TypeCounts& expected) {
  BufferPtr seen;
  for (const auto& [name, buffer] : run.collected)
    if (name == "default") seen = buffer;
  return {"default", run.event, expected, decide(seen, run.event.type(), expected)};
}

}  // namespace tea
