// serve: workflows from C++ sources and shared libraries behind HTTP.
#include "verbs.hpp"

#include "compile.hpp"
#include "plugin.hpp"
#include "watch.hpp"

#include "http/options/command_line.hpp"
#include "http/options/main_options.hpp"

#include <algorithm>
#include <iostream>
#include <stdexcept>

namespace weir::cli {
namespace {

struct Arguments {
  std::vector<std::string> files, packages;
  std::string cxxflags;
  bool watch = false;
};

bool is_library(const std::string& file) { return file.ends_with(".so"); }

/// A file's library, compiled if need be, and what it was made of.
struct Loaded {
  Plugin plugin;
  Sources sources;
};

/// The file itself is looked at, too: it may be a link that is pointed elsewhere.
Loaded load(const std::string& file, const std::vector<std::string>& flags, bool watch) {
  const Source itself{file, file_state(file)};
  if (is_library(file)) return {Plugin(file, file, watch ? Plugin::Kind::may_change : Plugin::Kind::as_it_is), {itself}};
  auto compiled = compile(file, flags);
  compiled.sources.push_back(itself);
  return {Plugin(compiled.library, file, Plugin::Kind::own_build), std::move(compiled.sources)};
}

/// A main() sees the settings as if it had been started with them.
int run_program(const Plugin& program, const std::string& file, const http::ParsedSettings& settings) {
  std::vector<std::string> words{file};
  if (!settings.config_file.empty()) words.insert(words.end(), {"--config", settings.config_file});
  if (settings.print_config) words.emplace_back("--print-config");
  const auto is_switch = [](const std::string& name) {
    const auto all = http::settings();
    return std::any_of(all.begin(), all.end(), [&](const auto& setting) { return setting.name == name && setting.placeholder.empty(); });
  };
  for (const auto& [name, values] : settings.flags)
    for (const auto& value : values) {
      words.push_back("--" + name);
      if (!is_switch(name)) words.push_back(value);
    }
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  return program.run(static_cast<int>(words.size()), arguments.data());
}

constexpr const char* every_address = "0.0.0.0";

int serve(const Arguments& given, const http::ParsedSettings& settings) {
  detail::default_host() = every_address;
  http::Configuration configuration{.draft = {.options = {.host = every_address}}};
  http::configure(configuration, settings.flags, settings.config_file);
  if (settings.print_config) {
    std::cout << http::printed(configuration);
    return exit_code::done;
  }
  if (given.files.empty()) throw std::runtime_error("serve needs a FILE: a C++ source or a shared library. `weir serve --help` shows more");
  auto flags = flags_of_packages(given.packages);
  for (auto& flag : words_of(given.cxxflags)) flags.push_back(std::move(flag));
  std::vector<Loaded> loaded;
  for (const auto& file : given.files) loaded.push_back(load(file, flags, given.watch));
  for (const auto& [plugin, sources] : loaded) {
    if (!plugin.is_program()) continue;
    if (loaded.size() > 1)
      throw std::runtime_error(
          "a file with a main() is served alone: give the others' workflows to its server, or export all with WEIR_EXPORT");
    if (given.watch) return watch_program(given.files.front(), sources, flags);
    return run_program(plugin, given.files.front(), settings);
  }
  WorkflowServer server(http::finished(configuration));
  for (const auto& [plugin, sources] : loaded) plugin.add_workflows(server);
  std::vector<std::unique_ptr<FileWatch>> watches;
  detail::replace_workflows(server);  // a file that has changed brings its own again
  if (given.watch)
    for (std::size_t i = 0; i < loaded.size(); ++i)
      watches.push_back(std::make_unique<FileWatch>(loaded[i].sources, [&server, flags, file = given.files[i]] {
        auto again = load(file, flags, true);
        again.plugin.add_workflows(server);
        std::cerr << "weir: reloaded " << file << '\n';
        return again.sources;
      }));
  server.serve();
  return exit_code::done;
}

}  // namespace

void add_serve(CLI::App& app, Chosen& chosen) {
  auto* verb = app.add_subcommand("serve", "Serves workflows from C++ sources and shared libraries");
  const auto given = std::make_shared<Arguments>();
  verb->add_option("FILE", given->files, "C++ sources, which are compiled and kept, and shared libraries");
  verb->add_flag("--watch", given->watch, "Load a file again when it changes; runs in flight go on with what they began with");
  verb->add_option("--with", given->packages, "A library that the sources use, as pkg-config knows it; repeatable")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("LIB");
  verb->add_option("--cxxflags", given->cxxflags, "More flags for the compiler [WEIR_CXXFLAGS]")->type_name("FLAGS");
  const auto settings = http::add_settings(*verb, {.options = {.host = every_address}});
  verb->footer(
      "A setting's flag wins over its environment variable (in brackets), and that over the file of --config.\n"
      "WORKFLOWS_PY_SERVER_HOST and WORKFLOWS_PY_SERVER_PORT are read where WEIR_HOST and WEIR_PORT are not set.");
  verb->callback([&chosen, given, settings] { chosen = [given, settings] { return serve(*given, *settings); }; });
}

}  // namespace weir::cli
