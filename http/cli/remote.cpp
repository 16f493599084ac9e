#include "remote.hpp"

#include "http/access/key_file.hpp"

#include <weir/printable.hpp>

#include <cstdlib>
#include <iostream>

namespace weir::cli {

namespace {

/// Other users see the words of a command.
void warn_of_shown_key() {
  std::cerr << "weir: the key of --api-key can be seen by other users of this machine: use --api-key-file, or WEIR_API_KEY\n";
}

/// The first of the file; a file that was named wins over a key from the environment.
std::string key_of(const Remote& remote) {
  const char* named = std::getenv("WEIR_API_KEY_FILE");
  if (remote.api_key_file.empty() && (!remote.api_key.empty() || !named || !*named)) return remote.api_key;
  const auto file = remote.api_key_file.empty() ? std::string(named) : remote.api_key_file;
  try {
    return http::read_key_file(file).front();
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error((remote.api_key_file.empty() ? "WEIR_API_KEY_FILE " : "--api-key-file ") + std::string(error.what()));
  }
}

}  // namespace

Client Remote::client() const { return Client({.url = server, .api_key = key_of(*this), .ca_file = ca_file, .verify_tls = !insecure}); }

Output Remote::output() const {
  if (json) return Output::json;
  return plain || !at_terminal() ? Output::plain : Output::terminal;
}

namespace {

int exit_code_of_error(Code code) {
  switch (code) {
    case Code::unavailable:
    case Code::deadline_exceeded: return exit_code::unreachable;
    case Code::not_found: return exit_code::not_found;
    case Code::cancelled: return exit_code::interrupted;
    default: return exit_code::refused;
  }
}

}  // namespace

RemoteError::RemoteError(const Error& error) : std::runtime_error(error.message), exit_code(exit_code_of_error(error.code)) {}

CLI::App* add_remote_verb(CLI::App& app, Chosen& chosen, const std::string& name, const std::string& description,
                          const std::shared_ptr<Remote>& remote, std::function<int()> action) {
  auto* verb = app.add_subcommand(name, description);
  verb->add_option("-s,--server", remote->server, "The server's URL")->envname("WEIR_SERVER")->capture_default_str()->type_name("URL");
  verb->add_option("--api-key", remote->api_key, "The key that the server wants")->envname("WEIR_API_KEY")->type_name("KEY");
  verb->add_option("--api-key-file", remote->api_key_file, "A file with the key, that only its owner can read [WEIR_API_KEY_FILE]")
      ->type_name("FILE");
  verb->add_option("--ca-file", remote->ca_file, "Authorities to trust instead of the system's, as PEM")->type_name("FILE");
  verb->add_flag("--insecure", remote->insecure, "Do not verify the server's certificate");
  verb->add_flag("--json", remote->json, "For programs: JSON, one value a line");
  verb->add_flag("--plain", remote->plain, "Plain lines, as in a pipe, on a terminal too");
  verb->callback([&chosen, verb, action = std::move(action)] {
    const char* variable = std::getenv("WEIR_API_KEY");
    const auto& keys = verb->get_option("--api-key")->results();
    const bool key_shown = !keys.empty() && (!variable || keys.back() != variable);
    chosen = [action, key_shown] {
      if (key_shown) warn_of_shown_key();
      try {
        return action();
      } catch (const RemoteError& error) {
        std::cerr << "weir: " << printable(error.what()) << '\n';
        return error.exit_code;
      }
    };
  });
  return verb;
}

int exit_code_of(const RemoteHandler& handler) {
  return handler.status == HandlerStatus::completed ? exit_code::done : exit_code::run_failed;
}

namespace {

Value text_or_null(const std::string& text) { return text.empty() ? Value() : Value(text); }

}  // namespace

Value to_json_value(const RemoteEvent& event) {
  Value::Array types;
  for (const auto& name : event.types) types.emplace_back(name);
  Object out{{"type", event.type},
             {"value", event.value},
             {"types", types.empty() ? Value() : Value(std::move(types))},
             {"qualified_name", text_or_null(event.qualified_name)}};
  if (event.sequence >= 0) out.set("sequence", event.sequence);
  return out;
}

std::string text_of(const Value& object, std::string_view key) {
  const auto* found = object.find(key);
  return found && found->is_string() ? found->as_string() : std::string();
}

Value to_json_value(const RemoteHandler& handler) {
  Object out{{"handler_id", handler.handler_id},
             {"workflow_name", handler.workflow_name},
             {"run_id", text_or_null(handler.run_id)},
             {"status", to_string(handler.status)},
             {"error", text_or_null(handler.error)},
             {"result", handler.result ? to_json_value(*handler.result) : Value()},
             {"started_at", text_or_null(handler.started_at)},
             {"updated_at", text_or_null(handler.updated_at)},
             {"completed_at", text_or_null(handler.completed_at)}};
  if (handler.quarantined) out.set("quarantined", true);
  if (!handler.waiting_for.empty()) {
    Value::Array waits;
    for (const auto& wait : handler.waiting_for)
      waits.emplace_back(Object{{"event_type", wait.type}, {"step", wait.step}, {"requirements", wait.requirements}});
    out.set("waiting_for", std::move(waits));
  }
  if (handler.unhandled_count > 0) {
    Value::Array newest;
    for (const auto& event : handler.unhandled)
      newest.emplace_back(Object{{"event_type", event.type},
                                 {"step", text_or_null(event.step)},
                                 {"value", event.value},
                                 {"at", event.at},
                                 {"sequence", event.sequence}});
    out.set("unhandled", Object{{"count", handler.unhandled_count}, {"newest", std::move(newest)}});
  }
  if (!handler.budgets_exceeded.empty()) out.set("budgets_exceeded", handler.budgets_exceeded);
  return out;
}

}  // namespace weir::cli
