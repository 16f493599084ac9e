// What the verbs that talk to a server have in common.
#pragma once

#include "output.hpp"
#include "verbs.hpp"

#include <weir/client.hpp>

#include <CLI/CLI.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace weir::cli {

struct Remote {
  std::string server = "http://127.0.0.1:8080";
  std::string api_key, api_key_file, ca_file;
  bool insecure = false, json = false, plain = false;

  Client client() const;
  Output output() const;
};

/// A server said no, or nothing.
struct RemoteError : std::runtime_error {
  RemoteError(const Error& error);
  int exit_code;
};

/// Throws RemoteError.
template <class T>
T value_of(Expected<T> answer) {
  if (!answer) throw RemoteError(answer.error());
  return std::move(*answer);
}

/// A verb with the options of Remote; `action` runs after parsing and its RemoteErrors become exit codes.
CLI::App* add_remote_verb(CLI::App& app, Chosen& chosen, const std::string& name, const std::string& description,
                          const std::shared_ptr<Remote>& remote, std::function<int()> action);

/// The member of that name; empty when there is none, or it is no text.
std::string text_of(const Value& object, std::string_view key);

/// run_failed unless the run completed.
int exit_code_of(const RemoteHandler& handler);

Value to_json_value(const RemoteHandler& handler);
Value to_json_value(const RemoteEvent& event);

}  // namespace weir::cli
