#include "shadow.hpp"

#include "actors/engine/reduce/invariants.hpp"
#include "journal_codec.hpp"
#include "named_json.hpp"
#include "state_codec.hpp"

#include <algorithm>

namespace weir::engine {
namespace {

constexpr std::size_t compared_always_max = 64 * 1024;
constexpr std::size_t text_around = 160;

Object written(const Plan& plan, const RunStep& run) {
  Object collected, recorded;
  Value::Array answers;
  for (const auto& [name, buffer] : run.collected) collected.set(name, write_named(contents(buffer)));
  for (const auto& [name, json] : run.recorded) recorded.set(name, json);
  for (const auto& answer : run.answers)
    answers.emplace_back(Value::Array{answer.waiter_id, answer.event ? Value(write_named(*answer.event)) : Value()});
  Object out{{"run", plan.steps[run.id.step].name},
             {"slot", run.id.slot},
             {"serial", run.id.serial},
             {"event", write_named(run.event)},
             {"work_item", run.work_item},
             {"published", run.published},
             {"sent", run.sent},
             {"edits", write_edits(run.edits)},
             {"failures", run.failures},
             {"first_attempt_at", write_time(run.first_attempt_at)},
             {"collected", std::move(collected)},
             {"answers", std::move(answers)},
             {"recorded", std::move(recorded)}};
  if (run.release) out.set("release", Value::Array{run.release->target, run.release->stream, Value(write_named(run.release->events))});
  if (run.joined) out.set("joined", write_named(*run.joined));
  if (const auto& failure = run.last_failure)
    out.set("last_failure", Value::Array{failure->error.exception_type, failure->error.exception_message, write_time(failure->at)});
  return out;
}

Object written(const Plan& plan, const Command& command) {
  if (const auto* run = std::get_if<RunStep>(&command)) return written(plan, *run);
  if (const auto* timer = std::get_if<SetTimer>(&command))
    return {{"timer", timer->timer}, {"due", write_time(timer->due)}, {"tick", encode_tick(plan, to_tick(timer->tick))}};
  return {{"command", command.index()}};
}

std::string part(const std::string& text, std::size_t at) {
  const auto begin = at > text_around ? at - text_around : 0;
  return (begin > 0 ? "..." : "") + text.substr(begin, 2 * text_around) + (begin + 2 * text_around < text.size() ? "..." : "");
}

}  // namespace

void Shadow::feed(const Stamped& stamped) {
  if (problem_) return;
  last_ = encode_tick(plan_, stamped.tick);
  fed_ += last_.size();
  auto tick = decode_tick(plan_, last_);
  if (!tick) problem_ = "the tick cannot be read again: " + tick.error().message;
  else state_ = reduce(plan_, std::move(state_), {stamped.seq, stamped.at, std::move(*tick)}).state;
}

void Shadow::go_on_from(const std::string& snapshot) {
  auto read = decode_state(plan_, snapshot);
  if (!read) problem_ = "the snapshot cannot be read again: " + read.error().message;
  else state_ = std::move(*read);
}

std::optional<std::string> Shadow::difference(const State& live) {
  if (!problem_) {
    if (compared_ > compared_always_max && fed_ < compared_ / 4) return std::nullopt;
    const auto expected = encode_state(plan_, live);
    fed_ = 0;
    compared_ = expected.size();
    problem_ = broken_invariant(plan_, live);
    if (!problem_) problem_ = first_difference(expected, encode_state(plan_, state_));
    if (!problem_) problem_ = first_difference(describe(plan_, pending(live)), describe(plan_, pending(state_)));
    if (!problem_) return std::nullopt;
  }
  return "after the tick " + last_.substr(0, 4096) + "\n" + *problem_;
}

std::string describe(const Plan& plan, const std::vector<Command>& pending) {
  std::string out;
  for (const auto& command : pending) out += to_json(written(plan, command)) + "\n";
  return out;
}

std::optional<std::string> first_difference(const std::string& expected, const std::string& got) {
  if (expected == got) return std::nullopt;
  const auto [a, b] = std::mismatch(expected.begin(), expected.end(), got.begin(), got.end());
  const auto at = static_cast<std::size_t>(a - expected.begin());
  return "differs at byte " + std::to_string(at) + "\n  live:   " + part(expected, at) + "\n  replay: " + part(got, at);
}

}  // namespace weir::engine
