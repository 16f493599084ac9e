// weir: serves workflows, and talks to servers that do.
#include "output.hpp"
#include "plugin.hpp"
#include "verbs.hpp"
#include "watch.hpp"
#include "words.hpp"

#include "persistence/tool/verbs.hpp"

#include <weir/printable.hpp>
#include <weir/version.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>
#include <string_view>

int main(int argc, char** argv) {
  using namespace weir::cli;
  if (argc == 3 && std::string_view(argv[1]) == probe_flag) probe(argv[2]);
  end_with_parent();
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
  unmark_words(app);
  try {
    auto words = marked_words(argc, argv);
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    if (app.exit(error) != 0) return exit_code::wrong_usage;
    chosen = [] { return exit_code::done; };  // help, or the version
  }
  try {
    const int code = chosen();
    flush_output();
    return code;
  } catch (const OutputLost& error) {
    std::cerr << "weir: " << error.what() << '\n';
    return exit_code::output_lost;
  } catch (const std::exception& error) {
    std::cerr << "weir: " << weir::printable_lines(error.what()) << '\n';
    return exit_code::wrong_usage;
  }
}
