#include "verbs.hpp"

#include "persistence/sqlite/database.hpp"
#include "persistence/sqlite/maintenance.hpp"

#include <weir/printable.hpp>

#include <CLI/CLI.hpp>

#include <iostream>

namespace weir::tool {
namespace {

using namespace weir::sqlite_detail;

constexpr int problems_found = 1, cannot_be_read = 2;

int check_file(const std::string& path) {
  const auto problems = check(path);
  for (const auto& problem : problems) std::cout << printable(problem) << '\n';
  if (problems.empty()) std::cout << printable(path) << ": no problems found\n";
  return problems.empty() ? 0 : problems_found;
}

int show_stats(const std::string& path, bool json) {
  const auto figures = stats(path);
  if (json) {
    std::cout << printable(to_json(figures)) << '\n';
    return 0;
  }
  for (const auto& [name, value] : figures)
    std::cout << name << ": " << printable(value.is_string() ? value.as_string() : to_json(value)) << '\n';
  return 0;
}

int migrate_now(const std::string& path) {
  const auto [from, to] = migrate_file(path);
  if (from == to) std::cout << printable(path) << ": has format " << to << " already\n";
  else std::cout << printable(path) << ": migrated from format " << from << " to " << to << '\n';
  return 0;
}

}  // namespace

void add_db(CLI::App& app, std::function<int()>& chosen) {
  auto* db = app.add_subcommand("db", "Looks after the file of a server that runs with --store sqlite:PATH");
  db->require_subcommand(1);
  struct Options {
    std::string path;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  const auto verb = [&](const char* name, const char* description, int (*act)(const Options&)) {
    auto* out = db->add_subcommand(name, description);
    out->add_option("PATH", options->path, "The database file")->required();
    out->callback([&chosen, options, act] {
      chosen = [options, act] {
        try {
          return act(*options);
        } catch (const DatabaseError& error) {
          std::cerr << "weir: " << printable(error.what()) << '\n';
          return cannot_be_read;
        }
      };
    });
    return out;
  };
  verb("check", "Looks for damage, and for runs that contradict themselves; exit code 1 when there is any",
       [](const Options& given) { return check_file(given.path); });
  verb("stats", "Sizes, handlers by status, and what is waiting", [](const Options& given) {
    return show_stats(given.path, given.json);
  })->add_flag("--json", options->json, "For programs");
  verb("migrate", "Brings the file to this program's format, which a server also does at its start",
       [](const Options& given) { return migrate_now(given.path); });
}

}  // namespace weir::tool
