// weir: serves workflows, and talks to servers that do.
#include "verbs.hpp"

#include "persistence/tool/verbs.hpp"

#include <weir/printable.hpp>
#include <weir/version.hpp>

#include <CLI/CLI.hpp>

#include <iostream>

int main(int argc, char** argv) {
  using namespace weir::cli;
  CLI::App app{"Serves workflows written in C++, and talks to servers that do."};
  app.name("weir");
  app.set_version_flag("--version", "weir " WEIR_VERSION);
  app.require_subcommand(1);
  app.footer(footer);
  Chosen chosen;
  add_serve(app, chosen);
  add_run_verbs(app, chosen);
  add_look_verbs(app, chosen);
  add_graph(app, chosen);
  weir::tool::add_db(app, chosen);
  add_documentation_verbs(app, chosen);
  if (const std::string word = argc > 1 ? argv[1] : "";
      !word.empty() && word[0] != '-' && app.get_subcommands([&](const CLI::App* verb) { return verb->get_name() == word; }).empty()) {
    std::cerr << "weir: there is no verb '" << weir::printable(word) << "'. `weir --help` lists them\n";
    return exit_code::wrong_usage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) { return app.exit(error) == 0 ? exit_code::done : exit_code::wrong_usage; }
  try {
    return chosen();
  } catch (const std::exception& error) {
    std::cerr << "weir: " << weir::printable_lines(error.what()) << '\n';
    return exit_code::wrong_usage;
  }
}
