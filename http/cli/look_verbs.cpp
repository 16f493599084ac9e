// workflows, list, show, cancel: what is there, and ending it.
#include "remote.hpp"

#include <weir/printable.hpp>

#include <algorithm>
#include <iostream>

namespace weir::cli {
namespace {

/// Rows with columns as wide as they must be; tabs between them where a program may read it.
void print_table(std::vector<std::vector<std::string>> rows, Output output) {
  for (auto& row : rows)
    for (auto& cell : row) cell = printable(cell);
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size()) widths.push_back(0);
      widths[i] = std::max(widths[i], row[i].size());
    }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::cout << row[i];
      if (i + 1 == row.size()) break;
      if (output == Output::plain) std::cout << '\t';
      else std::cout << std::string(widths[i] - row[i].size() + 2, ' ');
    }
    std::cout << '\n';
  }
}

/// To the second, without the zone that is always UTC.
std::string short_time(const std::string& timestamp) {
  auto out = timestamp.substr(0, 19);
  std::replace(out.begin(), out.end(), 'T', ' ');
  return out;
}

/// What people see: those that are quarantined are running as far as the protocol is concerned.
std::string shown_status(const RemoteHandler& handler) {
  return std::string(to_string(handler.status)) + (handler.quarantined ? " (quarantined)" : "");
}

void add_workflows(CLI::App& app, Chosen& chosen) {
  const auto remote = std::make_shared<Remote>();
  add_remote_verb(app, chosen, "workflows", "Lists the workflows of a server", remote, [remote] {
    const auto names = value_of(remote->client().workflows().get());
    if (remote->json) {
      Value::Array all;
      for (const auto& name : names) all.emplace_back(name);
      print_line(to_json(std::move(all)));
    } else {
      for (const auto& name : names) print_line(name);
    }
    return exit_code::done;
  });
}

struct ListArguments {
  std::vector<std::string> statuses, workflows;
  std::int64_t limit = 0;
};

int list(const Remote& remote, const ListArguments& given) {
  RemoteFilter filter{.statuses = {}, .workflow_names = given.workflows};
  for (const auto& status : given.statuses) filter.statuses.push_back(*parse_handler_status(status));
  auto handlers = value_of(remote.client().handlers(filter).get());
  if (given.limit > 0 && std::ssize(handlers) > given.limit) handlers.erase(handlers.begin(), handlers.end() - given.limit);
  const auto output = remote.output();
  if (output == Output::json) {
    for (const auto& handler : handlers) print_line(to_json(to_json_value(handler)));
    return exit_code::done;
  }
  std::vector<std::vector<std::string>> rows;
  if (output == Output::terminal) rows.push_back({"HANDLER", "WORKFLOW", "STATUS", "STARTED", "ERROR"});
  for (const auto& handler : handlers)
    rows.push_back({handler.handler_id, handler.workflow_name, shown_status(handler), short_time(handler.started_at), handler.error});
  print_table(std::move(rows), output);
  return exit_code::done;
}

void add_list(CLI::App& app, Chosen& chosen) {
  const auto remote = std::make_shared<Remote>();
  const auto given = std::make_shared<ListArguments>();
  auto* verb =
      add_remote_verb(app, chosen, "list", "Lists handlers, the oldest first", remote, [remote, given] { return list(*remote, *given); });
  verb->add_option("--status", given->statuses, "Only those with this status; repeatable")
      ->check(CLI::IsMember({"running", "completed", "failed", "cancelled"}))
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb->add_option("--workflow", given->workflows, "Only those of this workflow; repeatable")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("NAME");
  verb->add_option("--limit", given->limit, "Only the last so many")->check(CLI::PositiveNumber)->type_name("N");
}

