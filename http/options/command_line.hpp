// The settings as options of a command line. Includes CLI11.
#pragma once

#include "settings.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace weir::http {

/// What add_settings() fills while the line is parsed.
struct ParsedSettings {
  Values flags;
  std::string config_file;
  bool print_config = false;
};

/// Adds --config, --print-config and a flag for every setting; defaults are those of `draft`.
std::shared_ptr<ParsedSettings> add_settings(CLI::App& app, const Draft& draft);

}  // namespace weir::http
