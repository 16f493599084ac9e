// How a workflow's runs went: GET /workflows?detail=true, GET /workflows/NAME/stats.
#include "http/answers/app.hpp"
#include "http/answers/background.hpp"
#include "http/answers/packing.hpp"
#include "http/answers/translate.hpp"
#include "row_reader.hpp"

#include <algorithm>
#include <limits>
#include <map>

namespace weir::http {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t runs_looked_at = 100;
constexpr std::size_t runs_shown = 30;
constexpr std::size_t events_looked_at = 50000;  ///< of all runs together, for the steps' statistics

double in_milliseconds(Duration duration) { return static_cast<double>(duration.count()) / 1000; }

/// Of sorted durations.
Value quantile(const std::vector<Duration>& sorted, double part) {
  if (sorted.empty()) return {};
  return in_milliseconds(sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1) + 0.5)]);
}

/// What is kept of a run that is over: its result may be large.
struct Ended {
  std::string handler_id, run_id;
  HandlerStatus status;
  Time started_at;
  Duration took;
};

/// The newest runs that ended so, the newest first.
std::vector<Ended> newest(const Store& store, const std::string& workflow, std::vector<HandlerStatus> statuses,
                          const Cancellation& cancellation) {
  HandlerQuery query{.filter = {.workflow_names = std::vector{workflow}, .statuses = std::move(statuses)},
                     .with_total = false,
                     .cancellation = cancellation};
  std::vector<Ended> out;
  Stride stride;
  do {
    query.limit = std::min(runs_looked_at - out.size(), stride.rows());
    const auto page = store.find_handlers(query);
    std::size_t bytes = 0;
    for (const auto& row : page.rows) {
      bytes += row.result.size() + row.error.size();
      if (row.completed_at) out.push_back({row.handler_id, row.run_id, row.status, row.started_at, *row.completed_at - row.started_at});
    }
    stride.saw(page.rows.size(), bytes);
    query.cursor = page.next;
  } while (!query.cursor.empty() && out.size() < runs_looked_at && !cancellation.over());
  return out;
}

void add_durations(Object& out, const std::vector<Ended>& completed) {
  std::vector<Duration> durations;
  for (const auto& run : completed) durations.push_back(run.took);
  Value::Array recent;
  for (std::size_t i = std::min(runs_shown, durations.size()); i > 0; --i) recent.emplace_back(in_milliseconds(durations[i - 1]));
  std::sort(durations.begin(), durations.end());
  out.set("p50_ms", quantile(durations, 0.5));
  out.set("p95_ms", quantile(durations, 0.95));
  out.set("recent_ms", std::move(recent));
}

std::string workflows_detail(const runtime::Service& service, const Cancellation& cancellation) {
  const auto& store = service.store();
  std::map<std::string, std::map<std::string, std::int64_t>> counts;
  for (const auto& entry : store.count_handlers(cancellation)) {
    counts[entry.workflow_name][std::string(to_string(entry.status))] += static_cast<std::int64_t>(entry.count);
    if (entry.awaits_event && entry.status == HandlerStatus::running)
      counts[entry.workflow_name]["waiting"] += static_cast<std::int64_t>(entry.count);
    if (entry.quarantined) counts[entry.workflow_name]["quarantined"] += static_cast<std::int64_t>(entry.count);
  }
  Value::Array names, details;
  for (const auto& name : service.workflow_names()) {
    names.emplace_back(name);
    const auto workflow = service.find_workflow(name);
    if (!workflow) continue;
    Object detail{{"name", name}, {"version", workflow->version}};
    const auto graph = parse_json(workflow->representation_json);
    const auto* description = graph ? graph->find("graph")->find("description") : nullptr;
    detail.set("description", description ? *description : Value());
    for (const auto* state : {"running", "waiting", "quarantined", "completed", "failed", "cancelled"})
      detail.set(state, counts[name][state]);
    add_durations(detail, newest(store, name, {HandlerStatus::completed}, cancellation));
    const auto last = store.find_handlers({.filter = {.workflow_names = std::vector{name}, .statuses = std::nullopt},
                                           .limit = 1,
                                           .with_total = false,
                                           .cancellation = cancellation});
    detail.set("last_started_at", last.rows.empty() ? Value() : Value(timestamp(last.rows[0].started_at)));
    details.emplace_back(std::move(detail));
  }
  return to_json(Value(Object{{"workflows", std::move(names)}, {"details", std::move(details)}}));
}

/// What the executions of one step have come to. An attempt that gave its worker back to wait counts up to there.
struct StepFigures {
  std::int64_t failed = 0, retried = 0;
  std::vector<Duration> took, queued;
};

class StepStatistics {
public:
  explicit StepStatistics(const Cancellation& cancellation) : cancellation_(cancellation) {}

