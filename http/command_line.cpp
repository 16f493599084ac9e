// The options of WorkflowServer::main.
#include <weir/server.hpp>

#include "durations.hpp"

#include <CLI/CLI.hpp>

#include <stdexcept>

namespace weir::detail {

/// False when the program should end with `exit_code`: help was asked for, or an option was wrong.
bool parse_command_line(ServerOptions& options, int argc, char** argv, int& exit_code) {
  CLI::App app{"A workflow server."};
  double heartbeat = options.heartbeat ? static_cast<double>(options.heartbeat->count()) / 1000 : 0;
  app.add_option("--host", options.host, "Address to listen on")->capture_default_str();
  app.add_option("--port", options.port, "Port to listen on; 0 picks a free one")->capture_default_str();
  app.add_option("--heartbeat", heartbeat, "Seconds between comments on idle event streams; 0 for none")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--default-cursor", options.default_cursor, "Where a stream without a cursor begins")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "now", "start"}));
  app.add_flag("--accept-context-api", options.accept_context_api, "Let requests bring a context to start from");
  auto read_timeout = options.read_timeout.count();
  app.add_option("--read-timeout", read_timeout, "Seconds a client may take to send a request, or to begin the next one")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--body-max", options.body_bytes_max, "Bytes a request body may have")->capture_default_str();
  app.add_option("--connections-max", options.connections_max, "Connections served at once; more wait")->capture_default_str();
  std::string store = "memory";
  app.add_option("--store", store, "Where runs are kept: memory, or sqlite:PATH for a file that outlives the process")
      ->capture_default_str();
  // What the program has chosen stays, unless the command line says otherwise.
  std::string sync = "full", durability = options.runtime.durability == Durability::strict ? "strict" : "pipelined", idle_timeout;
  std::vector<std::string> retain;
  app.add_option("--sync", sync,
                 "With a file: full survives a power cut; normal survives a crash of the program, and is faster where commits are few")
      ->capture_default_str()
      ->check(CLI::IsMember({"full", "normal"}));
  app.add_option("--durability", durability,
                 "With a file: strict starts a step when what led to it is on disk; pipelined at once, and shows nothing before it is")
      ->capture_default_str()
      ->check(CLI::IsMember({"strict", "pipelined"}));
  app.add_option("--idle-timeout", idle_timeout, "With a file: how long a run only waits before it leaves memory, or never")
      ->default_str(options.runtime.idle_timeout ? std::to_string(options.runtime.idle_timeout->count() / 1000) + "ms" : "never");
  app.add_option(
      "--retain", retain,
      "How long handlers are kept after their end, like 7d, or completed=1d for those that ended so; repeatable. Without it, for ever");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error);
    return false;
  }
  if (!retain.empty()) options.runtime.retention = http::parse_retention(retain);
  options.runtime.durability = durability == "strict" ? Durability::strict : Durability::pipelined;
  const auto parsed_idle_timeout = http::parse_duration(idle_timeout);
  if (parsed_idle_timeout || idle_timeout == "never") options.runtime.idle_timeout = parsed_idle_timeout;
  else if (!idle_timeout.empty())
    throw std::invalid_argument("--idle-timeout must be a time like 60s or 5m, or never, got '" + idle_timeout + "'");
  constexpr std::string_view sqlite_prefix = "sqlite:";
  if (store.starts_with(sqlite_prefix))
    options.store = sqlite(store.substr(sqlite_prefix.size()), {.sync = sync == "full" ? SqliteSync::full : SqliteSync::normal});
  else if (store != "memory") throw std::invalid_argument("--store must be memory or sqlite:PATH, got '" + store + "'");
  options.read_timeout = std::chrono::seconds(read_timeout);
  options.heartbeat.reset();
  if (heartbeat > 0) options.heartbeat = std::chrono::milliseconds(static_cast<long long>(heartbeat * 1000));
  return true;
}

}  // namespace weir::detail
