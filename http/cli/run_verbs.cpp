// run, start, watch, send, ask: verbs that begin a run, follow it and talk to it.
#include "fields.hpp"
#include "live_view.hpp"
#include "prompt.hpp"

#include <weir/printable.hpp>

#include <unistd.h>
#include <csignal>
#include <cstring>
#include <iostream>

namespace weir::cli {
namespace {

struct RunArguments {
  std::string workflow, handler_id, idempotency_key;
  std::vector<std::string> fields;
  bool quiet = false;
};

/// Says how to go on with a run that this program no longer follows, and ends it.
class LeaveOnInterrupt {
public:
  explicit LeaveOnInterrupt(const std::string& id) {
    const auto handler_id = printable(shell_word(id));
    const auto text = "\nweir: the run goes on; `weir watch " + handler_id + "` shows it again, `weir cancel " + handler_id + "` ends it\n";
    std::strncpy(message_, text.c_str(), sizeof message_ - 1);
    previous_ = std::signal(SIGINT, &leave);
  }
  ~LeaveOnInterrupt() { std::signal(SIGINT, previous_); }

private:
  static void leave(int) {
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, message_, std::strlen(message_));
    ::_exit(exit_code::interrupted);
  }
  inline static char message_[512];
  void (*previous_)(int);
};

struct Following {
  Output output;
  bool quiet = false;  ///< show only how it ended
  bool ask = false;    ///< answer what it asks, with the person at the terminal
  StreamOptions from = {};
};

/// Shows what happens until the run is over.
int follow(const Client& client, const RemoteHandler& handler, const Following& how) {
  const LeaveOnInterrupt leaving(handler.handler_id);
  const auto& [output, quiet, ask, from] = how;
  const bool person = ask && output == Output::terminal && ::isatty(STDIN_FILENO);
  LiveView view(output);
  OpenPrompt prompt;
  auto options = from;
  options.include_internal = person || (view.wants_internal() && !quiet);
  auto stream = client.events(handler.handler_id, options);
  while (true) {
    if (person && prompt.waits(stream)) {
      view.clear();
      answer_prompt(client, handler.handler_id, prompt.take(), {.type = {}, .step = {}, .is_shown = !quiet});
    }
    const auto event = stream.next();
    if (!event) break;
    if (!quiet) view.show(*event);
    prompt.see(*event);
    if (output != Output::json && !person && event->is("InputRequiredEvent"))
      std::cerr << "weir: waits for an answer: `weir ask " << printable(shell_word(handler.handler_id)) << "`\n";
  }
  if (const auto error = stream.error()) throw RemoteError(*error);
  const auto ended = value_of(client.handler(handler.handler_id).get());
  view.show(ended);
  return exit_code_of(ended);
}

RemoteHandler start(const Client& client, const RunArguments& given) {
  const auto schema = value_of(client.schema(given.workflow).get());
  return value_of(client
                      .start(given.workflow, parse_fields(given.fields, schema.start),
                             {.handler_id = given.handler_id, .idempotency_key = given.idempotency_key})
                      .get());
}

void add_start_arguments(CLI::App& verb, RunArguments& into) {
  verb.add_option("WORKFLOW", into.workflow, "Its name: `weir workflows` lists them")->required();
  verb.add_option("FIELDS", into.fields,
                  "The start event's fields: key=value, key:=JSON, one JSON object, or - to read one from standard input");
  verb.add_option("--handler-id", into.handler_id, "Continue, or choose, the handler of that id")->type_name("ID");
  verb.add_option("--idempotency-key", into.idempotency_key, "Sending it again with the same key starts nothing new")->type_name("KEY");
}

void add_run_and_start(CLI::App& app, Chosen& chosen) {
  // Each verb has its own: what is not given to one is read from the environment.
  const auto remote = std::make_shared<Remote>();
  const auto given = std::make_shared<RunArguments>();
  auto* run = add_remote_verb(app, chosen, "run", "Starts a workflow and shows what happens until it is over", remote, [remote, given] {
    const auto client = remote->client();
    const auto handler = start(client, *given);
    if (remote->output() == Output::terminal) std::cerr << "handler " << printable(handler.handler_id) << '\n';
    return follow(client, handler, {.output = remote->output(), .quiet = given->quiet, .ask = true});
  });
  add_start_arguments(*run, *given);
  run->add_flag("-q,--quiet", given->quiet, "Show only how it ended");

  const auto other = std::make_shared<Remote>();
  const auto begun = std::make_shared<RunArguments>();
  auto* begin = add_remote_verb(app, chosen, "start", "Starts a workflow and prints its handler's id", other, [other, begun] {
    const auto handler = start(other->client(), *begun);
    print_line(other->json ? to_json(to_json_value(handler)) : handler.handler_id);
    return exit_code::done;
  });
  add_start_arguments(*begin, *begun);
}

void add_watch(CLI::App& app, Chosen& chosen) {
  const auto remote = std::make_shared<Remote>();
  const auto id = std::make_shared<std::string>();
  const auto options = std::make_shared<StreamOptions>();
  auto* watch = add_remote_verb(
      app, chosen, "watch", "Shows the events of a run, from its first on, until it is over", remote, [remote, id, options] {
        const auto client = remote->client();
        return follow(client, value_of(client.handler(*id).get()), {.output = remote->output(), .from = *options});
      });
  watch->add_option("ID", *id, "The handler's id")->required();
  watch->add_option("--after", options->after, "Begin after the event of this sequence")->type_name("N");
  watch->add_flag("--new", options->only_new, "Only what happens from now on");
}

void add_send(CLI::App& app, Chosen& chosen) {
  struct Arguments {
    std::string id, type, step;
    std::vector<std::string> fields;
    bool strict = false;
  };
  const auto remote = std::make_shared<Remote>();
  const auto given = std::make_shared<Arguments>();
  auto* send = add_remote_verb(app, chosen, "send", "Sends an event to a run", remote, [remote, given] {
    const auto client = remote->client();
    const auto handler = value_of(client.handler(given->id).get());
    Value schema;
    for (auto& known : value_of(client.event_schemas(handler.workflow_name).get()))
      if (const auto* title = known.find("title"); title && *title == Value(given->type)) schema = known;
    const RemoteSend options{.step = given->step, .strict = given->strict};
    const bool taken = value_of(client.send_event(given->id, given->type, parse_fields(given->fields, schema), options).get());
    if (remote->json) print_line(taken ? R"({"status":"sent"})" : R"({"status":"sent","unhandled":true})");
    else print_line(taken ? "sent" : "sent, but nothing in the run has taken it");
    return exit_code::done;
  });
  send->add_option("ID", given->id, "The handler's id")->required();
  send->add_option("TYPE", given->type, "The event's type")->required();
  send->add_option("FIELDS", given->fields, "Its fields: key=value, key:=JSON, one JSON object, or - for standard input");
  send->add_option("--step", given->step, "Only for the step of this name")->type_name("NAME");
  send->add_flag("--strict", given->strict, "Refuse the event when nothing in the run takes it now");
}

void add_ask(CLI::App& app, Chosen& chosen) {
  const auto remote = std::make_shared<Remote>();
  const auto id = std::make_shared<std::string>();
  const auto answer = std::make_shared<Answer>();
  auto* ask = add_remote_verb(app, chosen, "ask", "Answers a run that waits for a person, asking for each field of the answer", remote,
                              [remote, id, answer] {
                                const auto client = remote->client();
                                const auto handler = value_of(client.handler(*id).get());
                                const auto sent = answer_prompt(client, handler.handler_id, find_prompt(client, *id), *answer);
                                if (remote->json) print_line(to_json(to_json_value(sent)));
                                else print_line("sent " + sent.type + " " + to_json(sent.value));
                                return exit_code::done;
                              });
  ask->add_option("ID", *id, "The handler's id")->required();
  ask->add_option("FIELDS", answer->fields, "Fields that need not be asked for: key=value");
  ask->add_option("--type", answer->type, "The event that answers, where a workflow takes several")->type_name("TYPE");
  ask->add_option("--step", answer->step, "Only for the step of this name")->type_name("NAME");
}

}  // namespace

void add_run_verbs(CLI::App& app, Chosen& chosen) {
  add_run_and_start(app, chosen);
  add_watch(app, chosen);
  add_send(app, chosen);
  add_ask(app, chosen);
}

}  // namespace weir::cli