  void add_run(const Store& store, const Ended& run) {
    began_.clear();
    waiting_.clear();
    EventReader reader(store, run.run_id, -1, std::numeric_limits<std::int64_t>::max());
    while (!reader.done() && !enough()) {
      const auto events = reader.next();
      for (const auto& event : events) add(event);
      events_ += events.size();
    }
    ++runs_;
  }
  bool enough() const { return events_ >= events_looked_at || cancellation_.over(); }

  Object result() && {
    Value::Array steps;
    for (auto& [name, step] : steps_) {
      std::sort(step.took.begin(), step.took.end());
      std::sort(step.queued.begin(), step.queued.end());
      steps.emplace_back(Object{{"step", name},
                                {"count", static_cast<std::int64_t>(step.took.size())},
                                {"failed", step.failed},
                                {"retried", step.retried},
                                {"p50_ms", quantile(step.took, 0.5)},
                                {"p95_ms", quantile(step.took, 0.95)},
                                {"max_ms", quantile(step.took, 1)},
                                {"queued_p50_ms", quantile(step.queued, 0.5)},
                                {"queued_p95_ms", quantile(step.queued, 0.95)}});
    }
    return {{"runs", static_cast<std::int64_t>(runs_)}, {"events", static_cast<std::int64_t>(events_)}, {"steps", std::move(steps)}};
  }

private:
  void add(const EventRow& row) {
    if (!row.internal || row.span == 0 || row.payload->json().find("\"StepStateChanged\"") == std::string_view::npos) return;
    const auto event = parse_json(row.payload->json());
    const auto* value = event ? event->find("value") : nullptr;
    const auto text = [&](const char* key) {
      const auto* field = value ? value->find(key) : nullptr;
      return field && field->is_string() ? field->as_string() : std::string();
    };
    const auto name = text("name"), state = text("step_state");
    const auto trace = row.trace ? parse_json(*row.trace) : Expected<Value>(Value());
    const auto traced = [&](const char* key) { return trace ? trace->find(key) : nullptr; };
    if (state == "preparing") waiting_[row.span] = row.at;
    else if (state == "running") begin(steps_[name], row, traced("attempt"));
    else if (state == "not_running") end(steps_[name], row, traced("error"));
  }

  void begin(StepFigures& step, const EventRow& row, const Value* attempt) {
    began_[row.span] = row.at;
    if (attempt && attempt->is_integer() && attempt->as_integer() > 1) ++step.retried;
    const auto waiting = waiting_.extract(row.span);
    if (waiting) step.queued.push_back(row.at - waiting.mapped());
  }

  void end(StepFigures& step, const EventRow& row, const Value* error) {
    const auto began = began_.extract(row.span);
    if (!began) return;
    step.took.push_back(row.at - began.mapped());
    if (error && !error->is_null()) ++step.failed;
  }

  std::map<std::string, StepFigures> steps_;
  std::map<std::int64_t, Time> began_, waiting_;  ///< in this run, by span: at work since, and for a worker since
  std::size_t runs_ = 0, events_ = 0;
  Cancellation cancellation_;
};

Value::Array runs_json(const std::vector<Ended>& runs) {
  Value::Array out;
  for (std::size_t i = 0; i < std::min(runs_shown, runs.size()); ++i)
    out.emplace_back(Object{{"handler_id", runs[i].handler_id},
                            {"status", std::string(to_string(runs[i].status))},
                            {"started_at", timestamp(runs[i].started_at)},
                            {"duration_ms", in_milliseconds(runs[i].took)}});
  return out;
}

std::string workflow_statistics(const Store& store, const std::string& workflow, const Cancellation& cancellation) {
  const auto runs = newest(store, workflow, {HandlerStatus::completed, HandlerStatus::failed, HandlerStatus::cancelled}, cancellation);
  StepStatistics steps(cancellation);
  for (const auto& run : runs) {
    if (steps.enough()) break;
    steps.add_run(store, run);
  }
  auto out = std::move(steps).result();
  out.set("workflow_name", workflow);
  out.set("recent", runs_json(runs));
  return to_json(Value(std::move(out)));
}

void answer(const Call& call, std::string body) { call.respond(packed(json(std::move(body)), *call.exchange)); }

Cancellation cancellation_of(const Call& call) { return Cancellation::for_at_most(budget::statistics_time_max, call.gone.get_token()); }

}  // namespace

void get_workflows_detail(const Call& call) {
  off_the_loop(call, Work::search, [](const Call& taken) { answer(taken, workflows_detail(taken.app.service, cancellation_of(taken))); });
}

void get_workflow_statistics(const Call& call) {
  if (!call.app.service.find_workflow(call.names[0])) return call.respond(problem(404, "Workflow not found"));
  off_the_loop(call, Work::search, [](const Call& taken) {
    answer(taken, workflow_statistics(taken.app.service.store(), taken.names[0], cancellation_of(taken)));
  });
}

}  // namespace weir::http