/// The events that nobody took.
void add_unhandled(std::vector<std::vector<std::string>>& rows, const RemoteHandler& handler) {
  if (handler.unhandled_count == 0) return;
  rows.push_back({"unhandled", std::to_string(handler.unhandled_count) + (handler.unhandled_count == 1 ? " event" : " events") +
                                   " that no step, wait or mailbox took"});
  for (const auto& event : handler.unhandled)
    rows.push_back({"", short_time(event.at) + " " + event.type + " " + (event.value.is_null() ? "..." : to_json(event.value)) +
                            (event.step.empty() ? "" : " for step '" + event.step + "'")});
  const auto left = handler.unhandled_count - static_cast<std::int64_t>(handler.unhandled.size());
  if (left > 0) rows.push_back({"", "and " + std::to_string(left) + " before"});
}

void add_waits(std::vector<std::vector<std::string>>& rows, const RemoteHandler& handler) {
  for (const auto& wait : handler.waiting_for)
    rows.push_back({"waits", "for " + wait.type + " (step '" + wait.step + "')" +
                                 (wait.requirements.empty() ? "" : " with " + to_json(Value(wait.requirements)))});
}

void add_show(CLI::App& app, Chosen& chosen) {
  const auto remote = std::make_shared<Remote>();
  const auto id = std::make_shared<std::string>();
  auto* verb = add_remote_verb(app, chosen, "show", "Shows a handler: its status, result or error, and times", remote, [remote, id] {
    const auto handler = value_of(remote->client().handler_detail(*id).get());
    if (remote->json) {
      print_line(to_json(to_json_value(handler)));
      return exit_code::done;
    }
    std::vector<std::vector<std::string>> rows{
        {"handler", handler.handler_id}, {"workflow", handler.workflow_name}, {"run", handler.run_id}, {"status", shown_status(handler)}};
    if (handler.quarantined)
      rows.push_back({"why", "the server died three times in a row while the run was at work: `weir resume " +
                                 shell_word(handler.handler_id) + "` goes on with it, `weir cancel " + shell_word(handler.handler_id) +
                                 "` ends it"});
    if (!handler.budgets_exceeded.empty()) rows.push_back({"beyond", handler.budgets_exceeded});
    if (!handler.error.empty()) rows.push_back({"error", handler.error});
    if (handler.result) rows.push_back({"result", handler.result->type + " " + to_json(handler.result->value)});
    rows.push_back({"started", handler.started_at});
    rows.push_back({"updated", handler.updated_at});
    if (!handler.completed_at.empty()) rows.push_back({"ended", handler.completed_at});
    add_waits(rows, handler);
    add_unhandled(rows, handler);
    print_table(std::move(rows), remote->output());
    return exit_code::done;
  });
  verb->add_option("ID", *id, "The handler's id")->required();
}

void add_resume(CLI::App& app, Chosen& chosen) {
  const auto remote = std::make_shared<Remote>();
  const auto id = std::make_shared<std::string>();
  auto* verb = add_remote_verb(app, chosen, "resume", "Goes on with a run that was quarantined, because the server died with it", remote,
                               [remote, id] {
                                 const auto handler = value_of(remote->client().resume(*id).get());
                                 print_line(remote->json ? to_json(to_json_value(handler)) : "resumed");
                                 return exit_code::done;
                               });
  verb->add_option("ID", *id, "The handler's id")->required();
}

void add_cancel(CLI::App& app, Chosen& chosen) {
  const auto remote = std::make_shared<Remote>();
  const auto id = std::make_shared<std::string>();
  const auto purge = std::make_shared<bool>(false);
  auto* verb = add_remote_verb(app, chosen, "cancel", "Ends a run", remote, [remote, id, purge] {
    const auto status = value_of(remote->client().cancel(*id, *purge).get());
    print_line(remote->json ? to_json(Object{{"status", status}}) : status);
    return exit_code::done;
  });
  verb->add_option("ID", *id, "The handler's id")->required();
  verb->add_flag("--purge", *purge, "Also delete everything that is stored of the handler");
}

}  // namespace

void add_look_verbs(CLI::App& app, Chosen& chosen) {
  add_workflows(app, chosen);
  add_list(app, chosen);
  add_show(app, chosen);
  add_resume(app, chosen);
  add_cancel(app, chosen);
}

}  // namespace weir::cli
