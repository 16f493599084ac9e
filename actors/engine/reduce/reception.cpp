#include "reception.hpp"

#include <algorithm>
#include <vector>

namespace weir::engine {
namespace {

const MailboxLimits* mailbox_of(const State& state, const EventType& type) {
  for (const auto& mailbox : state.limits.mailboxes)
    if (mailbox.type == type.qualified_name) return &mailbox;
  return nullptr;
}

/// Those that a run holds back until it begins will be in it.
std::size_t count_in_mailbox(const State& state, const EventType& type) {
  const auto in_mail =
      std::count_if(state.mail.begin(), state.mail.end(), [&](const EventBox& event) { return event.type().same_as(type); });
  const auto held = std::count_if(state.held.begin(), state.held.end(), [&](const Sent& sent) { return sent.event.type().same_as(type); });
  return static_cast<std::size_t>(in_mail + held);
}

bool a_step_takes(const Plan& plan, const Sent& sent) {
  const auto takers = accepting(plan, sent.event.type());
  return std::any_of(takers.begin(), takers.end(),
                     [&](StepIndex step) { return plan.steps[step].input != Input::collect && (!sent.target || step == *sent.target); });
}

bool a_wait_takes(const Plan& plan, const State& state, const EventBox& event) {
  for (StepIndex step = 0; step < state.steps.size(); ++step)
    for (const auto& waiter : state.steps[step].waiters)
      if (waiter.pending() && answers(plan, step, waiter, event) && !is_begun_again(state.steps[step], waiter)) return true;
  return false;
}

/// Some of what it says: texts for people end somewhere.
std::string shown(const Object& requirements) {
  constexpr std::size_t bytes_max = 200;
  const auto text = to_json(requirements);
  return text.size() <= bytes_max ? text : text.substr(0, bytes_max) + "...";
}

std::vector<std::string> waits(const Plan& plan, const State& state) {
  std::vector<std::string> out;
  const auto add = [&](const EventType& type, StepIndex step, const Object& requirements) {
    const auto which = requirements.empty() ? "" : " with " + shown(requirements);
    out.push_back(type.name + which + " (step '" + plan.steps[step].name + "')");
  };
  for (StepIndex step = 0; step < state.steps.size(); ++step)
    for (const auto& waiter : state.steps[step].waiters)
      if (waiter.pending()) add(*waiter.type, step, waiter.requirements);
  for (StepIndex step = 0; step < plan.steps.size(); ++step)
    for (const auto* type : plan.steps[step].accepts)
      if (type->kind == Kind::human_response) add(*type, step, {});
  return out;
}

}  // namespace

std::optional<std::size_t> room_in_mailbox(const State& state, const EventType& type) {
  const auto* mailbox = mailbox_of(state, type);
  if (!mailbox) return std::nullopt;
  return mailbox->events_max - std::min<std::size_t>(mailbox->events_max, count_in_mailbox(state, type));
}

Reception reception(const Plan& plan, const State& state, const Sent& sent) {
  if (state.queued && state.held.size() >= held_events_max) return Reception::full;
  if (a_step_takes(plan, sent)) return Reception::taken;
  if (!state.queued && a_wait_takes(plan, state, sent.event)) return Reception::taken;
  if (const auto room = room_in_mailbox(state, sent.event.type())) return *room > 0 ? Reception::kept : Reception::full;
  return state.queued ? Reception::early : Reception::unhandled;
}

std::string not_taken(const Plan& plan, const State& state, const EventType& type) {
  constexpr std::size_t shown_max = 8;
  const auto begin = "Nothing in the run takes " + type.name + " now: the run ";
  if (state.queued) return begin + "waits for its turn among its workflow's concurrent runs";
  const auto all = waits(plan, state);
  if (all.empty()) return begin + "waits for no event";
  std::string out = begin + "waits for ";
  for (std::size_t i = 0; i < std::min(all.size(), shown_max); ++i) out += (i > 0 ? ", " : "") + all[i];
  if (all.size() > shown_max) out += " and " + std::to_string(all.size() - shown_max) + " more";
  return out;
}

std::string no_room(const State& state, const EventType& type) {
  const auto* mailbox = mailbox_of(state, type);
  if (!mailbox) return "The run has not begun, and " + std::to_string(held_events_max) + " events wait for that already: try again later";
  return "The run's mailbox for " + type.name + " is full: it keeps " + std::to_string(mailbox->events_max) +
         " events that have not been received yet: try again later";
}

}  // namespace weir::engine
