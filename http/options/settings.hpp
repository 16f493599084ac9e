// The options of a server, each as a flag, an environment variable and a line of a configuration file. One table.
#pragma once

#include <weir/server.hpp>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::http {

/// ServerOptions while they are put together: what needs several settings is made at the end.
struct Draft {
  ServerOptions options;
  std::string store = "memory";
  SqliteSync sync = SqliteSync::full;
  std::string key_file = {};                ///< where file_keys came from
  std::vector<std::string> file_keys = {};  ///< beside those of the options
};

struct Setting {
  std::string_view name;         ///< "port": the flag --port, WEIR_PORT, and `port = 8080` in a file
  std::string_view placeholder;  ///< what kind of value it takes; empty: a switch
  std::string_view description;
  bool repeatable = false;
  std::string (*shown)(const Draft& draft);
  /// Throws std::invalid_argument: "must be ..., got '...'".
  void (*apply)(Draft& draft, const std::vector<std::string>& values);
};

std::span<const Setting> settings();
std::string environment_variable(const Setting& setting);

using Values = std::map<std::string, std::vector<std::string>, std::less<>>;  ///< by a setting's name

/// Where a setting's value came from, for messages and --print-config.
struct Configuration {
  Draft draft;
  std::map<std::string, std::string, std::less<>> sources = {};  ///< by name: "--port", "WEIR_PORT", "weir.toml"; absent: as it was
};

/// Applies, each over the one before: `configuration` as it is, the file that `config_file` or WEIR_CONFIG names, the
/// environment, `flags`. Throws std::invalid_argument naming the source, the value and what is allowed.
void configure(Configuration& configuration, const Values& flags, std::string config_file);
/// Opens the store that was chosen; call it once, when the program really serves.
ServerOptions finished(const Configuration& configuration);
/// As a configuration file, with where each value came from.
std::string printed(const Configuration& configuration);
/// A table in Markdown, for the documentation.
std::string settings_table();

}  // namespace weir::http
