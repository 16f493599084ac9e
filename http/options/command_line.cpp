// The options of WorkflowServer::main, and of `weir serve`.
#include "command_line.hpp"

#include "main_options.hpp"

#include <cstdio>

namespace weir {

std::shared_ptr<http::ParsedSettings> http::add_settings(CLI::App& app, const Draft& draft) {
  auto parsed = std::make_shared<ParsedSettings>();
  app.add_option("--config", parsed->config_file, "A file with lines like `port = 8080`; flags and the environment win over it")
      ->type_name("FILE");
  app.add_flag("--print-config", parsed->print_config, "Print every setting and where it came from, and end");
  for (const auto& setting : settings()) {
    const auto flag = "--" + std::string(setting.name);
    const auto description = std::string(setting.description) + " [" + environment_variable(setting) + "]";
    const auto keep = [parsed, name = std::string(setting.name)](const CLI::results_t& values) {
      parsed->flags[name] = values;
      return true;
    };
    if (setting.placeholder.empty()) {
      app.add_flag(
          flag, [keep](std::int64_t) { keep({"true"}); }, description);
      continue;
    }
    auto* option = app.add_option(flag, keep, description)->type_name(std::string(setting.placeholder));
    option->default_str(setting.shown(draft));
    if (!setting.repeatable) option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  return parsed;
}

bool detail::parse_main_options(ServerOptions& options, int argc, char** argv, int& exit_code) {
  CLI::App app{"A workflow server."};
  http::Configuration configuration{.draft = {.options = options}};
  const auto parsed = http::add_settings(app, configuration.draft);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 2;
    return false;
  }
  http::configure(configuration, parsed->flags, parsed->config_file);
  if (parsed->print_config) {
    std::fputs(http::printed(configuration).c_str(), stdout);
    return false;
  }
  options = http::finished(configuration);
  return true;
}

}  // namespace weir
